"""Drops what stood on earlier pages of this feed."""

from myna.feed.candidates import Candidates, Query, rows_in
from myna.people.columns import Array


class Shown:
    """Posts of earlier pages."""

    name = "shown"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        return ~rows_in(candidates.rows, query.shown)
