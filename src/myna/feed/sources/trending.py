"""What the network is busy with: posts that many like, repost and answer lately, in the person's languages.

Where nobody has acted yet (an imported archive), what a source counted stands in for what happened here.
"""

import numpy as np

from myna.feed.candidates import Query
from myna.people.columns import Array

_HALF_LIFE = 12 * 3_600_000
_MOST = 400


def window(query: Query) -> Array:
    """Posts that are not too old and may be recommended, oldest first: rows (n,). Reposts are left out."""
    posts = query.activity.posts
    order = query.activity.by_time()
    created = posts["created"][order]
    rows = order[: np.searchsorted(created, query.request.now, side="right")]
    rows = rows[np.searchsorted(query.activity.clock(posts["created"][rows]), query.oldest) :]
    private = posts["direct"][rows] | posts["followers_only"][rows]
    return rows[posts["alive"][rows] & (posts["repost"][rows] < 0) & ~private]


def heat(query: Query, rows: Array) -> Array:
    """How hot posts are: engagement, faded by age: (n,)."""
    counts, posts = query.activity.counts, query.activity.posts
    here = counts["likes"][rows] + 2.0 * counts["reposts"][rows] + counts["replies"][rows]
    there = posts["source_likes"][rows] + 2.0 * posts["source_reposts"][rows] + posts["source_replies"][rows]
    age = np.maximum(query.now - query.activity.clock(posts["created"][rows]), 0)
    # A square root of what others counted: their networks are larger, and their counts final.
    return np.asarray((here + np.sqrt(there)) / (1 + age / _HALF_LIFE) ** 1.2)


class Trending:
    """The hottest posts."""

    name = "trending"

    def find(self, query: Query) -> tuple[Array, Array, Array]:
        rows = window(query)
        if query.languages:
            langs = query.activity.posts["lang"][rows]
            rows = rows[np.isin(langs, np.fromiter(query.languages, np.int64, len(query.languages)))]
        hot = heat(query, rows)
        kept = hot > 0
        rows, hot = rows[kept], hot[kept]
        order = np.argsort(-hot, kind="stable")[:_MOST]
        return rows[order], hot[order], np.full(len(order), -1)
