"""What the scorers work on: candidates with their probabilities, exactly as the decision log keeps them.

Numbers are rounded before anything is computed from them, so that a feed computed again from the log is the same to
the last byte.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from myna.feed.ranking.model import ACTIONS
from myna.people.columns import Array

PROBABILITY = 1_000_000
SHARE = 1_000


@dataclass(frozen=True, slots=True)
class Slate:
    """Candidates in the order the sources found them.

    ids: n post ids. authors: (n,) int, equal for one author. network: (n,) bool, whether by or through people
    followed. unwanted: (n,) float64 in [0, 1], how like what the person asked to see less of. probabilities: (n,
    actions) float64. scores: (n,) float64, filled by the scorers.
    """

    ids: tuple[str, ...]
    authors: Array
    network: Array
    unwanted: Array
    probabilities: Array
    scores: Array = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.ids)


class Scorer(Protocol):
    """A step from probabilities to scores."""

    name: str

    def score(self, slate: Slate) -> Array:
        """The scores after this step: (n,) float64."""

    def settings(self) -> dict[str, Any]:
        """What it multiplies by, for the log."""


def to_log(slate: Slate) -> dict[str, Any]:
    """The slate in whole numbers."""
    return {
        "ids": list(slate.ids),
        "authors": [int(author) for author in slate.authors],
        "network": [int(inside) for inside in slate.network],
        "unwanted": [round(float(share) * SHARE) for share in slate.unwanted],
        "actions": list(ACTIONS),
        "probabilities": np.rint(slate.probabilities * PROBABILITY).astype(int).tolist(),
    }


def from_log(kept: dict[str, Any]) -> Slate:
    """The slate of whole numbers."""
    n = len(kept["ids"])
    return Slate(
        tuple(kept["ids"]),
        np.array(kept["authors"], np.int64),
        np.array(kept["network"], bool),
        np.array(kept["unwanted"], np.float64) / SHARE,
        np.array(kept["probabilities"], np.float64).reshape(n, len(kept["actions"])) / PROBABILITY,
    )
