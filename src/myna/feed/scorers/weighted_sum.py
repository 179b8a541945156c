"""What each action is worth: the score is the sum of worth times probability.

The weights multiply probabilities, so a rare action needs a large weight to count as much as a common one. They are
set so that at usual rates (of a hundred views: 6 likes, 1 reply, 1 repost, 8 clicks, 15 dwells, 0.4 "show less", 0.04
reports) likes give half of the good, talk and passing on a third, attention the rest, and what people complain of
takes away as much as likes give. Attention is worth little on purpose: it is also drawn by what people regret.
"""

from typing import Any

import numpy as np

from myna.feed.ranking.model import ACTIONS
from myna.feed.slate import Slate
from myna.people.columns import Array

WEIGHTS: dict[str, float] = {
    "like": 1.0,
    "reply": 3.0,
    "repost": 2.0,
    "click": 0.15,
    "dwell": 0.1,
    "show_less": -8.0,
    "report": -60.0,
}


def weight_vector(weights: dict[str, float]) -> Array:
    """(actions,) float64."""
    return np.array([weights.get(action, 0.0) for action in ACTIONS], np.float64)


class WeightedSum:
    """The worth of a post to a person."""

    name = "weighted_sum"

    def __init__(self, weights: dict[str, float] | None = None) -> None:
        self.weights = WEIGHTS if weights is None else weights

    def score(self, slate: Slate) -> Array:
        # Column by column: a matrix product may differ in the last bit between machines.
        total = np.zeros(len(slate))
        for place, action in enumerate(ACTIONS):
            total = total + slate.probabilities[:, place] * self.weights.get(action, 0.0)
        return total

    def settings(self) -> dict[str, Any]:
        return {"weights": self.weights}
