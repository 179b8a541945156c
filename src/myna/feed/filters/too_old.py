"""Drops what is too old, or claims to be from the future.

Too old is a week, or older where fewer than a thousand posts are as young. Ages are counted by the network's own clock,
which stands still while nobody writes: the feed of an old archive is not empty, nor that of a network that wakes up.
"""

import numpy as np

from myna.feed.candidates import Candidates, Query
from myna.people.activity import DAY, Activity
from myna.people.columns import Array

WINDOW = 7 * DAY
_ENOUGH = 1000
_AHEAD = DAY // 24


def reference(activity: Activity, now: int) -> tuple[int, int]:
    """(now, the time before which posts are too old), milliseconds by the network's own clock."""
    order = activity.by_time()
    # Posts that are spoken of but not held have no time; they stand at 0, first.
    held = order[activity.posts["held"][order]]
    held = held[: int(np.searchsorted(activity.posts["created"][held], now, side="right"))]
    now = activity.tick(now)
    if not len(held):
        return now, now - WINDOW
    return now, min(now - WINDOW, activity.tick(int(activity.posts["created"][held[max(len(held) - _ENOUGH, 0)]])))


class TooOld:
    """Posts too old, or from the future by more than an hour."""

    name = "too_old"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        created = query.activity.posts["created"][candidates.rows]
        return np.asarray((query.activity.clock(created) >= query.oldest) & (created <= query.request.now + _AHEAD))
