"""Posts about what a person is interested in, whoever wrote them."""

import numpy as np

from myna.feed.candidates import Query
from myna.feed.sources.trending import window
from myna.people.columns import Array

_TOPICS = 8
_OF_EACH = 150


class Topical:
    """Posts of a person's strongest topics. The measure is the interest's share, halved every two days of age."""

    name = "topical"

    def find(self, query: Query) -> tuple[Array, Array, Array]:
        strong = [int(k) for k in np.argsort(-query.interests, kind="stable")[:_TOPICS] if query.interests[k] > 0]
        rows = window(query)
        posts = query.activity.posts
        first = posts["topic"][rows, 0]
        found = [rows[first == topic][-_OF_EACH:] for topic in strong]
        measures = [
            query.interests[topic]
            * 0.5 ** (np.maximum(query.now - query.activity.clock(posts["created"][some]), 0) / (2 * 86_400_000))
            for topic, some in zip(strong, found, strict=True)
        ]
        if not found:
            return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)
        all_rows, all_measures = np.concatenate(found), np.concatenate(measures)
        order = np.argsort(-all_measures, kind="stable")
        return all_rows[order], all_measures[order], np.full(len(order), -1)
