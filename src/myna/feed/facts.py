"""What was so of each post of a page, for its reasons: ids, numbers, a topic's telling words; never its text."""

from typing import Any

import numpy as np

from myna.feed.candidates import Candidates, Query
from myna.feed.pipeline import FOR_YOU
from myna.feed.ranking.features import features
from myna.feed.ranking.model import Model
from myna.feed.reasons import DIGITS, EVERYBODY, FOLLOWS, OWN, REPOSTED
from myna.feed.scorers.weighted_sum import weight_vector
from myna.people.columns import Array

_EVIDENCE = 3
_TELLING_SHARE = 0.03
"""Of a person's interests, for one to be named as a reason."""
_SOURCE = {source.name: place for place, (source, _) in enumerate(FOR_YOU.sources)}


def facts(query: Query, chosen: Candidates, model: Model, weights: dict[str, float]) -> dict[str, dict[str, Any]]:
    """By post id, what `reasons.py` puts in words."""
    activity = query.activity
    posts, people, ids = activity.posts, activity.people_ids.ids, activity.post_ids.ids
    parts = model.parts(features(query, chosen.rows, chosen.via), weight_vector(weights))
    liked = query.evidence.only(query.evidence.weights > 0)
    found = {}
    for place, row in enumerate(chosen.rows.tolist()):
        author, lang = int(posts["author"][row]), int(posts["lang"][row])
        parent = int(posts["reply"][row])
        topic = _topic(query, row)
        about = liked.posts[posts["topic"][liked.posts, 0] == topic] if topic >= 0 else liked.posts[:0]
        found[ids[row]] = {
            "parts": [round(float(part), DIGITS) for part in parts[place]],
            "author": people[author],
            **({"reposter": people[int(chosen.via[place])]} if chosen.via[place] >= 0 else {}),
            "follows": author in query.follows,
            "answers": parent >= 0 and query.person >= 0 and int(posts["author"][parent]) == query.person,
            "theirs": _newest(ids, liked.posts[posts["author"][liked.posts] == author]),
            "alike": _alike(query, row, liked.posts),
            "topic": query.topics.name(topic) if len(about) else "",
            "about": _newest(ids, about),
            "trending": bool(chosen.found[place, _SOURCE["trending"]] > 0 and activity.counts["likes"][row] >= 2),
            "language": activity.langs.ids[lang],
            "likes": int(activity.counts["likes"][row]),
        }
    return found


def chronological(query: Query, chosen: Candidates) -> dict[str, dict[str, Any]]:
    """By post id, the one reason of a chronological mode."""
    people, ids = query.activity.people_ids.ids, query.activity.post_ids.ids
    found = {}
    for row, via in zip(chosen.rows.tolist(), chosen.via.tolist(), strict=True):
        author = int(query.activity.posts["author"][row])
        if via >= 0:
            text, values = (REPOSTED, {"reposter": people[via]}) if via != query.person else (OWN, {})
        elif author in query.follows:
            text, values = FOLLOWS, {"author": people[author]}
        else:
            text, values = (OWN if author == query.person else EVERYBODY), {}
        found[ids[row]] = {"text": text, "values": values, "evidence": [], "contribution": 0.0}
    return found


def _topic(query: Query, row: int) -> int:
    """The post's topic that is a strong interest of the person; -1 if none is."""
    for topic in query.activity.posts["topic"][row].tolist():
        if 0 <= topic < len(query.interests) and query.interests[topic] >= _TELLING_SHARE:
            return int(topic)
    return -1


def _alike(query: Query, row: int, liked: Array) -> list[str]:
    """Posts this person liked that the people near them who liked this one liked too: the most shared first."""
    likers = set(query.activity.likers.get(row, ()))
    near = [person for person in query.near[0].tolist() if person in likers][:8]
    if not near:
        return []
    theirs = [set(query.activity.liked.get(person, ())) for person in near]
    shared = [(sum(post in some for some in theirs), post) for post in dict.fromkeys(liked[::-1].tolist())]
    shared = sorted((pair for pair in shared if pair[0]), key=lambda pair: -pair[0])
    return [query.activity.post_ids.ids[post] for _, post in shared[:_EVIDENCE]]


def _newest(ids: list[str], rows: Array) -> list[str]:
    return [ids[row] for row in dict.fromkeys(np.asarray(rows)[::-1].tolist())][:_EVIDENCE]
