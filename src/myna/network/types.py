"""The facts: what happened on the network. All frozen; all ids are text.

An id is `source:local`, where `source` names the network or archive the fact came from and `local` is its id there
(`x:169874238713511936`, `world:42`). It is therefore unique everywhere, refers to facts that may arrive later, and
makes writing idempotent. Times are milliseconds since the Unix epoch, UTC; 0 means that the source did not say.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

HOME = "home"
"""The source of what is written here, on this network."""
WORLD = "world"
"""The source of simulated people and posts; whatever carries it is shown as simulated."""

Progress = Callable[[int, int], None]
"""Long work calls it with (done, total) as it goes on; total 0 means not yet known."""


def quiet(done: int, total: int) -> None:
    """The progress of work nobody watches."""


def part(progress: Progress, begin: int, end: int, total: int) -> Progress:
    """A stage's own progress as its share, from `begin` to `end` of `total`, of the whole; it only grows."""
    most = begin

    def within(done: int, of: int) -> None:
        nonlocal most
        if of:
            most = max(most, begin + (end - begin) * min(done, of) // of)
        progress(most, total)

    return within


def now_ms() -> int:
    """The time, in milliseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1_000_000


def source_of(id: str) -> str:
    """The source part of an id: `x` for `x:123`."""
    return id.partition(":")[0]


class Visibility(StrEnum):
    """Whom the author wrote for; the names are Mastodon's."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    DIRECT = "direct"


class EdgeKind(StrEnum):
    """How one person stands to another."""

    FOLLOW = "follow"
    BLOCK = "block"
    MUTE = "mute"


class ActionKind(StrEnum):
    """What a person did with a post, short of writing one. Replies, reposts and quotes are posts."""

    SEEN = "seen"
    LIKE = "like"
    UNLIKE = "unlike"
    CLICK = "click"
    DWELL = "dwell"
    SHOW_LESS = "show_less"
    REPORT = "report"


class Purpose(StrEnum):
    """What somebody wants to use a post for; the gate answers per purpose."""

    READ = "read"
    SEARCH = "search"
    RECOMMEND = "recommend"
    ANSWER = "answer"
    TRAIN = "train"
    EXPORT = "export"
    ADS = "ads"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or something (bot), that writes and reads. timezone is an IANA name, never guessed from an address."""

    id: str
    handle: str
    name: str = ""
    description: str = ""
    lang: str = ""
    timezone: str = "UTC"
    location: str = ""
    created_at: int = 0
    bot: bool = False
    follower_count: int | None = None
    following_count: int | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """A post, reply (reply_to), repost (repost_of, empty text) or quote (quote_of).

    The counts are those the source reported when it was read; what happened here is in the actions. seq is the place
    in the fact log, given by the store (0 before): larger is later, and derived state remembers the last it has seen.
    """

    id: str
    author_id: str
    created_at: int
    text: str
    lang: str = ""
    reply_to: str = ""
    repost_of: str = ""
    quote_of: str = ""
    visibility: Visibility = Visibility.PUBLIC
    mentions: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    media: bool = False
    sensitive: bool = False
    like_count: int = 0
    repost_count: int = 0
    reply_count: int = 0
    seq: int = 0

    @property
    def source(self) -> str:
        """Where it came from."""
        return source_of(self.id)


@dataclass(frozen=True, slots=True)
class Edge:
    """Person follows, blocks or mutes other (on), or no longer does (not on). The newest of a pair and kind holds."""

    person_id: str
    other_id: str
    kind: EdgeKind
    at: int
    on: bool = True
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """What a person did with a post. value: seconds for DWELL, else 1."""

    id: str
    person_id: str
    post_id: str
    kind: ActionKind
    at: int
    value: float = 1.0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Consent:
    """A yes or no to one purpose for one subject: a post id, a person id, `source:*`, or `*` for all.

    by is who said it: the author's person id, or `operator`. The newest of a (subject, purpose, by) holds.
    """

    subject: str
    purpose: Purpose
    allow: bool
    by: str
    at: int
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Deletion:
    """A fact that erases: the content of a post, or of a person with all they wrote and did. A tombstone remains."""

    id: str
    kind: str
    """`post` or `person`."""
    at: int
    reason: str = ""
    seq: int = 0


Fact = Person | Post | Edge | Action | Consent | Deletion


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: facts new to the log, and facts it held already (or holds a tombstone for)."""

    new: int = 0
    known: int = 0

    def __add__(self, other: "Appended") -> "Appended":
        return Appended(self.new + other.new, self.known + other.known)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each fact the log holds; posts and people without those deleted."""

    people: int
    posts: int
    edges: int
    actions: int
    consents: int
    deletions: int
