"""Ranks down what is like what a person asked to see less of: same author, or near in words.

A step of its own and not left to the model: the tap must be seen to work on the very next request, however few such
taps the model has learnt from. It fades over weeks.
"""

from typing import Any

import numpy as np

from myna.feed.candidates import Query
from myna.feed.slate import Slate
from myna.people.activity import DAY, Event
from myna.people.columns import Array

FACTOR = 0.15
"""What is left of the score of a post just like the unwanted one."""
_HALF_LIFE = 21 * DAY
_LATEST = 40
_AUTHOR = 0.7
"""How like an unwanted post another by its author is, at least."""
_NEAR = 0.45
"""Cosine from which words are alike."""


def unwanted(query: Query, rows: Array) -> Array:
    """How like the posts they asked to see less of each post is: (n,) in [0, 1]."""
    found = query.evidence
    asked = np.flatnonzero((found.kinds == Event.SHOW_LESS) | (found.kinds == Event.REPORT))[-_LATEST:]
    if not len(asked) or not len(rows):
        return np.zeros(len(rows))
    posts = query.activity.posts
    theirs = found.posts[asked]
    fading = 0.5 ** (np.maximum(query.now - found.at[asked], 0) / _HALF_LIFE)
    words = posts["vector"][rows] @ posts["vector"][theirs].T
    words = np.clip((words - _NEAR) / (1 - _NEAR), 0, 1) ** 0.5
    author = posts["author"][rows][:, None] == posts["author"][theirs][None, :]
    likeness = np.maximum(words, _AUTHOR * author) * fading
    return np.asarray(np.minimum(1 - np.prod(1 - likeness, axis=1), 1.0))


class ShowLess:
    """Multiplies what is good about a post by up to FACTOR, the liker it is to the unwanted."""

    name = "show_less"

    def score(self, slate: Slate) -> Array:
        factor = 1 - (1 - FACTOR) * slate.unwanted
        return np.where(slate.scores > 0, slate.scores * factor, slate.scores)

    def settings(self) -> dict[str, Any]:
        return {"factor": FACTOR}
