"""Meaning: it takes part only where it has proved to help, is exact about permission, and follows the model."""

import random

import numpy as np
import pytest

from myna.gate import ANYONE, person_actor
from myna.network import Consent, Deletion, Edge, EdgeKind, Post, Problem, Purpose
from myna.search.fusion import Fusion, Probe, judge

WORDS = (
    "river bridge market garden mountain library station kitchen window forest island harbour teacher doctor".split()
)


def made(count: int, seed: int = 1) -> list[Post]:
    draw = random.Random(seed)
    found = []
    for n in range(count):
        text = " ".join(draw.choice(WORDS) + draw.choice(["", "s", "ly", "est"]) for _ in range(9)) + f" mark{n}"
        parent = f"home:{draw.randrange(n)}" if n % 3 == 0 and n else ""
        found.append(Post(f"home:{n}", "home:a" if n % 2 else "home:b", n + 1, text, lang="en", reply_to=parent))
    return found


def settle(search, judged: bool = True) -> None:
    """Follows until all is embedded, and judged."""
    while not search.check()["vectors_complete"] or (judged and not search.check()["meaning_judged"]):
        search.follow()


def noise(texts):
    """An embedding that knows nothing."""
    return np.random.default_rng(len(texts[0])).standard_normal((len(texts), 32)).astype(np.float32)


def test_an_embedding_that_knows_nothing_stays_off(network) -> None:
    network.open(noise, "noise")
    network.add(*made(80))
    settle(network.search)
    found = network.search.check()
    assert found["vectors"] == 80
    assert found["meaning_queries"] and found["meaning_weight"] == 0.0


def test_the_judgement_is_kept_over_a_restart(network, embed) -> None:
    network.open(embed, "v1")
    network.add(*made(80))
    settle(network.search)
    before = network.search.check()
    network.search.close()
    again = network.open(embed, "v1")
    again.follow()
    for name in ("vectors", "meaning_weight", "meaning_queries", "meaning_ndcg"):
        assert again.check()[name] == before[name]


def test_a_weight_is_only_given_where_no_kind_of_query_loses() -> None:
    asked = [Probe(kind, f"q{n}", f"x:{n}") for kind in ("known item", "reply") for n in range(80)]
    helps = lambda probe, weight: 0 if weight else 4  # noqa: E731
    hurts = lambda probe, weight: (0 if probe.kind == "reply" else 3) if weight else 1  # noqa: E731
    assert judge(asked, helps, "v").weight > 0
    assert judge(asked, hurts, "v").weight == 0
    assert judge(asked[:10], helps, "v") == Fusion("v"), "ten queries prove nothing"


@pytest.fixture
def with_meaning(network, embed):
    """A network whose meaning is switched on, whatever it is worth."""
    network.open(embed, "v1")
    network.add(*made(120), Post("home:t", "home:a", 999, "gardenings", lang="fr"))
    settle(network.search, judged=False)
    network.search._retriever.weight = 0.5
    return network


def test_posts_near_in_meaning_are_added_and_labelled(with_meaning) -> None:
    results = with_meaning.search.search(ANYONE, "gardening", limit=100)
    assert results.relaxed
    near = [hit for hit in results.hits if hit.why == "meaning"]
    assert "home:t" in {hit.post.id for hit in near}
    assert with_meaning.log.replay(results.decision).same


@pytest.mark.parametrize(
    "change",
    [
        Edge("home:a", "home:z", EdgeKind.BLOCK, 9000),
        Edge("home:z", "home:a", EdgeKind.MUTE, 9000),
        Consent("home:a", Purpose.SEARCH, False, "home:a", 9000),
        Deletion("home:t", "post", 9000),
    ],
)
def test_meaning_finds_nothing_that_is_refused(with_meaning, change) -> None:
    with_meaning.store.append([change])
    for _ in range(2):
        results = with_meaning.search.search(person_actor("home:z"), "gardening", limit=100)
        assert "home:t" not in {hit.post.id for hit in results.hits}
        with_meaning.search.follow()


def test_filters_hold_for_what_is_near_in_meaning(with_meaning) -> None:
    results = with_meaning.search.search(ANYONE, "gardening lang:fr", limit=100)
    assert [hit.post.id for hit in results.hits] == ["home:t"]


def test_vectors_follow_deletions_consents_and_new_models(network, embed) -> None:
    network.open(embed, "v1")
    network.add(*made(100))
    settle(network.search, judged=False)
    network.add(Deletion("home:5", "post", 9000))
    assert network.search.check()["vectors"] == 99
    network.add(Consent("home:a", Purpose.SEARCH, False, "home:a", 9000))
    assert network.search.check()["vectors"] == 50
    network.add(Consent("home:a", Purpose.SEARCH, True, "home:a", 9001))
    settle(network.search, judged=False)
    assert network.search.check()["vectors"] == 99
    network.search.set_embed(embed, "v2")
    assert network.search.check()["vectors"] == 0
    settle(network.search)
    assert network.search.check()["vectors"] == 99
    assert len(list((network.home / "search").glob("vectors-*"))) == 1


def test_vectors_of_posts_deleted_while_nobody_looked_are_cleared(network, embed) -> None:
    network.open(embed, "v1")
    network.add(*made(60))
    settle(network.search, judged=False)
    network.search.close()
    words = network.open()
    network.store.append([Deletion("home:7", "post", 9000)])
    words.follow()
    words.close()
    again = network.open(embed, "v1")
    settle(again, judged=False)
    assert again.check()["vectors"] == 59


def test_broken_vectors_do_not_stop_the_rest(network, embed) -> None:
    def sometimes(texts):
        rows = embed(texts)
        rows[[place for place, text in enumerate(texts) if "mark7" in text]] = np.nan
        return rows

    network.open(sometimes, "v1")
    network.add(*made(60))
    settle(network.search, judged=False)
    assert network.search.check()["unembeddable"] == 1
    assert network.search.search(ANYONE, "mark7").hits


def test_an_embedding_without_a_version_is_refused(network, embed) -> None:
    with pytest.raises(Problem, match="version"):
        network.open(embed, "")
