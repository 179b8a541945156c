"""Drops what is too old, or claims to be from the future.

Too old is a week, or older where fewer than a thousand posts are as young. In a network that has fallen silent, as
an imported archive is, age is counted to its newest post: the feed of an old archive is not empty.
"""

import numpy as np

from myna.feed.candidates import Candidates, Query
from myna.people.activity import DAY, Activity
from myna.people.columns import Array

WINDOW = 7 * DAY
_ENOUGH = 1000
_AHEAD = DAY // 24


def reference(activity: Activity, now: int) -> tuple[int, int]:
    """(the time that ages are counted to, the time before which posts are too old), milliseconds."""
    order = activity.by_time()
    created = activity.posts["created"]
    # Posts that are spoken of but not held have no time; they stand at 0, first.
    held = order[activity.posts["held"][order]]
    held = held[: int(np.searchsorted(created[held], now, side="right"))]
    if not len(held):
        return now, now - WINDOW
    newest = int(created[held[-1]])
    now = newest if newest < now - WINDOW else now
    return now, min(now - WINDOW, int(created[held[max(len(held) - _ENOUGH, 0)]]))


class TooOld:
    """Posts too old, or from the future by more than an hour."""

    name = "too_old"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        created = query.activity.posts["created"][candidates.rows]
        latest = max(query.now, query.request.now) + _AHEAD
        return np.asarray((created >= query.oldest) & (created <= latest))
