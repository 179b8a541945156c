"""What flows through the stages: one request's question, and its candidates as columns."""

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from myna.feed.types import Request
from myna.gate import Actor
from myna.network import Post
from myna.people.activity import Activity
from myna.people.columns import Array
from myna.people.taste import Evidence
from myna.people.topics import Topics

NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Query:
    """Who asks, and all about them that the stages need. People and posts are rows of the activity.

    now, oldest: the request's time, and the time before which posts are too old, by the network's own clock.
    interests: (topics,) float64, shares of what they like, summing to 1 (or all 0). unwanted: (topics,), of what they
    want less of. near: people whose taste is theirs, with how near: (n,), (n,). looked: posts they saw lately, (n,)
    rows; took: (n,) bool, which of those they liked or reposted.
    """

    request: Request
    actor: Actor
    activity: Activity
    topics: Topics
    person: int
    now: int
    oldest: int
    follows: frozenset[int] = NOBODY
    blocks: frozenset[int] = NOBODY
    blocked_by: frozenset[int] = NOBODY
    mutes: frozenset[int] = NOBODY
    languages: frozenset[int] = NOBODY
    shown: frozenset[int] = NOBODY
    evidence: Evidence = field(
        default_factory=lambda: Evidence(
            np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int8), np.zeros(0, np.int64)
        )
    )
    interests: Array = field(default_factory=lambda: np.zeros(0))
    unwanted: Array = field(default_factory=lambda: np.zeros(0))
    liked: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    disliked: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    looked: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    took: Array = field(default_factory=lambda: np.zeros(0, bool))
    near: tuple[Array, Array] = field(default_factory=lambda: (np.zeros(0, np.int64), np.zeros(0)))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Posts that might be shown, as columns of one length n.

    rows: posts, as rows of the activity. found: (n, sources) float32, each source's own measure of a post, 0 where it
    did not find it. via: who, of those followed, reposted it, -1 for nobody. posts: by id, once the gate has let them
    through.
    """

    rows: Array
    found: Array
    via: Array
    posts: dict[str, Post] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, kept: Array) -> "Candidates":
        """Those at these places, or where this (n,) bool is true."""
        return replace(self, rows=self.rows[kept], found=self.found[kept], via=self.via[kept])


class Source(Protocol):
    """Finds posts."""

    name: str

    def find(self, query: Query) -> tuple[Array, Array, Array]:
        """(rows, measures, via), each (n,): the best first. via is -1 but for reposts."""


class Filter(Protocol):
    """Drops posts."""

    name: str

    def keep(self, query: Query, candidates: Candidates) -> Array:
        """(n,) bool: which may stay."""


def rows_in(rows: Array, wanted: frozenset[int]) -> Array:
    """(n,) bool: which of these rows are in a set."""
    if not wanted or not len(rows):
        return np.zeros(len(rows), bool)
    if len(wanted) < 2 * len(rows):
        return np.isin(rows, np.fromiter(wanted, np.int64, len(wanted)))
    return np.array([row in wanted for row in rows.tolist()], bool)
