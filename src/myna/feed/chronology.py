"""The chronological modes: whom one follows, or everybody, strictly newest first. No profile is used."""

import numpy as np

from myna.feed.candidates import Candidates, Query
from myna.feed.types import Mode
from myna.people.columns import Array

_OF_EACH = 200


def timeline(query: Query) -> tuple[Candidates, Array]:
    """Posts and reposts up to the request's `before`, newest first, each once at its newest time, and those times.

    FOLLOWING: of those followed and one's own, all that the activity holds. LATEST: what may be recommended to all.
    """
    activity, request = query.activity, query.request
    posts = activity.posts
    latest = min(request.before, request.now + 3_600_000)
    if request.mode is Mode.FOLLOWING:
        mine = [
            row for author in sorted({*query.follows, query.person} - {-1}) for row in _newest(query, author, latest)
        ]
        rows = np.array(mine, np.int64)
        rows = rows[posts["held"][rows]]
    else:
        order = activity.by_time()
        end = int(np.searchsorted(posts["created"][order], latest, side="right"))
        # Enough to fill a page whatever is dropped; a page that falls short says so by having no next.
        rows = order[max(end - 50 * request.limit - 2 * len(request.shown), 0) : end]
        rows = rows[posts["alive"][rows] & ~posts["followers_only"][rows] & (posts["repost"][rows] < 0)]
    at = posts["created"][rows]
    newest = np.lexsort((-rows, -at))
    rows, at = rows[newest], at[newest]
    originals = posts["repost"][rows]
    via = np.where(originals >= 0, posts["author"][rows], -1)
    shown = np.where(originals >= 0, originals, rows)
    first = np.sort(np.unique(shown, return_index=True)[1]) if len(shown) else np.zeros(0, np.int64)
    none = np.zeros((len(first), 0), np.float32)
    return Candidates(shown[first], none, via[first]), at[first]


def _newest(query: Query, author: int, latest: int) -> list[int]:
    theirs = query.activity.posts_of(author)
    created = query.activity.posts["created"][theirs]
    return theirs[: int(np.searchsorted(created, latest, side="right"))][-_OF_EACH:]
