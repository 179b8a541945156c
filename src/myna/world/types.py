"""The nouns of the simulated network."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

HOUR = 3_600_000
"""Milliseconds."""
DAYS = 30
"""Length of the history."""
END = 1_780_272_000_000
"""Where the history ends unless said otherwise: 1 June 2026, 00:00 UTC."""


class Act(IntEnum):
    """What a post does. The names are those of the grammars' rules, in lower case."""

    REPOST = 0
    REPORT = 1
    ASK = 2
    PRAISE = 3
    BLAME = 4
    DIARY = 5
    EVENT = 6
    SHARE = 7
    HEATED = 8
    OVERSHARE = 9
    SPAM = 10
    ANSWER = 11
    UNSURE = 12
    AGREE = 13
    AGREE_BAD = 14
    DISAGREE = 15
    DISAGREE_BAD = 16
    REACT = 17
    DISCUSS = 18
    RETORT = 19
    THANKS = 20
    COMMENT = 21


class Via(IntEnum):
    """How a post came before a reader."""

    FOLLOW = 0
    RECOMMENDED = 1
    REPOST = 2
    NOTIFICATION = 3


class Cause(StrEnum):
    """Why something happened."""

    HABIT = "habit"
    """The author's own interests and daily rhythm."""
    EVENT = "event"
    """A trending event."""
    BOT = "bot"
    """A program."""
    MOOD = "mood"
    """The author's state at that hour: a post that may be regretted."""
    FOLLOW = "follow"
    """It was seen because its author is followed."""
    RECOMMENDED = "recommended"
    REPOST = "repost"
    """It was seen because somebody followed reposted it."""
    NOTIFICATION = "notification"
    """It was seen because it answers or quotes the reader."""


@dataclass(frozen=True, slots=True)
class Why:
    """What caused an action or a post.

    post_id: the post seen (for a post: the one it answers, quotes or repeats). by: the person through whom it came (the
    one followed, or who reposted), empty where nobody. event: the event's text.
    """

    cause: Cause
    post_id: str = ""
    by: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question somebody asked about an entity, the answer, and the posts in which the answer is written."""

    post_id: str
    lang: str
    topic: str
    entity: str
    text: str
    answer: str
    answered_by: tuple[str, ...]
