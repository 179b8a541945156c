"""The nouns of the feed."""

from dataclasses import dataclass, field
from enum import StrEnum

from myna.network import Post
from myna.people.types import Reason


class Mode(StrEnum):
    """FOR_YOU ranks; FOLLOWING is whom you follow, newest first, no profile used; LATEST is everybody, newest first."""

    FOR_YOU = "for_you"
    FOLLOWING = "following"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks for a page of their feed. now: milliseconds. shown: ids on earlier pages, not to be repeated."""

    person_id: str
    now: int
    limit: int = 20
    mode: Mode = Mode.FOR_YOU
    shown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post that might be shown, with what the stages learnt of it.

    sources: the names of the sources that found it. probabilities: of each action, in [0, 1]. score: their weighted
    sum.
    """

    post_id: str
    author_id: str
    created_at: int
    sources: tuple[str, ...]
    features: dict[str, float] = field(default_factory=dict)
    probabilities: dict[str, float] = field(default_factory=dict)
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()
    seq: int = 0


@dataclass(frozen=True, slots=True)
class AdSlot:
    """An ad in a feed, as the feed knows it: everything else is the ads part's."""

    campaign_id: str
    post_id: str
    payer: str
    link: str
    decision: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One place of a feed: a post with its reasons, or an ad (then ad is set and the post is the promoted one)."""

    post: Post
    score: float
    reasons: tuple[Reason, ...]
    probabilities: dict[str, float] = field(default_factory=dict)
    ad: AdSlot | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of a feed. cursor: what to ask the next page with, "" at the end."""

    person_id: str
    mode: Mode
    items: tuple[Item, ...]
    decision: str
    cursor: str = ""
