"""The month, hour by hour: people read what came before them, act by the law, answer, and write on their own.

Everything an hour needs is an array over that hour's impressions or posts, so the work is in numpy whatever the size.
Causes always come before effects: what is written in an hour is read in a later one.
"""

from dataclasses import dataclass

import numpy as np

from myna.network import ActionKind, EdgeKind, Progress
from myna.world import content, graph, law, timeline
from myna.world.audience import Audience, nobody
from myna.world.content import QUOTE, REPLY, REPOST, Posts
from myna.world.features import Seen, features, timed
from myna.world.graph import Graph
from myna.world.people import People
from myna.world.streams import stream
from myna.world.timeline import Clock
from myna.world.topics import Subjects
from myna.world.types import HOUR, Bools, Floats, Ints

ACTIONS = (
    ActionKind.SEEN,
    ActionKind.LIKE,
    ActionKind.CLICK,
    ActionKind.SHOW_LESS,
    ActionKind.REPORT,
    ActionKind.DWELL,
)
LOGGED_DWELL = 6.0
"""Seconds: a stay is noted from this length on."""
PER_SESSION = 12
"""Posts in a usual session; MOST in the longest."""
MOST = 40
_K = {kind: law.KINDS.index(kind) for kind in law.KINDS}
_DERIVED = ((REPLY, _K["reply"]), (REPOST, _K["repost"]), (QUOTE, _K["quote"]))
_LOGGED = tuple((number, _K[str(kind)]) for number, kind in enumerate(ACTIONS) if str(kind) in _K)
EDGES = (EdgeKind.FOLLOW, EdgeKind.BLOCK, EdgeKind.MUTE)
_EDGE_OF = ((_K["follow"], 0, True), (_K["unfollow"], 0, False), (_K["block"], 1, True), (_K["mute"], 2, True))


@dataclass(frozen=True, slots=True)
class Changes:
    """How people changed their standing during the history. (changes,) columns; kind indexes EDGES."""

    person: Ints
    other: Ints
    kind: Ints
    on: Bools
    at: Ints


@dataclass(frozen=True, slots=True)
class Actions:
    """(actions,) columns; seen: the impression it happened at; kind indexes ACTIONS."""

    seen: Ints
    kind: Ints
    at: Ints
    value: Floats


@dataclass(frozen=True, slots=True)
class History:
    """All that happened, in the order it was simulated."""

    posts: Posts
    seen: Seen
    actions: Actions
    changes: Changes


class Month:
    """The simulation's state while it runs."""

    def __init__(
        self, people: People, base: Graph, subjects: Subjects, clock: Clock, posts: int, seed: int, seen_per_post: float
    ) -> None:
        self.people = people
        self.base = base
        self.graph = base
        self.subjects = subjects
        self.clock = clock
        self.total = posts
        self.made = 0
        self.posts = Posts.room(posts)
        self.rng = stream(seed, "history")
        self.target = seen_per_post
        self.sessions = timeline.sessions(
            people, clock, int(posts * seen_per_post / PER_SESSION) + len(people) * 2 * bool(posts), seed
        )
        self.audience = Audience(people, self.sessions, seen_per_post, posts)
        self.audience.graph_changed(base)
        self.waiting = nobody()
        self.hidden = np.zeros(0, np.int64)
        self.seen: list[Seen] = []
        self.seen_count = 0
        self.actions: list[Actions] = []
        self.changes: list[Changes] = []
        self.applied = 0
        self.scale = 1.3

    def run(self, progress: Progress) -> History:
        """All hours."""
        column = self.clock.of(self.people)
        weights = self.clock.weights.reshape(self.clock.hours, -1)
        by_column = np.bincount(column, self.people.writes, weights.shape[1])
        due = np.cumsum(weights @ by_column)
        due = np.round(due / due[-1] * self.total).astype(np.int64)
        for hour in range(self.clock.hours):
            if self.total == 0:
                break
            if hour % 24 == 0:
                # At midnight the day's follows take effect.
                self.graph = follows_after(self.graph, _changes(self.changes[self.applied :]))
                self.applied = len(self.changes)
                self.audience.graph_changed(self.graph)
            first = self.made
            self._read(hour)
            self._write(hour, int(due[hour]) - self.made, self.people.writes * weights[hour, column])
            self._show(hour, first)
            progress(self.made, self.total)
        return History(self.posts, Seen.join(self.seen), _actions(self.actions), _changes(self.changes))

    def _read(self, hour: int) -> None:
        now = self.waiting.at // HOUR == hour
        shown, self.waiting = self.waiting.take(now), self.waiting.take(~now)
        if not len(shown):
            return
        order = np.lexsort((self.rng.random(len(shown)), shown.at, shown.reader))
        shown = shown.take(order)
        author = self.posts.author[shown.post].astype(np.int64)
        shut = graph.contains(self.hidden, shown.reader * len(self.people) + author)
        gone = self.posts.deleted_at[shown.post] <= self.clock.start + shown.at
        shown, author = shown.take(~(shut | gone)), author[~(shut | gone)]
        position = _position(shown.session)
        shown, author, position = shown.take(position < MOST), author[position < MOST], position[position < MOST]
        if not len(shown):
            return
        # Reading takes time; how much is drawn first, since a post is reached when those before it have been read.
        at = self.clock.start + shown.at
        follows = self.graph.follows(shown.reader, author)
        mutual = follows.copy()
        mutual[follows] = self.graph.follows(author[follows], shown.reader[follows])
        seen = Seen(shown.reader, shown.post, at, position, shown.via, shown.by, follows, mutual)
        x = features(self.people, self.posts, self.clock, seen)
        dwell = law.dwell_scale(x, self.posts.extra[shown.post].astype(np.float64) + 1.0) * self.rng.lognormal(
            0, 0.7, len(seen)
        )
        dwell = np.minimum(dwell, 120)
        seen.at += _since_session(shown.session, (dwell * 1000).astype(np.int64) + 400)
        # A session that outlasts the history ends with it; what is deleted while one reads the others is not seen.
        inside = seen.at + 400_000 < self.clock.start + self.clock.hours * HOUR
        inside &= self.posts.deleted_at[seen.post] > seen.at
        if not inside.all():
            rows = np.flatnonzero(inside)
            seen, dwell, author, x = seen.take(rows), dwell[rows], author[rows], x[rows]
        x = timed(x, self.people, self.posts, self.clock, seen)
        p = law.probabilities(x, self.people.bot[seen.reader].astype(float))
        hit = self.rng.random(p.shape) < p
        keep = self._within(seen, hit)
        if keep is not None:
            seen, dwell, author, hit = seen.take(keep), dwell[keep], author[keep], hit[keep]
        self._log(seen, dwell, hit)
        self._relate(seen, author, dwell, hit)
        self._answer(seen, dwell, hit, hour)
        self.seen.append(seen)
        self.seen_count += len(seen)

    def _within(self, seen: Seen, hit: Bools) -> Ints | None:
        """The impressions before the one whose answers would be more posts than there may be; None for all.

        A stopping time: what is kept was drawn by the law, whatever came after.
        """
        derived = hit[:, [column for _, column in _DERIVED]].sum(1)
        left = self.total - self.made
        if derived.sum() <= left:
            return None
        order = np.argsort(seen.at, kind="stable")
        fits = np.cumsum(derived[order]) <= left
        return np.sort(order[fits])

    def _log(self, seen: Seen, dwell: Floats, hit: Bools) -> None:
        number = self.seen_count + np.arange(len(seen))
        during = seen.at + (dwell * 1000 * self.rng.uniform(0.3, 1.0, len(seen))).astype(np.int64) + 1
        rows = [np.arange(len(seen))]
        kinds = [np.zeros(len(seen), np.int64)]
        for number_of, column in _LOGGED:
            rows.append(np.flatnonzero(hit[:, column]))
            kinds.append(np.full(len(rows[-1]), number_of))
        stayed = np.flatnonzero(dwell >= LOGGED_DWELL)
        rows.append(stayed)
        kinds.append(np.full(len(stayed), len(ACTIONS) - 1))
        row, kind = np.concatenate(rows), np.concatenate(kinds)
        last = kind == len(ACTIONS) - 1
        left = seen.at[row] + (dwell[row] * 1000).astype(np.int64)
        at = np.where(kind == 0, seen.at[row], np.where(last, left, during[row]))
        value = np.where(last, np.round(dwell[row], 1), 1.0)
        self.actions.append(Actions(number[row], kind, at, value))

    def _relate(self, seen: Seen, author: Ints, dwell: Floats, hit: Bools) -> None:
        n = len(self.people)
        for column, kind, on in _EDGE_OF:
            rows = np.flatnonzero(hit[:, column])
            if not len(rows):
                continue
            _, once = np.unique(seen.reader[rows] * n + author[rows], return_index=True)
            rows = rows[np.sort(once)]
            at = seen.at[rows] + (dwell[rows] * 1000).astype(np.int64) + 500
            self.changes.append(
                Changes(seen.reader[rows], author[rows], np.full(len(rows), kind), np.full(len(rows), on), at)
            )
            if kind:
                new = np.sort(seen.reader[rows] * n + author[rows])
                self.hidden = np.insert(self.hidden, np.searchsorted(self.hidden, new), new)

    def _answer(self, seen: Seen, dwell: Floats, hit: Bools, hour: int) -> None:
        rows = np.concatenate([np.flatnonzero(hit[:, column]) for _, column in _DERIVED])
        how = np.concatenate([np.full(int(hit[:, column].sum()), how) for how, column in _DERIVED])
        if not len(rows):
            return
        writing = np.where(how == REPOST, 1.0, self.rng.uniform(15, 150, len(rows)))
        at = seen.at[rows] + ((dwell[rows] + writing) * 1000).astype(np.int64)
        parent = seen.post[rows]
        new = content.answers(
            self.people, self.subjects, self.clock, self.posts, parent, how, seen.reader[rows], at,
            self.seen_count + rows, hour, self.rng,
        )  # fmt: skip
        self._put(new)

    def _write(self, hour: int, count: int, weight: Floats) -> None:
        if count <= 0:
            return
        ends = np.cumsum(weight)
        author = np.searchsorted(ends, self.rng.random(count) * ends[-1], "right")
        at = self.clock.start + hour * HOUR + (self.rng.random(count) * HOUR).astype(np.int64)
        self._put(content.roots(self.people, self.subjects, self.clock, author, at, hour, self.rng))

    def _put(self, new: Posts) -> None:
        self.posts.put(self.made, new)
        self.made += len(new)

    def _show(self, hour: int, first: int) -> None:
        """Finds the readers of what this hour brought."""
        if self.made == first:
            return
        new = np.arange(first, self.made)
        how = self.posts.how[new].astype(np.int64)
        parent = self.posts.parent[new].astype(np.int64)
        shower = self.posts.author[new].astype(np.int64)
        repost = how == REPOST
        post = np.where(repost, parent, new)
        author = self.posts.author[post].astype(np.int64)
        # So that the average comes out: what is lost to sleep and to those who follow few is made up for, hour by hour.
        if first > 20:
            had = max((self.seen_count + len(self.waiting)) / first, 0.1)
            self.scale = float(np.clip(self.scale * (self.target / had) ** 0.1, 0.5, 10.0))
        scale = self.scale
        reach = scale * np.where(repost, 0.7, np.where(how == REPLY, 0.45, 1.0))
        quality, hot = self.posts.quality[post], self.posts.hot[post]
        pull = np.where(
            repost, 0.0, scale * np.exp(0.4 * quality + 0.3 * np.minimum(hot, 3)) * np.where(how == REPLY, 0.3, 1.1)
        )
        notify = np.where(repost | (parent < 0), -1, self.posts.author[np.maximum(parent, 0)])
        lang, topic = self.posts.lang[post].astype(np.int64), self.posts.topic[post].astype(np.int64)
        created_at = self.posts.created_at[post] - self.clock.start
        # What is written late in a session that goes on into the next hour is read after it was written.
        after = np.maximum((hour + 1) * HOUR, self.posts.created_at[new] - self.clock.start + 1000)
        self.waiting += self.audience.of(
            self.graph, post, shower, author, lang, topic, created_at, reach, pull, repost, notify, after, self.rng,
        )  # fmt: skip


def follows_after(base: Graph, changes: Changes) -> Graph:
    """The base with these changes of follows applied in order of time."""
    rows = np.flatnonzero(changes.kind == 0)
    if not len(rows):
        return base
    rows = rows[np.argsort(changes.at[rows], kind="stable")][::-1]
    keys, newest = np.unique(changes.person[rows] * base.n + changes.other[rows], return_index=True)
    on = changes.on[rows][newest]
    known = graph.contains(base.keys, keys)
    kept = np.delete(base.keys, np.searchsorted(base.keys, keys[known & ~on]))
    added = keys[on & ~known]
    return graph.of_keys(base.n, np.insert(kept, np.searchsorted(kept, added), added))


def _position(session: Ints) -> Ints:
    """The place of each row within its run of equal sessions."""
    rows = np.arange(len(session))
    first = np.concatenate([[True], session[1:] != session[:-1]]) if len(session) else np.zeros(0, bool)
    return rows - np.maximum.accumulate(np.where(first, rows, 0))


def _since_session(session: Ints, took: Ints) -> Ints:
    """How long after its session's start each row is reached, when the rows before it took so long."""
    before = np.cumsum(took) - took
    first = np.arange(len(session)) - _position(session)
    return np.asarray(before - before[first])


def _actions(parts: list[Actions]) -> Actions:
    if not parts:
        none = np.zeros(0, np.int64)
        return Actions(none, none, none, np.zeros(0))
    return Actions(
        np.concatenate([part.seen for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


def _changes(parts: list[Changes]) -> Changes:
    if not parts:
        none = np.zeros(0, np.int64)
        return Changes(none, none, none, none.astype(bool), none)
    return Changes(
        np.concatenate([part.person for part in parts]),
        np.concatenate([part.other for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.on for part in parts]),
        np.concatenate([part.at for part in parts]),
    )
