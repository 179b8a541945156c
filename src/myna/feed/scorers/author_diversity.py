"""Nobody fills a feed: each further post of an author counts for half of the one before, down to a quarter."""

from typing import Any

import numpy as np

from myna.feed.slate import Slate
from myna.people.columns import Array

DECAY, FLOOR = 0.5, 0.25


class AuthorDiversity:
    """Multiplies the scores of an author's second, third … best post."""

    name = "author_diversity"

    def score(self, slate: Slate) -> Array:
        scores = slate.scores.copy()
        count: dict[int, int] = {}
        for place in np.argsort(-slate.scores, kind="stable").tolist():
            author = int(slate.authors[place])
            before = count.get(author, 0)
            count[author] = before + 1
            if scores[place] > 0:
                scores[place] *= max(DECAY**before, FLOOR)
        return scores

    def settings(self) -> dict[str, Any]:
        return {"decay": DECAY, "floor": FLOOR}
