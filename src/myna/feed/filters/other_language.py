"""Drops posts from outside a person's network in languages they neither write, nor like, nor named as theirs."""

import numpy as np

from myna.feed.candidates import Candidates, Query, rows_in
from myna.people.columns import Array


class OtherLanguage:
    """Out-of-network posts in a language not the person's. Keeps all where none is known, and posts of none."""

    name = "other_language"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        if not query.languages:
            return np.ones(len(candidates), bool)
        posts = query.activity.posts
        lang = posts["lang"][candidates.rows]
        network = rows_in(posts["author"][candidates.rows], query.follows) | (candidates.via >= 0)
        return np.asarray(network | (lang == 0) | rows_in(lang, query.languages))
