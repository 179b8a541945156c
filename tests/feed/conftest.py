"""A small network with planted tastes, logged views and what followed them; and its feeds."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from myna.decisions import DecisionLog
from myna.feed import Feed, Feeds, Mode, Request
from myna.gate import Reader
from myna.network import Action, ActionKind, Edge, EdgeKind, Fact, Person, Post, Records, now_ms
from myna.network.store import Store
from myna.people import Interests

WORDS = [
    "match goal striker keeper league penalty referee stadium corner header".split(),
    "recipe garlic oven butter simmer dough pepper sauce onion basil".split(),
    "rocket orbit telescope galaxy launch comet crater satellite nebula probe".split(),
]
FILLING = "the a is of my today really very good we saw again with this".split()
HOUR = 3_600_000


def make_network(people: int = 30, posts: int = 500, views: int = 0, seed: int = 3, now: int = 0) -> list[Fact]:
    """People p0, p1 … each of one topic of three (p0 football, p1 cooking, p2 space, p3 football …), who follow three.

    views: for each person, of random posts, liked at 50 % where the topic is theirs and at 3 % elsewhere.
    """
    rng = random.Random(seed)
    now = now or now_ms()
    facts: list[Fact] = [Person(f"home:p{i}", f"p{i}", lang="en") for i in range(people)]
    facts += [
        Edge(f"home:p{i}", f"home:p{(i + step) % people}", EdgeKind.FOLLOW, now - 400 * HOUR)
        for i in range(people)
        for step in (1, 3, 6)
    ]
    written = []
    for i in range(posts):
        author = rng.randrange(people)
        text = f"{' '.join(rng.sample(WORDS[author % 3], 4))} {' '.join(rng.sample(FILLING, 4))} {i}"
        written.append(Post(f"home:{i}", f"home:p{author}", now - (posts - i) * HOUR // 4 - HOUR, text, "en"))
    facts += written
    actions: list[Action] = []
    for person in range(people):
        for n, post in enumerate(rng.sample(written, min(views, len(written)))):
            if post.author_id == f"home:p{person}":
                continue
            at = min(post.created_at + rng.randrange(1, 8) * HOUR // 2, now - 1000)
            actions.append(Action(f"home:s{person}x{n}", f"home:p{person}", post.id, ActionKind.SEEN, at))
            if rng.random() < (0.5 if int(post.author_id[6:]) % 3 == person % 3 else 0.03):
                actions.append(Action(f"home:l{person}x{n}", f"home:p{person}", post.id, ActionKind.LIKE, at + 500))
    return facts + sorted(actions, key=lambda action: action.at)


@dataclass
class House:
    """One network, open."""

    store: Store
    reader: Reader
    log: DecisionLog
    interests: Interests
    feeds: Feeds

    def page(self, person: str = "home:p0", limit: int = 20, mode: Mode = Mode.FOR_YOU, cursor: str = "") -> Feed:
        """A page for a person."""
        request = Request(person, now_ms(), limit, mode)
        return self.feeds.feed(self.feeds.next_page(request, cursor) if cursor else request)

    def add(self, *facts: Fact) -> None:
        """Appends facts and catches up, as the follower does."""
        self.store.append(facts)
        self.feeds.follow()

    def act(self, post: str, kind: ActionKind, person: str = "home:p0", value: float = 1.0) -> None:
        """A person acts now; nothing else is told of it."""
        now = now_ms()
        self.store.append([Action(f"home:act{person[5:]}{kind}{post[5:]}x{now}", person, post, kind, now, value)])


def open_directory(directory: Path) -> House:
    """Opens what lies in a folder, as a process that starts would."""
    store = Store(f"sqlite:///{directory / 'facts.db'}")
    reader, log = Reader(store), DecisionLog(store)
    interests = Interests(directory / "people", reader, Records(store, "interests"))
    return House(store, reader, log, interests, Feeds(directory / "feed", reader, log, interests))


@pytest.fixture
def network() -> Callable[..., list[Fact]]:
    """Makes the facts of a network."""
    return make_network


@pytest.fixture
def open_house() -> Callable[[Path], House]:
    """Opens a folder."""
    return open_directory


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty network."""
    found = open_directory(tmp_path)
    yield found
    found.store.close()


@pytest.fixture
def small(house: House) -> House:
    """Thirty people, five hundred posts, nothing else."""
    house.add(*make_network())
    return house


@pytest.fixture
def lively(house: House) -> House:
    """Thirty people who looked at ninety posts each and liked some."""
    house.add(*make_network(views=90))
    return house
