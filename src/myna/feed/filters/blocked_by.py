"""Drops posts of those who blocked this person."""

from myna.feed.candidates import Candidates, Query, rows_in
from myna.people.columns import Array


class BlockedBy:
    """Posts of people who blocked this person."""

    name = "blocked_by"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        return ~rows_in(query.activity.posts["author"][candidates.rows], query.blocked_by)
