"""Who follows whom: few have many followers (heavy tail), and like follows like (homophily).

Each person follows a log-normal number of others. Most are drawn from those with the same language and main topic, the
rest from the same language or from all, always in proportion to a Pareto-distributed pull; a part is followed back.
"""

from dataclasses import dataclass

import numpy as np

from myna.world.people import People
from myna.world.streams import stream
from myna.world.types import HOUR, Bools, Floats, Ints

SAME_TOPIC, SAME_LANG = 0.55, 0.85
"""A follow is within language and topic below the first, within the language below the second, anywhere above."""
FOLLOW_BACK = 0.22


@dataclass(frozen=True, slots=True)
class Graph:
    """Follow edges by key = person * people + other, sorted.

    followers: of all people, those of person i at begin[i] to begin[i + 1].
    """

    n: int
    keys: Ints
    begin: Ints
    followers: Ints

    def follows(self, person: Ints, other: Ints) -> Bools:
        """Whether each follows the other."""
        return contains(self.keys, person * self.n + other)

    def follower_count(self, person: Ints) -> Ints:
        """How many follow each."""
        return self.begin[person + 1] - self.begin[person]


def contains(sorted_keys: Ints, keys: Ints) -> Bools:
    """Whether each key is among the sorted ones."""
    if not len(sorted_keys):
        return np.zeros(len(keys), bool)
    at = np.searchsorted(sorted_keys, keys)
    return np.asarray(sorted_keys[np.minimum(at, len(sorted_keys) - 1)] == keys)


def of_keys(n: int, keys: Ints) -> Graph:
    """The graph of these sorted keys."""
    other = keys % n
    order = np.argsort(other, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(other, minlength=n))])
    return Graph(n, keys, begin.astype(np.int64), (keys // n)[order])


def make(people: People, seed: int, start: int) -> tuple[Graph, Ints]:
    """The follows before the history, and when each began: (edges,) milliseconds."""
    n = len(people)
    rng = stream(seed, "graph")
    mean = min(36.0, 0.35 * n + 0.7)
    wants = np.minimum(rng.lognormal(np.log(mean) - 0.5, 1.0, n) * np.where(people.bot, 3.0, 1.0), 0.6 * n + 1)
    out = np.maximum(rng.poisson(wants), 1)
    source = np.repeat(np.arange(n), out)
    scope = rng.random(len(source))
    community = people.lang * 64 + people.topic
    # Where a community is only a handful, people look beyond it: a network of thirty is one circle.
    scope = np.where((scope < SAME_TOPIC) & _few(community, 4)[source], SAME_TOPIC, scope)
    scope = np.where((scope < SAME_LANG) & _few(people.lang, 6)[source], SAME_LANG, scope)
    target = np.empty(len(source), np.int64)
    for low, high, group in (
        (0.0, SAME_TOPIC, community),
        (SAME_TOPIC, SAME_LANG, people.lang * 64),
        (SAME_LANG, 1.0, np.zeros(n, np.int64)),
    ):
        rows = np.flatnonzero((scope >= low) & (scope < high))
        target[rows] = _drawn_within(group, people.pull, source[rows], rng)
    back = rng.random(len(source)) < FOLLOW_BACK
    keys = np.concatenate([source * n + target, target[back] * n + source[back]])
    keys = np.unique(keys[keys // n != keys % n])
    newest = np.maximum(people.created_at[keys // n], people.created_at[keys % n])
    at = newest + (rng.random(len(keys)) * (start - HOUR - newest)).astype(np.int64)
    return of_keys(n, keys), at


def _few(group: Ints, least: int) -> Bools:
    """Whether each one's group has fewer members than that."""
    return np.asarray(np.bincount(group)[group] < least)


def _drawn_within(group: Ints, pull: Floats, source: Ints, rng: np.random.Generator) -> Ints:
    """For each source, somebody of its own group, in proportion to pull."""
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(pull[order])
    first = np.searchsorted(group[order], group[source], "left")
    last = np.searchsorted(group[order], group[source], "right") - 1
    low = np.where(first > 0, ends[first - 1], 0.0)
    drawn = low + rng.random(len(source)) * (ends[last] - low)
    return order[np.clip(np.searchsorted(ends, drawn, "right"), first, last)]
