"""A small network with planted tastes: each person likes one topic, in one language."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from myna.gate import Reader
from myna.network import Action, ActionKind, Fact, Person, Post, Records, now_ms
from myna.network.store import Store
from myna.people import Interests

WORDS = {
    "football": "match goal striker keeper league penalty referee stadium".split(),
    "cooking": "recipe garlic oven butter simmer dough pepper sauce".split(),
    "space": "rocket orbit telescope galaxy launch comet crater satellite".split(),
    "phở": "phở bánh cuốn nước mắm húng quế bò tái".split(),
}
FILLING = "the a is of my today really very good we saw again with this".split()
HOUR = 3_600_000


def make_network(posts: int = 400, likes: int = 40, seed: int = 1) -> list[Fact]:
    """Twelve people, three to a topic; each writes of theirs and likes posts of theirs."""
    rng = random.Random(seed)
    topics = list(WORDS)
    now = now_ms()
    people: list[Fact] = [
        Person(f"home:p{i}", f"p{i}", lang="vi" if topics[i % 4] == "phở" else "en") for i in range(12)
    ]
    written: list[Post] = []
    for i in range(posts):
        author = rng.randrange(12)
        topic = topics[author % 4]
        text = " ".join(rng.sample(WORDS[topic], 3) + rng.sample(FILLING, 4))
        lang = "vi" if topic == "phở" else "en"
        written.append(Post(f"home:{i}", f"home:p{author}", now - (posts - i) * HOUR // 4, text, lang))
    actions: list[Fact] = []
    for person in range(12):
        mine = [post for post in written if int(post.author_id[6:]) % 4 == person % 4]
        for n, post in enumerate(rng.sample(mine, min(likes, len(mine)))):
            at = post.created_at + HOUR
            actions.append(Action(f"home:a{person}x{n}", f"home:p{person}", post.id, ActionKind.LIKE, at))
    return [*people, *written, *actions]


@pytest.fixture
def network() -> Callable[..., list[Fact]]:
    """Makes the facts of a network."""
    return make_network


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'facts.db'}")


@pytest.fixture
def interests(store: Store, tmp_path: Path) -> Callable[[], Interests]:
    """Opens the interests of the store, as a process that starts would."""
    return lambda: Interests(tmp_path / "people", Reader(store), Records(store, "interests"))
