"""What ranks before there is anything to learn from: weights by hand, and what a network's like counts tell.

Every weight is on a feature as it stands in `features.py`, in log-odds of a like. They say, in this order: a post
of somebody you follow is about three times as likely to be liked; one your taste's neighbours liked, and one of your
interests, likewise; liked by many, a little; a day costs about half. The weight of what a source counted is fitted to
the network's own counts where there are any: does a post's length, media or author's following go with likes?
"""

import numpy as np

from myna.feed.ranking.features import NAMES, PLACE
from myna.feed.ranking.model import ACTIONS, Model
from myna.people.activity import Activity
from myna.people.columns import Array

WEIGHTS = {
    "follows": 1.1,
    "mutual": 0.4,
    "reposted": 0.5,
    "affinity": 0.5,
    "disliking": -1.0,
    "answers_me": 1.0,
    "similar_taste": 2.0,
    "interest": 1.5,
    "author_taken": 0.3,
    "topic_taken": 0.3,
    "unwanted": -1.0,
    "liked_likeness": 1.0,
    "disliked_likeness": -0.7,
    "likes": 0.2,
    "reposts": 0.2,
    "replies": 0.1,
    "like_rate": 0.3,
    "shown_less": -0.6,
    "heat": 0.4,
    "source_likes": 0.12,
    "author_like_rate": 0.3,
    "age": -0.25,
    "language": 1.0,
    "reply": -0.5,
    "author_fatigue": -0.2,
}
_BASE = {
    "like": 0.06,
    "reply": 0.01,
    "repost": 0.01,
    "click": 0.08,
    "dwell": 0.15,
    "show_less": 0.004,
    "report": 0.0004,
}
"""How often each action follows a view, about, on networks of this kind."""
_TURN = {"like": 1.0, "reply": 0.7, "repost": 0.9, "click": 0.6, "dwell": 0.6, "show_less": -0.5, "report": -0.4}
"""How an action goes along with likes."""
_FITTED = ("length", "media", "url")
_FEWEST = 200
"""Posts with counts below which nothing is fitted."""


def prior(activity: Activity) -> Model:
    """The model of a network without logged views."""
    weights = np.zeros(len(NAMES), np.float32)
    for name, weight in WEIGHTS.items():
        weights[PLACE[name]] = weight
    for name, weight in fitted(activity).items():
        weights[PLACE[name]] = weight
    mean = np.zeros(len(NAMES), np.float32)
    # What a post starts at of which nothing is known, so that the weights are about differences from it.
    mean[PLACE["like_rate"]] = mean[PLACE["author_like_rate"]] = np.log(1 / 20)
    mean[PLACE["age"]] = np.log1p(12)
    base = np.array([_BASE[action] for action in ACTIONS])
    turn = np.array([_TURN[action] for action in ACTIONS], np.float32)
    none = np.zeros((0, len(ACTIONS)), np.float32)
    return Model(
        mean, np.ones(len(NAMES), np.float32), np.outer(weights, turn), np.zeros((len(NAMES), 0), np.float32),
        np.zeros(0, np.float32), none, np.log(base / (1 - base)).astype(np.float32),
        np.ones(len(ACTIONS)), np.zeros(len(ACTIONS)), {"kind": "prior", "trained": False},
    )  # fmt: skip


def fitted(activity: Activity) -> dict[str, float]:
    """The weights of what a post is, from what sources counted: least squares of log likes within authors, ridged.

    Within authors: what a post adds to what its author gets anyway. {} where too few posts came with counts.
    """
    posts = activity.posts
    rows = np.flatnonzero(posts["alive"] & (posts["source_likes"] > 0))
    if len(rows) < _FEWEST:
        return {}
    target = np.log1p(posts["source_likes"][rows]).astype(np.float64)
    table = np.stack(
        [np.log1p(posts["length"][rows]) / 5, posts["media"][rows], posts["url"][rows]], axis=1
    ).astype(np.float64)  # fmt: skip
    authors = posts["author"][rows]
    target, table = _within(target, authors), _within(table, authors)
    solved = np.linalg.solve(table.T @ table + 10 * np.eye(len(_FITTED)), table.T @ target)
    # A quarter: counts elsewhere, all told, against a like by one person here.
    return {name: float(np.clip(0.25 * weight, -0.5, 0.5)) for name, weight in zip(_FITTED, solved, strict=True)}


def _within(values: Array, groups: Array) -> Array:
    """Values less their group's mean."""
    _, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), *values.shape[1:]))
    np.add.at(sums, places, values)
    means = sums / sizes.reshape(-1, *([1] * (values.ndim - 1)))
    return np.asarray(values - means[places])
