"""The simulated network as a whole: made from a seed, handed out as facts, and asked for its truth."""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from myna.network import WORLD, Action, Deletion, Edge, EdgeKind, Fact, Person, Post, Problem, Progress, quiet
from myna.world import graph, history, people, text, timeline, topics
from myna.world.content import QUOTE, REPLY, REPOST
from myna.world.grammar import LANGS
from myna.world.history import ACTIONS, EDGES
from myna.world.people import ZONE_NAMES
from myna.world.truth import Truth
from myna.world.types import DAYS, END, HOUR, Ints

BATCH = 5_000
"""Facts in a batch."""
BY_AUTHOR = "deleted by its author"
MOST_PEOPLE, MOST_POSTS = 5_000_000, 50_000_000


def generate(
    people: int, posts: int, seed: int = 1, progress: Progress = quiet, *, end: int = END, seen_per_post: float = 7.5
) -> "World":
    """A simulated network of so many people and exactly so many posts, in the 30 days before `end` (milliseconds).

    The same numbers and seed give the same network, whatever the process. seen_per_post: how many readers a post has on
    average, about; reposts count as posts and lend their readers to the original.
    Raises Problem where the numbers cannot be met.
    """
    if not 2 <= people <= MOST_PEOPLE:
        raise Problem(f"A simulated network needs 2 to {MOST_PEOPLE:,} people, not {people:,}.")
    if not 0 <= posts <= MOST_POSTS:
        raise Problem(f"A simulated network can have 0 to {MOST_POSTS:,} posts, not {posts:,}.")
    if not 0 < seen_per_post <= 100:
        raise Problem(f"seen_per_post is how many see a post: above 0, at most 100, not {seen_per_post}.")
    if not DAYS * 24 * HOUR <= end < 4_000_000_000_000:
        raise Problem(f"The end of the history is in milliseconds since 1970, not {end}.")
    return World(people, posts, seed, progress, end, seen_per_post)


class World:
    """All of it in arrays; posts and actions become objects only as they are handed out.

    people, subjects, clock, posts, seen, actions, changes: the columns. base, final: who follows whom before and after.
    `truth` answers what nobody can know of a real
    network: probabilities, interests, causes, regret.
    """

    def __init__(self, count: int, posts: int, seed: int, progress: Progress, end: int, seen_per_post: float) -> None:
        self.seed = seed
        self.end = end
        self.seen_per_post = seen_per_post
        self.clock = timeline.make(end, DAYS)
        self.start = self.clock.start
        self.people = people.make(count, seed, self.start, DAYS)
        self.base, self.base_at = graph.make(self.people, seed, self.start)
        self.subjects = topics.make(seed)
        month = history.Month(self.people, self.base, self.subjects, self.clock, posts, seed, seen_per_post)
        made = month.run(progress)
        order = np.argsort(made.posts.created_at, kind="stable")
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        self.posts = made.posts.take(order)
        held = self.posts.parent >= 0
        self.posts.parent[held] = place[self.posts.parent[held]]
        self.seen = made.seen
        self.seen.post = place[self.seen.post].astype(np.int32) if len(place) else self.seen.post
        rows = np.lexsort((made.actions.kind, made.actions.seen, made.actions.at))
        self.actions = history.Actions(
            made.actions.seen[rows].astype(np.int32),
            made.actions.kind[rows].astype(np.int8),
            made.actions.at[rows],
            made.actions.value[rows].astype(np.float32),
        )
        rows = np.argsort(made.changes.at, kind="stable")
        c = made.changes
        self.changes = history.Changes(c.person[rows], c.other[rows], c.kind[rows], c.on[rows], c.at[rows])
        self.final = history.follows_after(self.base, self.changes)
        self.written = text.write(self.people, self.subjects, self.base, self.posts, self.start, seed)
        self.deleted = np.flatnonzero(self.posts.deleted_at < end)
        self.deleted = self.deleted[np.argsort(self.posts.deleted_at[self.deleted], kind="stable")]

    @cached_property
    def truth(self) -> Truth:
        """What the simulation planted; for judging only, and never in the files."""
        return Truth(self)

    def counts(self) -> dict[str, int]:
        """How many facts of each kind `batches` hands out."""
        return {
            "people": len(self.people),
            "edges": len(self.base.keys) + len(self.changes.at),
            "posts": len(self.posts),
            "actions": len(self.actions.at),
            "deletions": len(self.deleted),
        }

    def batches(self) -> Iterator[list[Fact]]:
        """All facts in batches: people, edges, posts, actions, deletions, each in order of time.

        The text of a post its author has deleted is gone: what is handed out is what a network knows at `end`.
        """
        for facts in (self._people(), self._edges(), self._posts(), self._actions(), self._deletions()):
            while batch := list(islice(facts, BATCH)):
                yield batch

    def write(self, directory: Path, progress: Progress = quiet) -> None:
        """Writes the neutral format (Parquet) and a README.txt that says it is simulated. The truth is not written."""
        from myna.world.writing import write

        write(self, directory, progress)

    def counted(self, kind: str) -> Ints:
        """(posts,) how many of this each post has: like, reply, repost or quote."""
        n = len(self.posts)
        if kind == "like":
            rows = self.actions.kind == [str(kind) for kind in ACTIONS].index("like")
            return np.bincount(self.seen.post[self.actions.seen[rows]], minlength=n)
        how = {"reply": REPLY, "repost": REPOST, "quote": QUOTE}[kind]
        return np.bincount(self.posts.parent[self.posts.how == how], minlength=n)

    def gone(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """(posts,) whether each was deleted before the end."""
        return np.asarray(self.posts.deleted_at < self.end)

    def _people(self) -> Iterator[Fact]:
        who = self.people
        following = np.bincount(self.final.keys // len(who), minlength=len(who)).tolist()
        followers = self.final.follower_count(np.arange(len(who))).tolist()
        for i in range(len(who)):
            yield Person(
                f"{WORLD}:p{i + 1}", who.handle[i], who.name[i], who.description[i], LANGS[who.lang[i]],
                ZONE_NAMES[who.zone[i]], who.home[i], int(who.created_at[i]), bool(who.bot[i]), followers[i],
                following[i],
            )  # fmt: skip

    def _edges(self) -> Iterator[Fact]:
        n = len(self.people)
        for row in np.argsort(self.base_at, kind="stable").tolist():
            key = int(self.base.keys[row])
            yield Edge(f"{WORLD}:p{key // n + 1}", f"{WORLD}:p{key % n + 1}", EdgeKind.FOLLOW, int(self.base_at[row]))
        c = self.changes
        for person, other, kind, on, at in zip(
            c.person.tolist(), c.other.tolist(), c.kind.tolist(), c.on.tolist(), c.at.tolist(), strict=True
        ):
            yield Edge(f"{WORLD}:p{person + 1}", f"{WORLD}:p{other + 1}", EDGES[kind], at, on)

    def _posts(self) -> Iterator[Fact]:
        columns = (
            self.posts.author, self.posts.created_at, self.posts.lang, self.posts.how, self.posts.parent,
            self.posts.media, self.gone(), self.counted("like"), self.counted("repost"), self.counted("reply"),
            self.written.mention,
        )  # fmt: skip
        for first in range(0, len(self.posts), BATCH):
            part = slice(first, first + BATCH)
            lists = [column[part].tolist() for column in columns]
            for i, (author, at, lang, how, parent, media, gone, likes, reposts, replies, third) in enumerate(
                zip(*lists, strict=True), first
            ):
                up = f"{WORLD}:{parent + 1}"
                url = self.written.url[i]
                named = () if gone else self.mentions(how, parent, third)
                yield Post(
                    f"{WORLD}:{i + 1}", f"{WORLD}:p{author + 1}", at, "" if gone else self.written.text[i], LANGS[lang],
                    up if how == REPLY else "", up if how == REPOST else "", up if how == QUOTE else "",
                    mentions=tuple(f"{WORLD}:p{who + 1}" for who in named),
                    urls=(url,) if url and not gone else (), media=media and not gone,
                    like_count=likes, repost_count=reposts, reply_count=replies,
                )  # fmt: skip

    def mentions(self, how: int, parent: int, third: int) -> list[int]:
        """Whom a post names: whom it answers, even where its text leaves out the handle, and who is named besides."""
        named = []
        if how == REPLY:
            named.append(int(self.posts.author[parent]))
        if third >= 0 and third not in named:
            named.append(third)
        return named

    def _actions(self) -> Iterator[Fact]:
        a = self.actions
        for first in range(0, len(a.at), BATCH):
            part = slice(first, first + BATCH)
            seen = a.seen[part]
            columns = (
                self.seen.reader[seen],
                self.seen.post[seen],
                a.kind[part],
                a.at[part],
                a.value[part].astype(float).round(1),
            )
            for i, (who, post, kind, at, value) in enumerate(
                zip(*(c.tolist() for c in columns), strict=True), first + 1
            ):
                yield Action(f"{WORLD}:a{i}", f"{WORLD}:p{who + 1}", f"{WORLD}:{post + 1}", ACTIONS[kind], at, value)

    def _deletions(self) -> Iterator[Fact]:
        for post in self.deleted.tolist():
            yield Deletion(f"{WORLD}:{post + 1}", "post", int(self.posts.deleted_at[post]), BY_AUTHOR)
