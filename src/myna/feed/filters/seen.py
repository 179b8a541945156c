"""Drops what a person has seen before, here or by acting on it."""

import numpy as np

from myna.feed.candidates import Candidates, Query
from myna.people.columns import Array


class Seen:
    """Posts already seen."""

    name = "seen"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        seen = query.activity.seen.get(query.person, {})
        acted = set(query.activity.liked.get(query.person, ())) | set(query.evidence.posts.tolist())
        return np.array([row not in seen and row not in acted for row in candidates.rows.tolist()], bool)
