"""What people of like taste liked lately: they liked the same posts as this person.

Nearest neighbours over likes and reposts. A post that everybody likes says little of taste, so that it counts less by
the number of its likers; so does a person who likes everything. Old likes fade and the newest are damped
(`people/taste.py`).
"""

import numpy as np

from myna.feed.candidates import Query
from myna.people.activity import Activity
from myna.people.columns import Array
from myna.people.taste import Evidence

NEIGHBOURS = 80
_OWN = 80
"""Liked posts of the person looked at, the newest."""
_LIKERS = 300
"""Of one post, the newest."""
_THEIRS = 60
"""Newest likes of each neighbour looked at."""
_MOST = 1000


def neighbours(activity: Activity, person: int, found: Evidence) -> tuple[Array, Array]:
    """People who liked what a person liked: rows (n,), and how near each is (n,), summing to 1, the nearest first."""
    chosen = np.flatnonzero(found.weights > 0.02)[-_OWN:]
    people: list[int] = []
    weights: list[float] = []
    for post, weight in zip(found.posts[chosen].tolist(), found.weights[chosen].tolist(), strict=True):
        likers = activity.likers.get(post)
        if likers:
            share = weight / np.sqrt(len(likers))
            some = likers[-_LIKERS:]
            people += some
            weights += [share] * len(some)
    if not people:
        return np.zeros(0, np.int64), np.zeros(0)
    rows, places = np.unique(np.array(people, np.int64), return_inverse=True)
    near = np.bincount(places, np.array(weights))
    liked = np.array([len(activity.liked.get(row, ())) for row in rows.tolist()], np.float64)
    near = np.where(rows == person, 0, near / np.sqrt(liked + 5))
    order = np.argsort(-near, kind="stable")[:NEIGHBOURS]
    order = order[near[order] > 0]
    total = float(near[order].sum()) or 1.0
    return rows[order], near[order] / total


def measure(activity: Activity, near: tuple[Array, Array], rows: Array) -> Array:
    """How much the people near a person liked each post: (n,) in [0, 1], the share of nearness that did."""
    people, nearness = near
    weight = dict(zip(people.tolist(), nearness.tolist(), strict=True))
    if not weight:
        return np.zeros(len(rows))
    get = weight.get
    likers = activity.likers
    return np.array(
        [sum(get(p, 0.0) for p in likers[row][-_LIKERS:]) if row in likers else 0.0 for row in rows.tolist()]
    )


class SimilarTaste:
    """What the nearest people liked. The measure is the share of nearness that did."""

    name = "similar_taste"

    def find(self, query: Query) -> tuple[Array, Array, Array]:
        people, nearness = query.near
        found: list[int] = []
        weights: list[float] = []
        for person, near in zip(people.tolist(), nearness.tolist(), strict=True):
            theirs = query.activity.liked.get(person, [])[-_THEIRS:]
            found += theirs
            weights += [near] * len(theirs)
        rows, places = np.unique(np.array(found, np.int64), return_inverse=True)
        measures = np.bincount(places, np.array(weights)) if len(rows) else np.zeros(0)
        posts = query.activity.posts
        kept = (query.activity.clock(posts["created"][rows]) >= query.oldest) & posts["alive"][rows]
        rows, measures = rows[kept], measures[kept]
        order = np.argsort(-measures, kind="stable")[:_MOST]
        return rows[order], measures[order], np.full(len(order), -1)
