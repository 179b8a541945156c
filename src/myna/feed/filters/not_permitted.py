"""Drops what the gate does not allow to be recommended to this person: asked about every candidate, every time."""

import numpy as np

from myna.feed.candidates import Candidates, Query
from myna.people.columns import Array


class NotPermitted:
    """Posts that the gate refuses. The pipeline asks the gate beforehand; `candidates.posts` are those allowed."""

    name = "not_permitted"

    def keep(self, query: Query, candidates: Candidates) -> Array:
        ids = query.activity.post_ids.ids
        return np.array([ids[row] in candidates.posts for row in candidates.rows.tolist()], bool)
