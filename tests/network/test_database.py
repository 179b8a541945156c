import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from myna.network import Deletion, Person, Post, Problem
from myna.network.database import HEAD, open_engine
from myna.network.schema import metadata
from myna.network.store import Store


def test_an_empty_database_is_brought_up_to_the_newest_migration(database_url: str) -> None:
    engine = open_engine(database_url)
    inspector = sa.inspect(engine)
    assert set(metadata.tables) <= set(inspector.get_table_names())
    for table in metadata.tables.values():
        assert {column["name"] for column in inspector.get_columns(table.name)} == set(table.columns.keys())
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    engine.dispose()


def test_opening_again_keeps_what_is_there(database_url: str) -> None:
    first = Store(database_url)
    first.append([Post("home:1", "home:2", 1, "kept")])
    first.close()
    again = Store(database_url)
    assert again.posts(["home:1"])["home:1"].text == "kept"
    again.close()


def test_a_database_of_a_newer_myna_is_refused_and_left_alone(database_url: str) -> None:
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(Problem, match="newer"):
        open_engine(database_url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://root@localhost/x", "not in 'mysql'"),
        ("sqlite://", "in a file"),
        ("sqlite:///:memory:", "in a file"),
        ("postgresql://me:hunter2@127.0.0.1:1/x", "cannot be opened"),
    ],
)
def test_a_url_that_cannot_be_used_is_a_problem_said_in_words(url: str, said: str) -> None:
    with pytest.raises(Problem, match=said) as raised:
        open_engine(url)
    assert "hunter2" not in raised.value.message


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "myna.db").write_bytes(b"this is no database " * 100)
    with pytest.raises(Problem, match="cannot be opened"):
        open_engine(f"sqlite:///{tmp_path}/myna.db")


def test_a_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot be opened"):
        open_engine(f"sqlite:///{tmp_path}/file/below/myna.db")


def test_sqlite_is_opened_durable_and_erasing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/myna.db")
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
    engine.dispose()


@pytest.mark.parametrize("kind", ["post", "person"])
def test_the_bytes_of_what_was_deleted_are_in_no_file(tmp_path: Path, kind: str) -> None:
    secret = "Geheimnis-zxqv-7431"
    store = Store(f"sqlite:///{tmp_path}/myna.db")
    filler = [Post(f"home:f{n}", "home:q", n, "filler " * 30) for n in range(200)]
    store.append(
        [*filler[:100], Person("home:p", "handle", secret), Post("home:1", "home:p", 1, f"my {secret} " * 400)]
    )
    store.append([Post("home:2", "home:p", 2, secret), *filler[100:]])
    files = lambda: b"".join(path.read_bytes() for path in tmp_path.glob("myna.db*"))  # noqa: E731
    assert secret.encode() in files()
    gone = ["home:1", "home:2"] if kind == "post" else ["home:p"]
    store.append([Deletion(id, kind, 3) for id in gone])
    left = files()
    if kind == "post":
        assert f"my {secret}".encode() not in left  # the profile, not deleted, still has it
    else:
        assert secret.encode() not in left
    assert store.posts(["home:f5"])  # nothing else is lost
    store.close()
    assert sqlite3.connect(tmp_path / "myna.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_deletion_does_not_wait_for_a_reader_that_holds_an_old_state(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/myna.db")
    store.append([Post("home:1", "home:p", 1, "text")])
    with store.engine.connect() as reading:
        reading.execute(sa.text("SELECT count(*) FROM posts")).scalar()
        store.append([Deletion("home:1", "post", 2)])
        assert store.posts(["home:1"]) == {}
    store.close()
