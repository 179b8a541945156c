"""Drops copies: the same words by whomever, but for the candidate found first (sources in order, best first)."""

import numpy as np

from myna.feed.candidates import Candidates, Query
from myna.people.columns import Array


class Duplicate:
    """Posts with the same words as one that stays."""

    name = "duplicate"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        prints = query.activity.posts["print"][candidates.rows]
        first = np.zeros(len(candidates), bool)
        first[np.unique(prints, return_index=True)[1]] = True
        return np.asarray(first | (prints == 0))
