"""Drops what its author or the operator closed to recommending, and what was written for reading only."""

from myna.feed.candidates import Candidates, Query
from myna.people.columns import Array


class Closed:
    """Posts from which nothing may be derived."""

    name = "closed"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        return query.activity.posts["alive"][candidates.rows]
