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
class Slot:
    """An ad to be shown in one place of a feed. link: the signed click link, "" where a click leads nowhere.

    reasons: who paid, then why this person sees it. decision: the auction's.
    """

    campaign_id: str
    post_id: str
    payer: str
    link: str
    decision: str
    reasons: tuple[Reason, ...]


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

    All in outcomes per person. low, high: the interval for one look at a time fixed beforehand; always_low,
    always_high: a confidence sequence, which holds at all times at once, so also for who looks every day and stops
    when it pleases. enough: whether the interval means anything; if not, reason says why, as a message to translate.
    """

    treated: int
    held_out: int
    treated_rate: float
    held_out_rate: float
    difference: float
    low: float
    high: float
    enough: bool
    always_low: float = -1.0
    always_high: float = 1.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A campaign's figures, derived from the decision log. spend in micros; days: (day, impressions, clicks, spend).

    filtered: clicks not charged, by reason; they sum to filtered_clicks. ghosts: impressions the holdout would have
    had. expected_clicks: what the click model foretold for these impressions, to be compared with clicks.
    """

    campaign: Campaign
    impressions: int
    clicks: int
    filtered_clicks: int
    spend: int
    reach: int
    lift: Lift
    days: tuple[tuple[str, int, int, int], ...] = ()
    filtered: tuple[tuple[str, int], ...] = ()
    ghosts: int = 0
    expected_clicks: float = 0.0


@dataclass(frozen=True, slots=True)
class PublicAd:
    """An ad in the public repository: what article 39 of the EU's Digital Services Act asks to be told of each.

    on_behalf_of: the advertiser's person id, payer: who paid. first_shown, last_shown: milliseconds, the period it
    was presented. interests, words, langs: the main parameters; all empty: shown to everybody. reach: people.
    """

    campaign_id: str
    post_id: str
    subject: str
    on_behalf_of: str
    payer: str
    first_shown: int
    last_shown: int
    interests: tuple[str, ...]
    words: tuple[str, ...]
    langs: tuple[str, ...]
    reach: int
    impressions: int


@dataclass(frozen=True, slots=True)
class Reach:
    """About how many people an audience has: noisy on purpose, rounded to tens; 0 stands for fewer than `floor`."""

    about: int
    floor: int
