"""Before whom a post comes: some of its author's followers, a few others with its topic at heart, whom it answers."""

from dataclasses import dataclass

import numpy as np

from myna.world.graph import Graph
from myna.world.people import People
from myna.world.timeline import Sessions
from myna.world.types import HOUR, Bools, Floats, Ints, Via

OLDEST = 48 * HOUR
"""A post that waited longer for its reader's next session is not shown."""
RECOMMENDED = 0.22
"""Share of the readers who do not follow the author."""


@dataclass(frozen=True, slots=True)
class Shown:
    """(shown,) columns: reader, post, session number and its start since the beginning, via, by (person or -1)."""

    reader: Ints
    post: Ints
    session: Ints
    at: Ints
    via: Ints
    by: Ints

    def __len__(self) -> int:
        return len(self.reader)

    def take(self, rows: Ints | Bools) -> "Shown":
        """These rows."""
        return Shown(
            self.reader[rows], self.post[rows], self.session[rows], self.at[rows], self.via[rows], self.by[rows]
        )

    def __add__(self, other: "Shown") -> "Shown":
        return Shown(
            np.concatenate([self.reader, other.reader]),
            np.concatenate([self.post, other.post]),
            np.concatenate([self.session, other.session]),
            np.concatenate([self.at, other.at]),
            np.concatenate([self.via, other.via]),
            np.concatenate([self.by, other.by]),
        )


def nobody() -> Shown:
    """No readers."""
    none = np.zeros(0, np.int64)
    return Shown(none, none, none, none, none, none)


class Audience:
    """Finds readers. seen_per_post: how many each post is to have on average; the only state is what was shown."""

    def __init__(self, people: People, sessions: Sessions, seen_per_post: float, posts: int) -> None:
        self._people = people
        self._sessions = sessions
        self._target = seen_per_post
        order = np.argsort(people.lang, kind="stable")
        self._by_lang = order
        self._reads = np.cumsum(people.reads[order])
        self._lang_first = np.searchsorted(people.lang[order], np.arange(6), "left")
        # A hash set of (reader, post) as one array of flags: a rare collision costs a showing, never shows one twice.
        self._bits = max(12, int(np.ceil(np.log2(16 * seen_per_post * posts + 1))))
        self._shown = np.zeros(1 << self._bits, bool)
        self._usual = 1.0

    def graph_changed(self, graph: Graph) -> None:
        """Takes note of who is followed how much now: reach is relative to the usual author's."""
        writes = self._people.writes
        self._usual = float((writes * (graph.follower_count(np.arange(graph.n)) + 1.0) ** 0.6).sum() / writes.sum())

    def of(
        self, graph: Graph, post: Ints, shower: Ints, author: Ints, lang: Ints, topic: Ints, created_at: Ints,
        reach: Floats, pull: Floats, reposts: Bools, notify: Ints, after: Ints, rng: np.random.Generator,
    ) -> Shown:  # fmt: skip
        """Readers of these posts in sessions that begin `after` (milliseconds since the start, per post) or later.

        shower: whose followers see it (the author, or who reposts it). reach: how widely, 1 is usual. pull: how much it
        is recommended. created_at: since the start. notify: the person it answers, -1 for nobody.
        """
        degree = graph.follower_count(shower)
        power = (degree + 1.0) ** 0.6
        wanted = rng.poisson(self._target * (1 - RECOMMENDED) * reach * power / self._usual)
        wanted = np.minimum(wanted, 2 * degree)
        row = np.repeat(np.arange(len(post)), wanted)
        # Of two followers the one who reads more: whoever is rarely here rarely sees anything.
        drawn = [graph.begin[shower[row]] + (rng.random(len(row)) * degree[row]).astype(np.int64) for _ in range(2)]
        first, second = graph.followers[drawn[0]], graph.followers[drawn[1]]
        reader = np.where(self._people.reads[first] >= self._people.reads[second], first, second)
        via = np.where(reposts[row], int(Via.REPOST), int(Via.FOLLOW))
        row2 = np.repeat(np.arange(len(post)), rng.poisson(self._target * RECOMMENDED * pull))
        other = self._strangers(lang[row2], topic[row2], rng)
        told = np.flatnonzero(notify >= 0)
        row = np.concatenate([told, row, row2])
        reader = np.concatenate([notify[told], reader, other])
        via = np.concatenate([np.full(len(told), Via.NOTIFICATION), via, np.full(len(row2), Via.RECOMMENDED)])
        by = np.where(via == Via.RECOMMENDED, -1, shower[row])
        session, at = self._sessions.after(reader, after[row])
        good = (session >= 0) & (reader != author[row]) & (reader != shower[row]) & (at - created_at[row] < OLDEST)
        found = Shown(reader, post[row], session, at, via, by).take(good)
        return found.take(self._new(found))

    def _strangers(self, lang: Ints, topic: Ints, rng: np.random.Generator) -> Ints:
        """Somebody of the language for each, the one of three with most interest in the topic."""
        last = self._lang_first[lang + 1] - 1
        first = self._lang_first[lang]
        # A language nobody has as their first is read by whoever there is.
        empty = last < first
        first, last = np.where(empty, 0, first), np.where(empty, len(self._by_lang) - 1, last)
        low = np.where(first > 0, self._reads[first - 1], 0.0)
        best = np.full(len(lang), -1)
        liking = np.full(len(lang), -1.0)
        for _ in range(3):
            at = np.searchsorted(self._reads, low + rng.random(len(lang)) * (self._reads[last] - low), "right")
            who = self._by_lang[np.clip(at, first, last)]
            likes = self._people.interests[who, topic]
            better = likes > liking
            best, liking = np.where(better, who, best), np.where(better, likes, liking)
        return best

    def _new(self, shown: Shown) -> Ints:
        """The rows that show a post to somebody for the first time; marks them as shown."""
        key = shown.reader.astype(np.uint64) * np.uint64(1 << 32) + shown.post.astype(np.uint64)
        _, first = np.unique(key, return_index=True)
        first.sort()
        mixed = (key[first] ^ (key[first] >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
        slot = (mixed >> np.uint64(64 - self._bits)).astype(np.int64)
        fresh = ~self._shown[slot]
        self._shown[slot] = True
        return np.asarray(first[fresh])
