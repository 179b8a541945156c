"""pClick: the probability that an ad is clicked if shown, from counts alone.

base = (clicks + S x mean) / (impressions + S): beta-binomial, each campaign drawn towards the mean of all campaigns,
itself drawn towards 1 % until something is known. p = base x factor of how the ad fits (interest, words, neither),
where factor = observed / expected clicks of that kind over all campaigns, also drawn towards 1. Observed over expected
makes it calibrated by construction on the log it was counted from. Counting is all there is to training, so the
estimator is always up to date, and a rebuild from the log finds exactly the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

KINDS = ("interest", "words", "broad")
"""How an ad fits the person or the place."""
STRENGTH = 100
"""Impressions that the mean of all campaigns is worth."""
FIRST_MEAN = 0.01
_FACTOR_STRENGTH = 10
"""Clicks that the factor 1 is worth."""
NANO = 1_000_000_000
"""Expected clicks are summed as whole billionths: sums of integers do not depend on their order."""


@dataclass(slots=True)
class Clicks:
    """Counts of impressions shown, clicks, and clicks expected before the factor, by kind of fit."""

    impressions: int = 0
    clicks: int = 0
    expected: dict[str, int] = field(default_factory=dict)
    observed: dict[str, int] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """The click rate of all campaigns."""
        return (self.clicks + STRENGTH * FIRST_MEAN) / (self.impressions + STRENGTH)

    def shown(self, kind: str, base: float) -> None:
        """Counts an impression foretold with this base."""
        self.impressions += 1
        self.expected[kind] = self.expected.get(kind, 0) + round(base * NANO)

    def clicked(self, kind: str) -> None:
        """Counts a click on an ad that fitted in this way."""
        self.clicks += 1
        self.observed[kind] = self.observed.get(kind, 0) + 1

    def factors(self) -> Mapping[str, float]:
        """How much oftener than its campaign's average an ad is clicked that fits in this way."""
        return {
            kind: min(
                max(
                    (self.observed.get(kind, 0) + _FACTOR_STRENGTH)
                    / (self.expected.get(kind, 0) / NANO + _FACTOR_STRENGTH),
                    0.25,
                ),
                4.0,
            )
            for kind in KINDS
        }


def bases(impressions: NDArray[np.int64], clicks: NDArray[np.int64], mean: float) -> NDArray[np.float64]:
    """Each campaign's click rate, drawn towards the mean of all. (campaigns,)"""
    rates: NDArray[np.float64] = (clicks + STRENGTH * mean) / (impressions + STRENGTH)
    return rates


def quality(impressions: int, complaints: int) -> float:
    """How welcome an ad is, in [0.1, 1]: 1 while nobody who saw it asked for less of it or reported it.

    A complaint in a hundred impressions halves it; a hundred impressions are assumed beforehand.
    """
    return max(1 / (1 + 100 * complaints / (impressions + 100)), 0.1)
