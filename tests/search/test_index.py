"""The index as files: crashes, damage, other processes, generations."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from myna.gate import ANYONE
from myna.network import Deletion, Person, Post, Problem
from myna.search.index import Index, IndexBroken
from myna.search.schema import Cursor, post_document


def posts(count: int, start: int = 0) -> list[Post]:
    return [
        Post(f"home:{n}", "home:a", 1000 + n, f"post number{n} about birds", lang="en")
        for n in range(start, start + count)
    ]


def test_the_cursor_is_what_the_last_commit_said(tmp_path: Path) -> None:
    index = Index(tmp_path)
    assert index.acquire()
    index.start_over()
    index.add(post_document(Post("home:1", "home:a", 1, "hello", seq=1), ""))
    index.commit(Cursor(1, 2, 3, 4))
    index.add(post_document(Post("home:2", "home:a", 1, "hello", seq=2), ""))
    index.close()
    again = Index(tmp_path)
    again.open()
    assert again.cursor() == Cursor(1, 2, 3, 4)
    assert again.size() == 2, "one post and the cursor; what was not committed is gone"
    again.close()


def test_only_one_writes_and_the_other_reads_what_is_committed(network) -> None:
    network.add(*posts(5))
    other = network.open()
    assert other.follow() == 0
    assert other.check()["writer"] is False
    assert len(other.search(ANYONE, "birds").hits) == 5
    network.add(*posts(5, 5), Deletion("home:0", "post", 5000))
    assert len(other.search(ANYONE, "birds").hits) == 4, "a deletion holds before the reader has followed"
    other.follow()
    assert len(other.search(ANYONE, "birds").hits) == 9
    with pytest.raises(Problem, match="Another process"):
        other.rebuild()
    network.search.close()
    network.store.append(posts(1, 20))
    assert other.follow() == 1, "it writes once the writer has gone"
    assert other.check(deep=True)["missing"] == 0


def test_deleted_posts_leave_the_index_and_nothing_is_indexed_twice(network) -> None:
    network.add(*posts(30))
    network.add(*(Deletion(f"home:{n}", "post", 9000) for n in range(0, 30, 2)))
    found = network.search.check(deep=True)
    assert (found["indexed"], found["missing"], found["leaked"]) == (15, 0, 0)
    network.search.close()
    again = network.open()
    assert again.follow() == 0
    assert again.check(deep=True)["indexed"] == 15


def test_a_deleted_person_takes_posts_and_name_along(network) -> None:
    network.add(Person("home:a", "lan"), Person("home:b", "bob"), *posts(3), Post("home:x", "home:b", 1, "birds too"))
    network.add(Deletion("home:a", "person", 9000))
    assert [hit.post.id for hit in network.search.search(ANYONE, "birds").hits] == ["home:x"]
    assert network.search.people(ANYONE, "lan") == []
    assert network.search.check(deep=True)["indexed"] == 1


@pytest.mark.parametrize("damage", ["meta", "truncate", "current", "remove", "noise"])
def test_a_damaged_index_is_made_anew_with_a_message(network, damage: str) -> None:
    network.add(*posts(50))
    network.search.close()
    folder = next((network.home / "search").glob("words-*"))
    if damage == "meta":
        (folder / "meta.json").write_bytes(b"{ not json")
    elif damage == "truncate":
        for path in folder.glob("*.term"):
            path.write_bytes(path.read_bytes()[:20])
    elif damage == "current":
        (network.home / "search" / "current.json").write_bytes(b"\xff\xfe")
    elif damage == "remove":
        for path in folder.glob("*.fast"):
            path.unlink()
    else:
        for path in [*folder.glob("*.idx"), *folder.glob("*.store"), *folder.glob("*.fast")]:
            path.write_bytes(random.Random(1).randbytes(path.stat().st_size))
    again = network.open()
    again.follow()
    assert len(again.search(ANYONE, "birds", limit=100).hits) == 50
    assert again.check(deep=True)["missing"] == 0
    assert "anew" in str(again.check()["note"])


def test_a_full_disk_costs_no_index(network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.add(*posts(50))
    with monkeypatch.context() as full:

        def refuse(self: Index, cursor: Cursor) -> None:
            self.release_writer()
            raise IndexBroken("An IO error occurred: 'No space left on device (os error 28)'")

        full.setattr(Index, "commit", refuse)
        with pytest.raises(OSError, match="No space left"):
            network.add(*posts(5, 100))
        assert len(network.search.search(ANYONE, "birds", limit=100).hits) == 50
    network.search.follow()
    found = network.search.check(deep=True)
    assert (found["indexed"], found["missing"], found["note"]) == (55, 0, "")


def test_an_index_of_another_log_is_made_anew(network, tmp_path: Path) -> None:
    network.add(*posts(50))
    network.search.close()
    network.store.close()
    (network.home / "network.db").unlink()
    for rest in network.home.glob("network.db-*"):
        rest.unlink()
    fresh = type(network)(network.home)
    fresh.add(*posts(3))
    assert fresh.search.check(deep=True)["indexed"] == 3
    fresh.close()


def test_a_rebuild_finds_the_same_and_leaves_one_generation(network) -> None:
    network.add(*posts(40))
    before = [hit.post.id for hit in network.search.search(ANYONE, "birds number7").hits]
    network.search.rebuild()
    assert [hit.post.id for hit in network.search.search(ANYONE, "birds number7").hits] == before
    assert len(list((network.home / "search").glob("words-*"))) == 1
    network.add(*posts(1, 99))
    assert network.search.check(deep=True)["indexed"] == 41


def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(IndexBroken, match="no index yet"):
        Index(tmp_path).open()


FOLLOWER = """
    import sys
    from pathlib import Path
    from myna.decisions import DecisionLog
    from myna.gate import Reader
    from myna.network.store import Store
    from myna.search import Search
    home = Path(sys.argv[1])
    store = Store(f"sqlite:///{home}/network.db")
    search = Search(home / "search", Reader(store), DecisionLog(store))
    print("ready", flush=True)
    while True:
        search.follow()
"""


def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(network) -> None:
    draw = random.Random(3)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    written = 0
    for _ in range(5):
        command = [sys.executable, "-c", textwrap.dedent(FOLLOWER), str(network.home)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        end = time.monotonic() + draw.uniform(0.05, 0.6)
        while time.monotonic() < end:
            network.store.append(posts(50, written))
            written += 50
            network.store.append([Deletion(f"home:{draw.randrange(written)}", "post", 9000)])
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    search = network.search
    search.follow()
    found = search.check(deep=True)
    assert (found["missing"], found["leaked"]) == (0, 0)
    assert found["indexed"] == network.store.counts().posts
    assert found["note"] == "", "a crash is no damage"
