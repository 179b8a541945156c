"""Drops what is deleted, and what others speak of but this network does not hold."""

from myna.feed.candidates import Candidates, Query
from myna.people.columns import Array


class Deleted:
    """Posts that no longer stand."""

    name = "deleted"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        return query.activity.posts["held"][candidates.rows]
