"""The best come first."""

import numpy as np

from myna.feed.slate import Slate
from myna.people.columns import Array


class Top:
    """The highest scores; of equal ones, the one found first."""

    name = "top"

    def select(self, slate: Slate, limit: int) -> Array:
        """Places of the chosen, best first: (at most limit,)."""
        return np.argsort(-slate.scores, kind="stable")[:limit]
