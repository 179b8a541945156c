"""What Myna understands of a person, with the evidence, open to that person's edits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is so, in words a person reads and with the posts that made Myna think so.

    text is a message in English with {placeholders}, marked for translation with `N_`; values fill them in.
    evidence: post ids. contribution: this reason's part of a score, where there is one.
    """

    text: str
    values: dict[str, str]
    evidence: tuple[str, ...] = ()
    contribution: float = 0.0


@dataclass(frozen=True, slots=True)
class Interest:
    """Something a person is interested in. topic: a few telling words; weight in [0, 1], all weights sum to 1.

    evidence: the posts they wrote or acted on that show it, the strongest first. hidden: the person said "not me";
    then it is used for nothing.
    """

    id: str
    topic: str
    weight: float
    evidence: tuple[str, ...]
    hidden: bool = False
