"""Drafts and their risk."""

from dataclasses import dataclass
from enum import StrEnum

from myna.network import Visibility
from myna.people.types import Reason


class Guard(StrEnum):
    """What an author wants of the guard: nothing, advice, or that risky drafts are held until their morning."""

    OFF = "off"
    ADVISE = "advise"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Risk:
    """How likely the author regrets this text: probability in [0, 1], reasons, and the (start, end) spans they are in.

    hold: whether, as the author has set the guard, it should wait. until: the author's next morning, milliseconds.
    """

    probability: float
    reasons: tuple[Reason, ...]
    spans: tuple[tuple[int, int], ...]
    hold: bool
    until: int
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that waits. until: when it comes back to its author, milliseconds, 0 for no set time. visibility: whom it
    was written for, which holds when it is posted.

    It never posts itself.
    """

    id: str
    person_id: str
    text: str
    reply_to: str
    quote_of: str
    created_at: int
    until: int
    risk: float
    visibility: Visibility = Visibility.PUBLIC
