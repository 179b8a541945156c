import zipfile
from pathlib import Path

import pytest

from myna.app.backup import back_up, restore
from myna.decisions import DecisionLog
from myna.network import Action, ActionKind, Deletion, Edge, EdgeKind, Person, Post, Problem, Records
from myna.network.store import Store


def filled(path: Path) -> Store:
    store = Store(f"sqlite:///{path / 'myna.db'}")
    store.append([Person("x:1", "lan", "Lan Nguyễn"), Person("x:2", "bo")])
    store.append([Post(f"x:{n}", "x:1", 1_700_000_000_000 + n, f"Tiếng Việt {n} 🌸\n") for n in range(100, 160)])
    store.append([Edge("x:2", "x:1", EdgeKind.FOLLOW, 5), Action("x:a1", "x:2", "x:101", ActionKind.DWELL, 9, 3.5)])
    store.append([Deletion("x:105", "post", 10)])
    Records(store, "drafts").put("d1", {"text": "wait"}, owner="x:1")
    DecisionLog(store).write("feed", "x:1", "recommend", {"ids": ["x:101"]}, {"order": ["x:101"]}, id="d1")
    (path / "models").mkdir()
    (path / "models" / "weights").write_bytes(b"\x00\x01")
    return store


def test_a_restored_network_is_the_one_backed_up(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    store = filled(old)
    (old / "secret").write_text("s")
    back_up(store, old, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").stat().st_mode & 0o077 == 0
    new = tmp_path / "new"
    new.mkdir()
    other = Store(f"sqlite:///{new / 'myna.db'}")
    restore(other, new, tmp_path / "b.zip")
    assert other.counts() == store.counts()
    assert other.posts_after(0) == store.posts_after(0)
    assert other.people_after(0) == store.people_after(0)
    assert other.actions_after(0) == store.actions_after(0)
    assert other.deletions_after(0) == store.deletions_after(0)
    assert DecisionLog(other).get("d1") == DecisionLog(store).get("d1")
    assert Records(other, "drafts").all("x:1") == {"d1": {"text": "wait"}}
    assert (new / "models" / "weights").read_bytes() == b"\x00\x01"
    assert (new / "secret").read_text() == "s" and (new / "secret").stat().st_mode & 0o077 == 0
    # What is written afterwards goes on behind what was restored.
    other.append([Post("x:999", "x:1", 3, "after")])
    assert other.posts_after(0)[-1].id == "x:999"


def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path)
    (tmp_path / "b.zip").write_bytes(b"precious")
    with pytest.raises(Problem, match="exists already"):
        back_up(store, tmp_path, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == b"precious"


def test_a_network_that_is_not_empty_is_not_restored_over(tmp_path: Path) -> None:
    store = filled(tmp_path)
    back_up(store, tmp_path, tmp_path / "b.zip")
    with pytest.raises(Problem, match="not empty"):
        restore(store, tmp_path, tmp_path / "b.zip")


def test_a_damaged_backup_restores_nothing(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    back_up(filled(old), old, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as whole, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        for name in whole.namelist():
            data = whole.read(name)
            bad.writestr(name, data.replace(b"Ti\xe1\xba\xbfng", b"XX") if name == "posts.jsonl" else data)
    (tmp_path / "short.zip").write_bytes((tmp_path / "b.zip").read_bytes()[:700])
    new = Store(f"sqlite:///{tmp_path / 'new' / 'myna.db'}")
    for name in ("bad.zip", "short.zip"):
        with pytest.raises(Problem):
            restore(new, tmp_path / "new", tmp_path / name)
        assert new.counts().posts == 0
        assert new.counts().people == 0


def test_a_backup_cannot_write_outside_the_home(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    back_up(filled(old), old, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as file:
        file.writestr("home/../../escaped", "x")
    new = Store(f"sqlite:///{tmp_path / 'new' / 'myna.db'}")
    with pytest.raises(Problem, match="outside the home"):
        restore(new, tmp_path / "new", tmp_path / "b.zip")
    assert not (tmp_path.parent / "escaped").exists()
    assert new.counts().posts == 0
