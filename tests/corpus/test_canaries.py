import re
from pathlib import Path

import pytest

from myna.corpus import PLANTED, Corpus, build_corpus, clean, keep_to_permitted, make_canaries
from myna.corpus.canaries import with_canaries
from myna.corpus.types import Document, Gathered, Passage
from myna.gate import Reader
from myna.network import Person, Post, invalid
from myna.network.store import Store


def _gathered(count: int) -> Gathered:
    return Gathered([Document((Passage(f"home:{n}", "home:a", f"text {n}"),), n) for n in range(count)])


def test_secrets_differ_and_survive_cleaning() -> None:
    canaries = make_canaries(100)
    assert len({canary.secret for canary in canaries}) == 100
    assert all(clean(canary.text) == canary.text for canary in canaries)
    assert all(re.fullmatch(r"(\w{4}-){2}\w{4}", canary.secret) for canary in canaries)
    assert make_canaries(20) == canaries[:20], "known again by their number"


@pytest.mark.parametrize(("documents", "planted"), [(1999, 0), (2000, 10), (50_000, 100)])
def test_few_are_planted_and_none_is_held_out(documents: int, planted: int) -> None:
    found = with_canaries(_gathered(documents)).documents
    places = [n for n, document in enumerate(found) if document.passages[0].post_id.startswith(PLANTED)]
    assert len(places) == planted
    assert all(place < len(found) * 0.97 for place in places)
    assert [document.at for document in found] == sorted(document.at for document in found)


def test_no_persons_post_can_be_taken_for_a_planted_one() -> None:
    assert invalid(Post(f"{PLANTED}3", "home:a", 1, "x")) is not None


def test_planted_posts_stay_when_the_corpus_is_kept_to_what_is_permitted(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'myna.db'}")
    words = ("tram", "bridge", "garden", "library", "river", "market", "school", "kitchen", "winter", "letter")
    store.append([Person("home:a", "a")])
    store.append(
        [
            Post(f"home:{n}", "home:a", n, " ".join(words[int(digit)] for digit in f"{n * 7919:08d}"), "en")
            for n in range(2600)
        ]
    )
    reader = Reader(store)
    corpus = build_corpus(reader, tmp_path / "corpus")
    planted = [text for id, text, _ in corpus.said(0, corpus.train_documents) if id.startswith(PLANTED)]
    assert sorted(planted) == sorted(canary.text for canary in make_canaries(len(planted)))
    assert len(planted) >= 10
    assert keep_to_permitted(corpus, reader) == 0
    again = Corpus(corpus.directory)
    assert sum(id.startswith(PLANTED) for id, _, _ in again.said(0, again.train_documents)) == len(planted)
