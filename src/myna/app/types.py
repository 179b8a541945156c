"""What the app hands to pages, API and command line beyond the parts' own nouns."""

from dataclasses import dataclass
from typing import Any

from myna.network import Counts, Post


@dataclass(frozen=True, slots=True)
class Thread:
    """A post with what it answers, the root first, and its direct replies, the oldest first."""

    ancestors: tuple[Post, ...]
    post: Post
    replies: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The counts shown beside a post, here and as its source reported them, and what the viewer did with it."""

    likes: int
    reposts: int
    replies: int
    liked: bool
    reposted: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a draft can expect: likes, reposts and replies, None for those that nothing here was ever known to get.

    low, high: between which two of three such posts' likes lie (reposts' where there are no likes). better_than: share
    of the author's last `compared` posts that would do worse if they were written now; None where they are too few.
    """

    likes: float | None
    reposts: float | None
    replies: float | None
    low: float
    high: float
    better_than: float | None
    compared: int
    model: str


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was looked at, whether it is well, and in words what was found or is to be done."""

    what: str
    ok: bool
    note: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The operator's page. arrivals: (day, posts, actions), the last 60 days with any; curve: the training's points."""

    counts: Counts
    decisions: dict[str, int]
    arrivals: tuple[tuple[str, int, int], ...]
    curve: tuple[dict[str, Any], ...]
    language: dict[str, Any]
    search: dict[str, Any]
    feed: dict[str, Any]
    health: tuple[Check, ...]
    disk_bytes: int
    version: str
