"""The newest posts of everybody: so that a new post has a chance, and a feed of a small network is never empty."""

import numpy as np

from myna.feed.candidates import Query
from myna.feed.sources.trending import window
from myna.people.columns import Array

_MOST = 400


class Newest:
    """The newest posts, in the person's languages where those are known. The measure is freshness."""

    name = "newest"

    def find(self, query: Query) -> tuple[Array, Array, Array]:
        rows = window(query)
        posts = query.activity.posts
        if query.languages:
            known = np.fromiter(query.languages, np.int64, len(query.languages))
            mine = rows[np.isin(posts["lang"][rows], known)]
            rows = mine if len(mine) else rows
        rows = rows[::-1][:_MOST]
        age = np.maximum(query.now - query.activity.clock(posts["created"][rows]), 0) / 86_400_000
        return rows, 0.5**age, np.full(len(rows), -1)
