"""Drops a person's own posts: they know them."""

import numpy as np

from myna.feed.candidates import Candidates, Query
from myna.people.columns import Array


class Own:
    """One's own posts."""

    name = "own"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        return np.asarray(query.activity.posts["author"][candidates.rows] != query.person)
