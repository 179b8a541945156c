"""Drops replies in talks a person is no part of: to people they do not follow, unless to themself."""

import numpy as np

from myna.feed.candidates import Candidates, Query, rows_in
from myna.people.columns import Array


class StrayReply:
    """Replies to people this person does not follow, and replies by people they do not follow. Self-threads stay."""

    name = "stray_reply"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        posts = query.activity.posts
        rows = candidates.rows
        parents = posts["reply"][rows]
        author = posts["author"][rows]
        answered = np.where(parents >= 0, posts["author"][np.maximum(parents, 0)], -1)
        network = rows_in(author, query.follows) | (candidates.via >= 0)
        known = rows_in(answered, query.follows) | (answered == query.person) | (answered == author)
        return np.asarray((parents < 0) | (network & known))
