"""What was deleted leaves the files of the index, while everything else stays findable once."""

import time
from pathlib import Path

import numpy as np
import pytest
import tantivy

from myna.gate import ANYONE
from myna.network import Deletion, Person, Post
from myna.search import purge
from myna.search.index import Index

FIELDS = ("id", "words", "also", "stems", "person", "handle", "name")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "_STEP", 7)
    monkeypatch.setattr(purge, "_REST", 0.0)


def held(home: Path, term: str) -> int:
    """In how many documents of the files the term stands, deleted ones included."""
    index = Index(home / "search")
    index.refresh()
    return sum(index.frequency(field, term) for field in FIELDS)


def follow_until_purged(search, home: Path, *terms: str) -> None:
    end = time.monotonic() + 10
    while any(held(home, term) for term in terms):
        assert time.monotonic() < end, {term: held(home, term) for term in terms}
        search.follow()


def post(number: int, text: str = "birds over the bridge", author: str = "home:a") -> Post:
    return Post(f"home:{number}", author, 1000 + number, text)


def test_the_words_of_a_deleted_post_leave_the_files(network) -> None:
    network.add(Person("home:a", "lan"), *(post(n) for n in range(100)), post(500, "an unspeakable quux"))
    network.add(*(post(n) for n in range(100, 130)))
    assert held(network.home, "quux") == 2
    network.add(Deletion("home:500", "post", 9000))
    follow_until_purged(network.search, network.home, "quux", "home:500")
    found = network.search.check(deep=True)
    assert (found["indexed"], found["missing"], found["leaked"]) == (130, 0, 0)
    hits = [hit.post.id for hit in network.search.search(ANYONE, "birds", limit=100).hits]
    assert len(hits) == len(set(hits)) == 100
    assert [person.id for person in network.search.people(ANYONE, "lan")] == ["home:a"]


def test_the_name_of_a_deleted_person_leaves_the_files(network) -> None:
    people = [Person(f"home:p{n}", f"quince{n}", "Quentin") for n in range(20)]
    network.add(Person("home:a", "lan"), *people, *(post(n) for n in range(20)), post(99, "quux", "home:p3"))
    network.add(Deletion("home:p3", "person", 9000))
    follow_until_purged(network.search, network.home, "quince3", "home:p3", "quux")
    assert network.search.check(deep=True)["indexed"] == 20
    assert len(network.search.people(ANYONE, "quentin", limit=50)) == 19


def test_a_purge_cut_short_goes_on_at_the_next_start(network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.add(Person("home:a", "lan"), *(post(n) for n in range(60)), post(500, "quux"))
    with monkeypatch.context() as patch:
        patch.setattr(purge.Purge, "step", lambda self, seconds: None)
        network.add(Deletion("home:500", "post", 9000))
        network.search.close()
    assert held(network.home, "quux")
    again = network.open()
    follow_until_purged(again, network.home, "quux")
    assert again.check(deep=True)["indexed"] == 60


def test_what_changes_during_a_purge_is_not_undone_by_it(network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.add(Person("home:a", "lan"), *(post(n) for n in range(60)), post(500, "quux"))
    step = purge.Purge.step
    # One step a follow: the purge of the first deletion is under way while the others come.
    monkeypatch.setattr(purge.Purge, "step", lambda self, seconds: step(self, 0.001))
    for number in (500, *range(50, 60), *range(5)):
        network.add(post(1000 + number, "later"), Deletion(f"home:{number}", "post", 9000))
    follow_until_purged(network.search, network.home, "quux", *(f"home:{n}" for n in (500, 59, 0)))
    found = network.search.check(deep=True)
    assert (found["indexed"], found["missing"], found["leaked"]) == (61, 0, 0)


def test_the_segments_of_the_neighbours_go_first() -> None:
    segments = [(np.arange(1, 100), []), (np.arange(200, 260), []), (np.array([300, 301]), []), (np.arange(0), ["a"])]
    order = purge.suspected_first(segments, [149, 261])
    assert [len(seqs) for seqs, _ in order] == [60, 99, 0, 2]


def test_nothing_is_written_where_nothing_was_deleted(network) -> None:
    network.add(Person("home:a", "lan"), *(post(n) for n in range(30)))
    folder = next((network.home / "search").glob("words-*"))
    before = {path.name for path in folder.iterdir()}
    for _ in range(5):
        network.search.follow()
    assert {path.name for path in folder.iterdir()} == before
    assert tantivy.Index.exists(str(folder))
