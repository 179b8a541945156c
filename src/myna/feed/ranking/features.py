"""What the ranking model knows of a person and a post: numbers as of one moment.

The features stand in groups; a reason speaks for a group, and a group's part of a score is what its features add.
"""

import numpy as np

from myna.feed.candidates import Query, rows_in
from myna.feed.sources.similar_taste import measure
from myna.feed.sources.trending import heat
from myna.people.activity import decayed, fatigued
from myna.people.columns import Array

GROUPS: dict[str, tuple[str, ...]] = {
    "relation": ("follows", "mutual", "reposted", "affinity", "disliking", "answers_me", "author_taken"),
    "taste": ("similar_taste", "similar_taste_found"),
    "interest": ("interest", "topic_taken", "unwanted", "liked_likeness", "disliked_likeness"),
    "popularity": ("likes", "reposts", "replies", "like_rate", "shown_less", "heat", "source_likes"),
    "author": ("author_followers", "author_like_rate"),
    "recency": ("age", "fresh"),
    "content": ("language", "media", "url", "length", "reply"),
    "fatigue": ("author_fatigue", "session"),
    "habit": ("own_like_rate", "own_seen"),
}
NAMES = tuple(name for names in GROUPS.values() for name in names)
PLACE = {name: place for place, name in enumerate(NAMES)}
GROUP_OF = np.array([group for group, names in enumerate(GROUPS.values()) for _ in names])

_LIKES_BEFORE, _SEEN_BEFORE = 1.0, 20.0
"""What a rate starts from: one like in twenty views, as if twenty had seen it."""
_AS_IF = 8.0
_DAY = 86_400_000


def features(query: Query, rows: Array, via: Array) -> Array:
    """(n, features) float32, in the order of NAMES. rows: posts; via: who reposted each, -1 for nobody."""
    activity, person, now = query.activity, query.person, query.now
    posts, counts, tallies = activity.posts, activity.counts, activity.tallies
    authors = posts["author"][rows]
    known = np.maximum(authors, 0)
    table = np.zeros((len(rows), len(NAMES)), np.float32)

    def put(name: str, values: Array | float) -> None:
        table[:, PLACE[name]] = values

    followers = activity.relations.followers.get(person, set())
    put("follows", rows_in(authors, query.follows))
    put("mutual", rows_in(authors, query.follows) & rows_in(authors, frozenset(followers)))
    put("reposted", via >= 0)
    ties, against = activity.affinity.get(person, {}), activity.disliking.get(person, {})
    lately = activity.fatigue.get(person, {})
    list_of = authors.tolist()
    put("affinity", np.log1p([decayed(ties[a], now) if a in ties else 0.0 for a in list_of]))
    put("disliking", np.log1p([decayed(against[a], now) if a in against else 0.0 for a in list_of]))
    parents = posts["reply"][rows]
    answered = np.where(parents >= 0, posts["author"][np.maximum(parents, 0)], -2)
    put("answers_me", answered == person)

    taste = measure(activity, query.near, rows)
    put("similar_taste", np.sqrt(taste))
    put("similar_taste_found", taste > 0)

    topic, weight = posts["topic"][rows], posts["topic_weight"][rows]
    for name, shares in (("interest", query.interests), ("unwanted", query.unwanted)):
        if len(shares):
            put(name, np.sqrt((np.where(topic >= 0, shares[np.maximum(topic, 0)], 0) * weight).sum(axis=1)))
    put("author_taken", taken(posts["author"][query.looked], query.took, authors))
    put("topic_taken", taken(posts["topic"][query.looked, 0], query.took, posts["topic"][rows, 0]))
    vectors = posts["vector"][rows]
    for name, direction in (("liked_likeness", query.liked), ("disliked_likeness", query.disliked)):
        if len(direction):
            put(name, vectors @ direction)

    likes, seen = counts["likes"][rows].astype(np.float64), counts["seen"][rows].astype(np.float64)
    put("likes", np.log1p(likes))
    put("reposts", np.log1p(counts["reposts"][rows]))
    put("replies", np.log1p(counts["replies"][rows]))
    put("like_rate", np.log((likes + _LIKES_BEFORE) / (np.maximum(seen, likes) + _SEEN_BEFORE)))
    put("shown_less", np.log1p(counts["show_less"][rows]))
    put("heat", np.log1p(heat(query, rows)))
    put("source_likes", np.log1p(posts["source_likes"][rows]))

    follower_count = [len(activity.relations.followers.get(a, ())) for a in list_of]
    put("author_followers", np.log1p(np.maximum(follower_count, activity.people["followers"][known])))
    rate = (tallies["author_liked"][known] + _LIKES_BEFORE) / (tallies["author_seen"][known] + _SEEN_BEFORE)
    put("author_like_rate", np.log(rate))

    age = np.maximum(now - activity.clock(posts["created"][rows]), 0)
    put("age", np.log1p(age / 3_600_000))
    put("fresh", 0.5 ** (age / (_DAY / 4)))

    put("language", rows_in(posts["lang"][rows], query.languages) if query.languages else 0.5)
    put("media", posts["media"][rows])
    put("url", posts["url"][rows])
    put("length", np.log1p(posts["length"][rows]) / 5)
    put("reply", parents >= 0)

    put("author_fatigue", np.log1p([fatigued(lately[a], now) if a in lately else 0.0 for a in list_of]))
    put("session", np.log1p(sum(fatigued(tie, now) for tie in lately.values()) if lately else 0.0))

    own_seen = float(tallies["seen"][person]) if person >= 0 else 0.0
    own_liked = float(tallies["liked"][person]) if person >= 0 else 0.0
    put("own_like_rate", np.log((own_liked + _LIKES_BEFORE) / (max(own_seen, own_liked) + _SEEN_BEFORE)))
    put("own_seen", np.log1p(own_seen))
    return table


def taken(kinds: Array, took: Array, wanted: Array) -> Array:
    """How much more often than others a person likes posts of each kind they saw: (n,) in log-odds-like units.

    kinds: (looks,) what each post seen was of (an author, a topic; below 0 of none); took: (looks,) bool; wanted: (n,).
    The rate of a kind starts from the person's own, as if eight more of it had been seen at that rate.
    """
    if not len(kinds) or not len(wanted):
        return np.zeros(len(wanted))
    names, places = np.unique(kinds, return_inverse=True)
    seen = np.bincount(places)
    liked = np.bincount(places, took)
    own = (took.sum() + 1) / (len(took) + 20)
    rates = np.log((liked + _AS_IF * own) / (seen + _AS_IF)) - np.log(own)
    at = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    return np.where((names[at] == wanted) & (wanted >= 0), rates[at], 0)
