"""Posts and reposts of those a person follows, the newest first; their own are among them, to be filtered."""

import numpy as np

from myna.feed.candidates import Query
from myna.people.columns import Array

_OF_EACH = 30
"""Newest posts looked at of each person followed, so that nobody's flood hides the others."""
_MOST = 1500


class InNetwork:
    """In-network posts. The measure is freshness: 1 now, halved every day."""

    name = "in_network"

    def find(self, query: Query) -> tuple[Array, Array, Array]:
        activity = query.activity
        found: list[int] = []
        for author in sorted(query.follows):
            found += activity.posts_of(author)[-_OF_EACH:]
        rows = np.array(found, np.int64)
        posts = activity.posts
        rows = rows[posts["alive"][rows]]
        created = activity.clock(posts["created"][rows])
        rows, created = rows[created >= query.oldest], created[created >= query.oldest]
        order = np.lexsort((-rows, -created))[:_MOST]
        rows, created = rows[order], created[order]
        originals = posts["repost"][rows]
        via = np.where(originals >= 0, posts["author"][rows], -1)
        age = np.maximum(query.now - created, 0) / 86_400_000
        return np.where(originals >= 0, originals, rows), 0.5**age, via
