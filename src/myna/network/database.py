"""Opening the database of the logs: SQLite (WAL) by default, PostgreSQL by URL; brought up to date by Alembic."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy import event

from myna.network.problem import Problem

HEAD = "0001"
"""The newest migration in migrations/versions; an older database is upgraded when it is opened."""


def open_engine(url: str) -> sa.Engine:
    """An engine on an up-to-date database, made if it does not exist.

    url: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`.
    Raises Problem where the database cannot be opened.
    """
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise Problem(f"The database URL {url!r} cannot be read; give sqlite:///FILE or postgresql://…") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise Problem(f"Myna keeps its logs in SQLite or PostgreSQL, not in {parsed.get_backend_name()!r}.")
    # Without the password: the message is printed and logged.
    where = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or ":memory:" in parsed.database:
            raise Problem("Myna keeps its logs in a file, not in memory; give sqlite:///FILE.")
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Problem(f"The database {where} cannot be opened: {error}. Give a folder that can be made.") from error
    engine = sa.create_engine(parsed, pool_pre_ping=parsed.get_backend_name() == "postgresql")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        _upgrade(engine)
    except sa.exc.DatabaseError as error:
        raise Problem(
            f"The database {where} cannot be opened: {error.orig}. Check the URL, or restore a backup."
        ) from error
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions, so that writers can begin IMMEDIATE
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout=60000",
        "journal_mode=WAL",
        "synchronous=FULL",  # acknowledged means durable, also through a power cut
        "secure_delete=ON",  # what is deleted is overwritten, not only unlinked
        "cache_size=-65536",
        "mmap_size=268435456",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A reader that later writes could find its snapshot stale; a writer therefore takes the lock at once.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def askable(text: str) -> str:
    """The text as it may be asked for: no id holds a NUL or half a surrogate pair, and PostgreSQL takes neither."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")


def forget_overwritten(engine: sa.Engine) -> None:
    """Empties SQLite's write-ahead log, in which old states of pages lie until it is written over.

    Where a reader still needs one, it is left: the next deletion empties it, or the last connection that closes.
    """
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=200")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()
        cursor.execute("PRAGMA busy_timeout=60000")
        cursor.close()
    finally:
        connection.close()


def _version(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(engine: sa.Engine) -> None:
    found = _version(engine)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise Problem(f"This database was made by a newer Myna (schema {found}, here {HEAD}); upgrade Myna to open it.")
    from alembic import command  # imported late: it is slow, and rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if engine.dialect.name == "sqlite":
        with FileLock(f"{engine.url.database}.upgrade.lock"), engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    else:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(7697)"))
            connection.commit()
            try:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(7697)"))
                connection.commit()
