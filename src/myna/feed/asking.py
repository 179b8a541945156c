"""Who asks: what the stages need to know of a person, read from the activity at one moment.

The same function serves a request and, on a `shadow()` of the activity, an example of training as of its time: what
the ranking model learns from is what it will see.
"""

from itertools import islice

import numpy as np

from myna.feed.candidates import NOBODY, Query
from myna.feed.filters.too_old import reference
from myna.feed.sources.similar_taste import neighbours
from myna.feed.types import Mode, Request
from myna.gate import ANYONE, Actor, person_actor
from myna.people.activity import Activity
from myna.people.columns import Array
from myna.people.taste import Evidence, by_topic, centroids
from myna.people.topics import Topics

_LOOKS = 1500
"""Posts seen that tell what a person passes by."""
_LANGUAGE_SHARE = 0.08
"""Of what a person wrote and liked, for a language to be theirs."""


def ask(
    request: Request,
    activity: Activity,
    topics: Topics,
    found: Evidence,
    hidden: frozenset[int] = NOBODY,
    clock: tuple[int, int] | None = None,
    near: tuple[Array, Array] | None = None,
) -> Query:
    """The query of a request. found: what the person's events say (`people/taste.py`).

    hidden: topics that the person hid; they count for nothing. clock: (now, oldest) where already known. near: the
    person's neighbours in taste where already known.
    """
    person = activity.people_ids.row(request.person_id) if request.person_id else -1
    actor: Actor = person_actor(request.person_id) if request.person_id else ANYONE
    now, oldest = clock or reference(activity, request.now)
    relations = activity.relations
    chronological = request.mode is not Mode.FOR_YOU
    rows = (activity.post_ids.row(id) for id in request.shown)
    base = Query(
        request, actor, activity, topics, person, now, oldest,
        follows=frozenset(relations.follows.get(person, ())),
        blocks=frozenset(relations.blocks.get(person, ())),
        blocked_by=frozenset(relations.blocked_by.get(person, ())),
        mutes=frozenset(relations.mutes.get(person, ())),
        shown=frozenset(row for row in rows if row >= 0),
    )  # fmt: skip
    if chronological:
        return base
    weights = by_topic(activity, found, len(topics))
    weights[list(hidden)] = 0
    liked, disliked = centroids(activity, found)
    looked, took = looks(activity, person, hidden)
    return Query(
        request, actor, activity, topics, person, now, oldest,
        follows=base.follows, blocks=base.blocks, blocked_by=base.blocked_by, mutes=base.mutes, shown=base.shown,
        languages=languages(activity, person, found),
        evidence=found,
        interests=_shares(np.maximum(weights, 0)),
        unwanted=_shares(np.maximum(-weights, 0)),
        liked=liked,
        looked=looked,
        took=took,
        disliked=disliked,
        near=neighbours(activity, person, found) if near is None else near,
    )  # fmt: skip


def looks(activity: Activity, person: int, hidden: frozenset[int] = NOBODY) -> tuple[Array, Array]:
    """The posts a person saw lately, rows (n,), and which of them they liked or reposted, (n,) bool."""
    seen = list(islice(reversed(activity.seen.get(person, {})), _LOOKS))
    liked = set(activity.liked.get(person, ())[-_LOOKS:])
    rows = np.array(seen, np.int64)
    took = np.array([row in liked for row in seen], bool)
    if hidden and len(rows):
        shown = ~np.isin(activity.posts["topic"][rows, 0], list(hidden))
        return rows[shown], took[shown]
    return rows, took


def languages(activity: Activity, person: int, found: Evidence) -> frozenset[int]:
    """The languages of a person: the one they named, and those of what they write and like. Rows of `langs`."""
    spoken = set()
    if person >= 0 and activity.people["lang"][person] > 0:
        spoken.add(int(activity.people["lang"][person]))
    liked = found.weights > 0
    counts = np.bincount(activity.posts["lang"][found.posts[liked]], found.weights[liked])
    counts[:1] = 0
    if counts.sum() > 0:
        spoken.update(np.flatnonzero(counts >= _LANGUAGE_SHARE * counts.sum()).tolist())
    return frozenset(spoken)


def _shares(weights: Array) -> Array:
    total = float(weights.sum())
    return weights / total if total > 0 else weights
