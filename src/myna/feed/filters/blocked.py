"""Drops posts of those a person blocked, and what those they follow reposted of them."""

from myna.feed.candidates import Candidates, Query, rows_in
from myna.people.columns import Array


class Blocked:
    """Posts of people this person blocked."""

    name = "blocked"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        return ~rows_in(query.activity.posts["author"][candidates.rows], query.blocks)
