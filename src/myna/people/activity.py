"""What people wrote and did, as columns in memory: the state from which interests and feeds are computed.

Posts, people and events have rows. An event is anything a person did with a post: the actions of the log, and what
they wrote (WROTE on the post itself, REPLY, REPOST and QUOTE on the post answered, passed on or quoted). A row may
stand for a post not (yet) held. A post is `alive` where the gate allows it to be recommended; nothing is derived from
one that is held and not alive, it only stands in the timelines of its readers.

Nothing here reads the log (see `following.py`), and events may be applied again in the order of their times to a
`shadow()`: that is how training sees each moment as it was, without knowing what came after.
"""

from collections import defaultdict
from enum import IntEnum

import numpy as np

from myna.people.columns import Array, Columns, Names

WIDTH = 96
"""Dimensions of a post's vector (see `space.py`)."""
TOPICS_OF_A_POST = 3


class Event(IntEnum):
    """What was done. VOID: taken back or erased."""

    VOID = 0
    SEEN = 1
    LIKE = 2
    UNLIKE = 3
    CLICK = 4
    DWELL = 5
    SHOW_LESS = 6
    REPORT = 7
    WROTE = 8
    REPLY = 9
    REPOST = 10
    QUOTE = 11


DWELT = 8.0
"""Seconds from which a person has dwelt on a post rather than passed it."""

AFFINITY = {
    Event.LIKE: 1.0,
    Event.CLICK: 0.3,
    Event.DWELL: 0.3,
    Event.REPLY: 2.0,
    Event.REPOST: 2.0,
    Event.QUOTE: 2.0,
}
"""How much each event ties a person to the author of the post."""

DAY = 86_400_000
IDLE = 2 * DAY
"""Of a time without a single post, as much as makes anything older."""
_AFFINITY_HALF_LIFE = 30 * DAY
_FATIGUE_HALF_LIFE = DAY // 2


class Relations:
    """Who follows, blocks and mutes whom now. The newest edge of a pair and kind holds."""

    def __init__(self) -> None:
        self.follows: defaultdict[int, set[int]] = defaultdict(set)
        self.followers: defaultdict[int, set[int]] = defaultdict(set)
        self.blocks: defaultdict[int, set[int]] = defaultdict(set)
        self.blocked_by: defaultdict[int, set[int]] = defaultdict(set)
        self.mutes: defaultdict[int, set[int]] = defaultdict(set)
        self._muted_by: defaultdict[int, set[int]] = defaultdict(set)
        self._at: dict[tuple[int, int, int], int] = {}

    def set(self, person: int, other: int, kind: int, at: int, on: bool) -> None:
        """Applies an edge. kind: 0 follow, 1 block, 2 mute."""
        key = (kind, person, other)
        if at < self._at.get(key, at):
            return
        self._at[key] = at
        out, back = (
            (self.follows, self.followers),
            (self.blocks, self.blocked_by),
            (self.mutes, self._muted_by),
        )[kind]
        if on:
            out[person].add(other)
            back[other].add(person)
        else:
            out[person].discard(other)
            back[other].discard(person)

    def drop(self, person: int) -> None:
        """Forgets all edges of a person."""
        for out, back in (
            (self.follows, self.followers),
            (self.blocks, self.blocked_by),
            (self.mutes, self._muted_by),
        ):
            for there, here in ((out, back), (back, out)):
                for other in there.pop(person, ()):
                    here[other].discard(person)


def new_posts() -> Columns:
    """The columns of posts that do not change as people act."""
    return Columns(
        created=np.int64, author=np.int32, lang=np.int16, reply=np.int32, repost=np.int32, quote=np.int32,
        direct=bool, followers_only=bool, media=bool, url=bool, length=np.int32, alive=bool,
        held=bool, derived=bool, print=np.int64,
        source_likes=np.int32, source_reposts=np.int32, source_replies=np.int32,
        topic=(np.int16, TOPICS_OF_A_POST), topic_weight=(np.float32, TOPICS_OF_A_POST), vector=(np.float32, WIDTH),
    )  # fmt: skip


class Activity:
    """The state. `lock` in `following.py` guards it; readers hold that for the time of one request."""

    def __init__(self) -> None:
        self.post_ids = Names()
        self.people_ids = Names()
        self.langs = Names([""])
        self.posts = new_posts()
        self.people = Columns(lang=np.int16, followers=np.int32, bot=bool)
        self.events = Columns(
            person=np.int32, post=np.int32, kind=np.int8, at=np.int64, value=np.float32, by=np.int32
        )  # fmt: skip
        self.edges = Columns(person=np.int32, other=np.int32, kind=np.int8, at=np.int64, on=bool)
        self.by_author: defaultdict[int, list[int]] = defaultdict(list)
        self._unsorted: set[int] = set()
        self._by_time = np.zeros(0, np.int64)
        self._timed = 0
        self._times = np.zeros(0, np.int64)
        self._ends = np.zeros(0, np.int64)
        self._cut = np.zeros(1, np.int64)
        self._begin()

    def _begin(self) -> None:
        """What follows from events and edges, before any."""
        self.counts = Columns(
            likes=np.int32, reposts=np.int32, replies=np.int32, clicks=np.int32, seen=np.int32, show_less=np.int32
        )
        self.tallies = Columns(seen=np.float32, liked=np.float32, author_seen=np.float32, author_liked=np.float32)
        self.counts.resize(len(self.post_ids))
        self.tallies.resize(len(self.people_ids))
        self.relations = Relations()
        self.history: defaultdict[int, list[int]] = defaultdict(list)
        """Events of each person but SEEN, oldest first, as event rows."""
        self.liked: defaultdict[int, list[int]] = defaultdict(list)
        """Posts each person liked or reposted, in order."""
        self.likers: defaultdict[int, list[int]] = defaultdict(list)
        """People who liked or reposted each post."""
        self.seen: defaultdict[int, dict[int, int]] = defaultdict(dict)
        """Posts each person saw, with the time of the last."""
        self.affinity: defaultdict[int, dict[int, tuple[float, int]]] = defaultdict(dict)
        """To each author, decayed and its time."""
        self.disliking: defaultdict[int, dict[int, tuple[float, int]]] = defaultdict(dict)
        self.fatigue: defaultdict[int, dict[int, tuple[float, int]]] = defaultdict(dict)
        """How much of each author a person saw lately."""

    # -- rows ------------------------------------------------------------------------------------------------------

    def post_row(self, id: str) -> int:
        """The row of a post id, made if unknown; -1 for no id."""
        if not id:
            return -1
        row = self.post_ids.add(id)
        if row >= len(self.posts):
            self.posts.resize(row + 1)
            self.counts.resize(row + 1)
            self.posts["author"][row] = self.posts["reply"][row] = -1
            self.posts["repost"][row] = self.posts["quote"][row] = -1
            self.posts["topic"][row] = -1
        return row

    def person_row(self, id: str) -> int:
        """The row of a person id, made if unknown; -1 for no id."""
        if not id:
            return -1
        row = self.people_ids.add(id)
        if row >= len(self.people):
            self.people.resize(row + 1)
            self.tallies.resize(row + 1)
        return row

    def placed(self, row: int) -> None:
        """A post's columns are filled: enters it among its author's."""
        mine = self.by_author[int(self.posts["author"][row])]
        if mine and self.posts["created"][mine[-1]] > self.posts["created"][row]:
            self._unsorted.add(int(self.posts["author"][row]))
        mine.append(row)

    def posts_of(self, author: int) -> list[int]:
        """An author's posts, oldest first."""
        mine = self.by_author.get(author, [])
        if author in self._unsorted:
            created = self.posts["created"]
            mine.sort(key=lambda row: (int(created[row]), row))
            self._unsorted.discard(author)
        return mine

    def by_time(self) -> Array:
        """All post rows, oldest first: (posts,) int64."""
        new = len(self.posts) - self._timed
        if new:
            created = self.posts["created"]
            if new > 64:
                self._by_time = np.argsort(created, kind="stable")
            else:
                rows = np.arange(self._timed, len(self.posts))
                rows = rows[np.argsort(created[rows], kind="stable")]
                places = np.searchsorted(created[self._by_time], created[rows], side="right")
                self._by_time = np.insert(self._by_time, places, rows)
            self._timed = len(self.posts)
            self._find_silences()
        return self._by_time

    def retimed(self, row: int) -> None:
        """A row's time has changed (a post that others had spoken of has arrived): order anew when next asked."""
        if row < self._timed:
            self._timed = 0
            self._by_time = np.zeros(0, np.int64)

    # -- the clock -------------------------------------------------------------------------------------------------

    def _find_silences(self) -> None:
        self._times = self.posts["created"][self._by_time]
        gaps = np.diff(self._times)
        long = np.flatnonzero(gaps > IDLE)
        self._ends = self._times[long + 1]
        self._cut = np.concatenate([[0], np.cumsum(gaps[long] - IDLE)])

    def clock(self, at: Array) -> Array:
        """Times by the network's own clock, milliseconds: it stands still while nobody writes for more than IDLE.

        So an archive is as fresh as on its last day, and stays so beside the first post that follows it years later.
        """
        self.by_time()
        at = np.asarray(at, np.int64)
        if not len(self._times):
            return at
        before = np.searchsorted(self._times, at, side="right") - 1
        newest = self._times[np.maximum(before, 0)]
        since = np.where(before >= 0, np.minimum(at - newest, IDLE), at - newest)
        return newest - self._cut[np.searchsorted(self._ends, newest, side="right")] + since

    def tick(self, at: int) -> int:
        """One time by the network's own clock."""
        return int(self.clock(np.array([at]))[0])

    # -- events ----------------------------------------------------------------------------------------------------

    def relate(self, person: int, other: int, kind: int, at: int, on: bool) -> None:
        """Keeps and applies an edge."""
        self.edges.append(person=person, other=other, kind=kind, at=at, on=on)
        self.relations.set(person, other, kind, at, on)

    def record(self, person: int, post: int, kind: int, at: int, value: float = 1.0, by: int = -1) -> None:
        """Keeps and applies an event."""
        self.record_many([(person, post, kind, at, value, by)])

    def record_many(self, found: list[tuple[int, int, int, int, float, int]]) -> None:
        """Keeps and applies events in the order of their times: (person, post, kind, at, value, by) each."""
        if not found:
            return
        found.sort(key=lambda event: event[3])
        first = len(self.events)
        self.events.resize(first + len(found))
        for place, name in enumerate(("person", "post", "kind", "at", "value", "by")):
            self.events[name][first:] = [event[place] for event in found]
        ticks = self.clock(self.events["at"][first:]).tolist()
        for row, ((person, post, kind, _, value, _), tick) in enumerate(zip(found, ticks, strict=True), first):
            self.apply(row, person, post, kind, tick, value)

    def reapply(self) -> None:
        """Applies all events and edges kept, after they were loaded."""
        edges = [self.edges[name].tolist() for name in ("person", "other", "kind", "at", "on")]
        for person, other, what, at, on in zip(*edges, strict=True):
            self.relations.set(person, other, what, at, on)
        events = [self.events[name].tolist() for name in ("person", "post", "kind", "value")]
        ticks = self.clock(self.events["at"]).tolist()
        for row, (person, post, kind, value, tick) in enumerate(zip(*events, ticks, strict=True)):
            self.apply(row, person, post, kind, tick, value)

    def apply(self, row: int, person: int, post: int, kind: int, at: int, value: float) -> None:
        """What an event changes. row: its own, kept in the histories. at: by the network's own clock."""
        author = int(self.posts["author"][post])
        if kind == Event.SEEN:
            seen = self.seen[person]
            if post not in seen:
                self.counts["seen"][post] += 1
                self.tallies["seen"][person] += 1
                if author >= 0:
                    self.tallies["author_seen"][author] += 1
                    _decay(self.fatigue[person], author, 1.0, at, _FATIGUE_HALF_LIFE)
            seen[post] = at
            return
        if kind == Event.VOID:
            return
        if kind == Event.UNLIKE:
            self._unlike(person, post)
            return
        if kind in (Event.LIKE, Event.REPOST) and not self._like(person, post, kind):
            return
        if kind == Event.REPLY:
            self.counts["replies"][post] += 1
        elif kind == Event.CLICK:
            self.counts["clicks"][post] += 1
        self.history[person].append(row)
        if author >= 0 and author != person:
            if kind in (Event.SHOW_LESS, Event.REPORT):
                self.counts["show_less"][post] += 1
                _decay(self.disliking[person], author, 1.0, at, _AFFINITY_HALF_LIFE)
            elif kind in AFFINITY and not (kind == Event.DWELL and value < DWELT):
                _decay(self.affinity[person], author, AFFINITY[Event(kind)], at, _AFFINITY_HALF_LIFE)

    def _like(self, person: int, post: int, kind: int) -> bool:
        """Counts a like or repost; False for a second like, which says nothing new."""
        likers = self.likers[post]
        known = person in likers if len(likers) < 64 else post in self.liked[person]
        if kind == Event.REPOST:
            self.counts["reposts"][post] += 1
        else:
            if known and self._did(person, post, Event.LIKE) >= 0:
                return False
            author = int(self.posts["author"][post])
            self.counts["likes"][post] += 1
            self.tallies["liked"][person] += 1
            if author >= 0:
                self.tallies["author_liked"][author] += 1
        if not known:
            likers.append(person)
            self.liked[person].append(post)
        return True

    def _did(self, person: int, post: int, kind: int) -> int:
        """The newest event of a kind by a person on a post, as its row; -1 if none."""
        posts, kinds = self.events["post"], self.events["kind"]
        for row in reversed(self.history.get(person, [])):
            if posts[row] == post and kinds[row] == kind:
                return row
        return -1

    def _unlike(self, person: int, post: int) -> None:
        row = self._did(person, post, Event.LIKE)
        if row >= 0:
            self._void(row)

    def _void(self, row: int) -> None:
        """Takes an event back."""
        person, post = int(self.events["person"][row]), int(self.events["post"][row])
        kind = int(self.events["kind"][row])
        self.events["kind"][row] = Event.VOID
        if row in (mine := self.history.get(person, [])):
            mine.remove(row)
        if kind in (Event.LIKE, Event.REPOST):
            for there, what in ((self.likers[post], person), (self.liked[person], post)):
                if what in there:
                    there.remove(what)
        counter = {
            Event.LIKE: "likes",
            Event.REPOST: "reposts",
            Event.REPLY: "replies",
            Event.CLICK: "clicks",
            Event.SHOW_LESS: "show_less",
            Event.REPORT: "show_less",
        }.get(Event(kind))
        if counter:
            self.counts[counter][post] = max(self.counts[counter][post] - 1, 0)
        author = int(self.posts["author"][post])
        if kind == Event.LIKE:
            self.tallies["liked"][person] = max(self.tallies["liked"][person] - 1, 0)
            if author >= 0:
                self.tallies["author_liked"][author] = max(self.tallies["author_liked"][author] - 1, 0)
        ties, weight = self.affinity[person], AFFINITY.get(Event(kind), 0.0)
        if kind in (Event.SHOW_LESS, Event.REPORT):
            ties, weight = self.disliking[person], 1.0
        if author in ties and weight:
            old, at = ties[author]
            ties[author] = (max(old - weight, 0.0), at)

    # -- deletion --------------------------------------------------------------------------------------------------

    def erase_post(self, row: int) -> None:
        """A post is deleted: its content goes, what it did to others is taken back."""
        for name in ("alive", "held", "derived", "media", "url", "length", "print", "topic_weight", "vector", "lang"):
            self.posts[name][row] = 0
        self.posts["topic"][row] = -1
        for event in np.flatnonzero(self.events["by"] == row):
            if self.events["kind"][event] != Event.VOID:
                self._void(int(event))

    def erase_person(self, row: int) -> None:
        """A person is deleted: their events and edges go. Their posts come as deletions of their own."""
        for event in np.flatnonzero((self.events["person"] == row) & (self.events["kind"] != Event.VOID)):
            self._void(int(event))
        gone = self.events["person"] == row
        self.events["value"][gone] = 0
        self.edges["on"][(self.edges["person"] == row) | (self.edges["other"] == row)] = False
        self.relations.drop(row)
        for ties in (self.seen, self.history, self.liked, self.affinity, self.disliking, self.fatigue):
            ties.pop(row, None)
        self.tallies["seen"][row] = self.tallies["liked"][row] = 0
        self.people["lang"][row] = self.people["followers"][row] = 0

    # -- the past --------------------------------------------------------------------------------------------------

    def shadow(self) -> "Activity":
        """A state with the same posts and people in which nothing has been done yet; events are applied to it anew.

        Columns are copied, so that this one may go on growing meanwhile.
        """
        past = Activity.__new__(Activity)
        past.post_ids, past.people_ids, past.langs = self.post_ids, self.people_ids, self.langs
        past.posts, past.people = self.posts.copy(), self.people.copy()
        past.events, past.edges = self.events.copy(), self.edges.copy()
        past.by_author, past._unsorted = self.by_author, self._unsorted
        past._by_time, past._timed = self.by_time(), self._timed
        past._times, past._ends, past._cut = self._times, self._ends, self._cut
        past._begin()
        return past


def decayed(tie: tuple[float, int], now: int, half_life: float = _AFFINITY_HALF_LIFE) -> float:
    """A tie's strength now. now: by the network's own clock, as all ages."""
    return float(tie[0] * 0.5 ** (max(now - tie[1], 0) / half_life))


def fatigued(tie: tuple[float, int], now: int) -> float:
    """How much of an author was seen lately, now."""
    return decayed(tie, now, _FATIGUE_HALF_LIFE)


def _decay(ties: dict[int, tuple[float, int]], other: int, weight: float, at: int, half_life: float) -> None:
    old = ties.get(other)
    ties[other] = (weight if old is None else weight + old[0] * 0.5 ** (max(at - old[1], 0) / half_life), at)
