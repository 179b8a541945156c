from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from myna.app import Myna
from myna.gate import MYNA
from myna.network import Action, ActionKind, Consent, Person, Post, Purpose
from myna.settings import Settings

_DAY = 86_400_000
_NOW = 400 * _DAY


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Myna]:
    """Two authors: posts on otters are liked twice as much as others; Ada's counts came with the posts, Lan's likes
    were given here."""
    myna = Myna(Settings(home=tmp_path / "home"))
    random = np.random.default_rng(0)
    readers = [Person(f"home:r{n}", f"r{n}") for n in range(12)]
    myna.store.append([Person("home:ada", "ada"), Person("home:lan", "lan"), *readers])
    facts: list[Post | Action] = []
    for n in range(500):
        topic = ("otters", "rain", "tea")[random.integers(3)]
        likes = int((8 if topic == "otters" else 3) + random.integers(3))
        who = ("ada", "lan")[random.integers(2)]
        post = Post(
            f"home:{n}", f"home:{who}", n * _DAY // 2, f"words on {topic} {n % 7}", "en",
            like_count=likes * 10 if who == "ada" else 0,
        )  # fmt: skip
        facts.append(post)
        if who == "lan":
            facts += [
                Action(f"home:l{n}-{r}", f"home:r{r}", post.id, ActionKind.LIKE, post.created_at + 1)
                for r in range(min(likes, 12))
            ]
    myna.store.append(facts)
    yield myna
    myna.close()


def test_a_forecast_tells_what_the_network_likes_of_this_author(network: Myna) -> None:
    metrics = network.reception.train()
    assert metrics["trained"], metrics
    assert metrics["likes"]["ours"] > metrics["likes"]["author's mean"]
    ask = network.reception.forecast
    loved, plain = (ask("home:lan", f"words on {topic} 9", now=_NOW) for topic in ("otters", "rain"))
    assert loved is not None and plain is not None
    assert loved.likes is not None and plain.likes is not None
    assert 6 < loved.likes < 12 and 2 < plain.likes < 6, (loved, plain)
    assert loved.low < loved.likes < loved.high
    assert loved.better_than is not None and plain.better_than is not None
    assert loved.better_than > plain.better_than
    assert loved.replies is None, "nobody ever replied here"
    famous = ask("home:ada", "words on otters 9", now=_NOW)
    assert famous is not None and famous.likes is not None
    assert famous.likes > 4 * loved.likes


def test_training_tells_how_far_it_is_all_the_way(network: Myna) -> None:
    told: list[float] = []
    network.reception.train(lambda done, total: told.append(done / total))
    assert told == sorted(told) and told[-1] == 1
    assert max(b - a for a, b in pairwise(told)) <= 0.3


def test_training_is_a_decision_and_reads_through_the_gate(network: Myna) -> None:
    network.store.append([Consent("home:ada", Purpose.TRAIN, False, "home:ada", _NOW)])
    metrics = network.reception.train()
    assert metrics["posts"] <= 300, "Ada said no"
    decision = network.log.latest("train")[0]
    assert decision.input == {"part": "reception"}
    assert decision.output["posts"] == metrics["posts"]
    assert decision.model == metrics.get("version", "")


def test_without_training_or_words_there_is_no_forecast(network: Myna) -> None:
    assert network.forecast("home:lan", "words on otters") is None
    network.reception.train()
    assert network.forecast("home:lan", "words on otters") is not None
    assert network.forecast("home:lan", "  ") is None


def test_too_few_posts_teach_nothing(tmp_path: Path) -> None:
    myna = Myna(Settings(home=tmp_path / "home"))
    myna.store.append([Person("home:a", "a"), *(Post(f"home:{n}", "home:a", n * _DAY, f"text {n}") for n in range(30))])
    assert not myna.reception.train()["trained"]
    assert myna.forecast("home:a", "text") is None
    myna.close()


def test_a_newcomer_gets_a_forecast_without_a_comparison(network: Myna) -> None:
    network.reception.train()
    found = network.reception.forecast("home:r1", "words on otters", now=_NOW)
    assert found is not None and found.likes is not None
    assert found.better_than is None and found.compared == 0


def test_an_authors_own_posts_are_told_apart_by_what_they_could_expect_now(network: Myna) -> None:
    assert network.expected_likes("home:lan") == {}
    network.reception.train()
    found = network.reception.expected_likes("home:lan", now=_NOW)
    texts = {post.id: post.text for post in network.reader.posts(MYNA, Purpose.TRAIN, list(found)).values()}
    loved, plain = ([found[id] for id, text in texts.items() if word in text] for word in ("otters", "rain"))
    assert min(loved) > max(plain)
    assert network.expected_likes("home:r1") == {}
