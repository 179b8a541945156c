"""Drops posts and reposts of those a person muted."""

from myna.feed.candidates import Candidates, Query, rows_in
from myna.people.columns import Array


class Muted:
    """Posts and reposts of people this person muted."""

    name = "muted"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        authors = query.activity.posts["author"][candidates.rows]
        return ~rows_in(authors, query.mutes) & ~rows_in(candidates.via, query.mutes)
