"""Prefers, of two posts as good, the one by or through somebody the person chose to follow."""

from typing import Any

import numpy as np

from myna.feed.slate import Slate
from myna.people.columns import Array

FACTOR = 0.85


class OutOfNetwork:
    """Multiplies the score of posts from outside the person's network."""

    name = "out_of_network"

    def score(self, slate: Slate) -> Array:
        return np.where(slate.network | (slate.scores <= 0), slate.scores, slate.scores * FACTOR)

    def settings(self) -> dict[str, Any]:
        return {"factor": FACTOR}
