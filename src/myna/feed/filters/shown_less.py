"""Drops the very posts a person asked to see less of or reported, and the reposts of them. What is like them is
ranked down, see `scorers/show_less.py`."""

from myna.feed.candidates import Candidates, Query, rows_in
from myna.people.activity import Event
from myna.people.columns import Array


class ShownLess:
    """Posts this person asked to see less of, or reported."""

    name = "shown_less"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        events = query.activity.events
        mine = query.activity.history.get(query.person, [])
        unwanted = {int(events["post"][row]) for row in mine if events["kind"][row] in (Event.SHOW_LESS, Event.REPORT)}
        return ~rows_in(candidates.rows, frozenset(unwanted))
