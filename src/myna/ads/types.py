"""The nouns of advertising. Money is integer micros (millionths) of the network's currency."""

from dataclasses import dataclass
from enum import StrEnum

from myna.people.types import Reason


class Status(StrEnum):
    """A campaign's state; one is made PAUSED and starts when its advertiser says so."""

    PAUSED = "paused"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A promoted post. bid: micros for a click. budget: micros over the whole flight, day_budget: a day, 0 for none.

    starts_at, ends_at: milliseconds. interests, words: whom to reach (topics of people; words of posts near the ad);
    langs: their languages; all empty reaches everybody. holdout: share of people who see no ad of this campaign, so
    that what it caused can be measured. url: where a click leads; empty for the post itself.
    """

    id: str
    owner_id: str
    payer: str
    name: str
    post_id: str
    url: str
    bid: int
    budget: int
    day_budget: int
    starts_at: int
    ends_at: int
    interests: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    holdout: float = 0.1
    status: Status = Status.PAUSED
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Impression:
    """An auction's outcome for one slot. ghost: the person is in the winner's holdout, so no ad of it was shown."""

    decision: str
    campaign_id: str
    person_id: str
    price: int
    at: int
    ghost: bool
    reasons: tuple[Reason, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True)
class Lift:
    """What a campaign caused: outcome rates of those reached and of the holdout, their difference, its 95 % interval.

    All in outcomes per person. enough: whether there are people enough for the interval to mean anything.
    """

    treated: int
    held_out: int
    treated_rate: float
    held_out_rate: float
    difference: float
    low: float
    high: float
    enough: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A campaign's figures, derived from the decision log. spend in micros; days: (day, impressions, clicks, spend)."""

    campaign: Campaign
    impressions: int
    clicks: int
    filtered_clicks: int
    spend: int
    reach: int
    lift: Lift
    days: tuple[tuple[str, int, int, int], ...] = ()
