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
    """Somebody asks for a page of their feed. now: milliseconds. shown: ids on earlier pages, not to be repeated.

    before: for the chronological modes, only posts up to this time (milliseconds).
    """

    person_id: str
    now: int
    limit: int = 20
    mode: Mode = Mode.FOR_YOU
    shown: frozenset[str] = frozenset()
    before: int = 2**62


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


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a post was not on a page. stage: what kept it out (`shown`, a filter's name, `score`, `not found`).

    reason says it in words, with values; gap: how far its score was below the last that was shown, where it had one.
    """

    post_id: str
    stage: str
    reason: str
    values: dict[str, str] = field(default_factory=dict)
    gap: float = 0.0
