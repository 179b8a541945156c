"""Backup and restore: both logs, the records and the secrets in one zip file, the same for either database.

A table is a file of JSON lines, so that a backup can be read without Myna, and moves a network from SQLite to
PostgreSQL.
Derived state is left out: `rebuild` makes it again. Models are kept unless told otherwise, for they cost compute.
"""

import base64
import hashlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from myna.network import Problem, Progress, quiet
from myna.network.schema import metadata
from myna.network.store import Store
from myna.private import beside, write_private

_FORMAT = 1
_ROWS = 5_000
_SECRETS = ("secret", "ads")


def back_up(store: Store, home: Path, target: Path, models: bool = True, progress: Progress = quiet) -> dict[str, int]:
    """Writes everything that cannot be derived to `target`; returns the rows of each table.

    The file appears only when it is whole. Raises Problem if there is one already.
    """
    if target.exists():
        raise Problem(f"{target} exists already; a backup overwrites nothing. Give another name.")
    rows: dict[str, int] = {}
    digests: dict[str, str] = {}
    part = target.with_name(target.name + ".part")
    tables = list(metadata.sorted_tables)
    try:
        # It holds everything, the keys too: for its owner's eyes alone.
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as file:
            with store.engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
                total = sum(connection.execute(sa.select(sa.func.count()).select_from(t)).scalar() or 0 for t in tables)
                for table in tables:
                    called = str(table.name)  # SQLAlchemy's names are a kind of text of their own
                    name = f"{called}.jsonl"
                    rows[called] = 0
                    digest = hashlib.sha256()
                    with file.open(name, "w", force_zip64=True) as out:
                        for line in _lines(connection, table):
                            out.write(line)
                            digest.update(line)
                            rows[called] += 1
                            if rows[called] % _ROWS == 0:
                                progress(sum(rows.values()), total)
                    digests[name] = digest.hexdigest()
            for name in (*_SECRETS, *(("models",) if models else ())):
                for path in _files(home / name):
                    file.write(path, f"home/{path.relative_to(home).as_posix()}")
            manifest = {"format": _FORMAT, "rows": rows, "sha256": digests}
            file.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        with part.open("rb+") as whole:
            os.fsync(whole.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return rows


def restore(store: Store, home: Path, source: Path, progress: Progress = quiet) -> dict[str, int]:
    """Fills an empty network from a backup, in one transaction: all or nothing. Returns the rows of each table.

    Raises Problem for a network that is not empty, and for a file that is no whole backup.
    """
    if any(store.last_seq().values()):
        raise Problem(f"The network in {home} is not empty; restore into a new home: `--home NEW`.")
    try:
        with zipfile.ZipFile(source) as file:
            manifest = orjson.loads(file.read("manifest.json"))
            if manifest.get("format") != _FORMAT:
                raise Problem(f"{source} was written by another version of Myna (format {manifest.get('format')}).")
            return _restore(store, home, source, file, manifest, progress)
    except (zipfile.BadZipFile, KeyError, orjson.JSONDecodeError, EOFError) as error:
        raise Problem(f"{source} is no whole backup of Myna ({error}); nothing was restored.") from error


def _restore(
    store: Store, home: Path, source: Path, file: zipfile.ZipFile, manifest: dict[str, Any], progress: Progress
) -> dict[str, int]:
    total = sum(manifest["rows"].values())
    done = 0
    with store.writing() as connection:
        for table in metadata.sorted_tables:
            name = f"{table.name}.jsonl"
            digest = hashlib.sha256()
            batch: list[dict[str, Any]] = []
            with file.open(name) as lines:
                for line in lines:
                    digest.update(line)
                    batch.append(_row(table, orjson.loads(line)))
                    if len(batch) == _ROWS:
                        connection.execute(sa.insert(table), batch)
                        done += len(batch)
                        batch = []
                        progress(done, total)
            if batch:
                connection.execute(sa.insert(table), batch)
                done += len(batch)
            if digest.hexdigest() != manifest["sha256"][name]:
                raise Problem(f"{name} in {source} is not as it was written; nothing was restored.")
            if connection.dialect.name == "postgresql" and "seq" in table.c:
                connection.execute(
                    sa.text(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'seq'), "
                        f"GREATEST((SELECT MAX(seq) FROM {table.name}), 1))"
                    )
                )
        # Before the commit: killed in between, the network is still empty and can be restored again.
        _restore_files(home, source, file)
    progress(total, total)
    return dict(manifest["rows"])


def _restore_files(home: Path, source: Path, file: zipfile.ZipFile) -> None:
    for name in file.namelist():
        if name.startswith("home/"):
            target = (home / name.removeprefix("home/")).resolve()
            if not target.is_relative_to(home.resolve()):
                raise Problem(f"{source} names a file outside the home folder ({name}); it was not restored.")
            target.parent.mkdir(parents=True, exist_ok=True)
            part = beside(target)
            write_private(part, file.read(name))
            part.replace(target)


def _lines(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    order = list(table.primary_key.columns)
    result = connection.execution_options(yield_per=_ROWS).execute(sa.select(table).order_by(*order))
    names = [str(column.name) for column in table.c]
    for row in result:
        yield orjson.dumps(dict(zip(names, row, strict=True)), default=_binary) + b"\n"


def _binary(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    raise TypeError(f"a {type(value).__name__} in a table")


def _row(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    for column in table.c:
        if isinstance(column.type, sa.LargeBinary):
            row[column.name] = base64.b64decode(row[column.name])
    return row


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (found for found in sorted(path.rglob("*")) if found.is_file() and not found.is_symlink())
