"""Drops direct messages: they are no posts of a feed, also where a person may read them."""

from myna.feed.candidates import Candidates, Query
from myna.people.columns import Array


class Direct:
    """Direct messages."""

    name = "direct"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        return ~query.activity.posts["direct"][candidates.rows]
