"""The ranking model at work: the probability of each action, in plain numpy.

Two parts over standardised features, added before the sigmoid: a linear one and one hidden layer. Then each action's
logits are corrected by a scale and a shift found on later data than the model was trained on (Platt scaling), so that
of the posts given 10 %, one in ten is liked.
"""

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from myna.feed.ranking.features import GROUP_OF, GROUPS, NAMES
from myna.people.columns import Array

ACTIONS = ("like", "reply", "repost", "click", "dwell", "show_less", "report")


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model. version: a hash of its numbers; metrics: how it did on data held out.

    mean, scale: (features,). linear: (features, actions). hidden: (features, units), hidden_bias: (units,),
    out: (units, actions). bias, platt_scale, platt_shift: (actions,).
    """

    mean: Array
    scale: Array
    linear: Array
    hidden: Array
    hidden_bias: Array
    out: Array
    bias: Array
    platt_scale: Array
    platt_shift: Array
    metrics: dict[str, Any]

    def logits(self, table: Array) -> Array:
        """(n, actions) float64 of features (n, features), calibrated."""
        x = np.clip((table - self.mean) / self.scale, -6, 6).astype(np.float32)
        raw = x @ self.linear + np.maximum(x @ self.hidden + self.hidden_bias, 0) @ self.out + self.bias
        return np.asarray(raw.astype(np.float64) * self.platt_scale + self.platt_shift)

    def probabilities(self, table: Array) -> Array:
        """(n, actions) float64 in (0, 1)."""
        return sigmoid(self.logits(table))

    def parts(self, table: Array, weights: Array) -> Array:
        """What each group of features adds to the weighted sum of probabilities: (n, groups + 1) float64.

        The first column is the score of a post of which nothing is known (all features at their means); each next is
        what turning the features of one group to their values adds, in the order of GROUPS. They sum to the score.
        """
        at = np.broadcast_to(self.mean, table.shape).astype(np.float32)
        columns = [self.probabilities(at) @ weights]
        before = columns[0]
        for group in range(len(GROUPS)):
            at = np.where(group == GROUP_OF, table, at)
            after = self.probabilities(at) @ weights
            columns.append(after - before)
            before = after
        return np.stack(columns, axis=1)

    @property
    def version(self) -> str:
        """The same for the same numbers."""
        digest = hashlib.sha256()
        for name in _ARRAYS:
            digest.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return f"ranking-{digest.hexdigest()[:12]}"


_ARRAYS = ("mean", "scale", "linear", "hidden", "hidden_bias", "out", "bias", "platt_scale", "platt_shift")


def sigmoid(logits: Array) -> Array:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))))


def save(directory: Path, model: Model) -> None:
    """Writes the model, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    about = {"features": NAMES, "actions": ACTIONS, "metrics": model.metrics}
    arrays = {name: getattr(model, name) for name in _ARRAYS}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    partial = directory / "ranking.partial"
    with FileLock(directory / "ranking.lock"):
        with partial.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(directory / "ranking.npz")


def load(directory: Path) -> Model | None:
    """The model last trained; None where there is none, it is damaged, or it is of other features."""
    path = directory / "ranking.npz"
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as found:
            about = json.loads(found["about"].tobytes())
            arrays = {name: found[name] for name in _ARRAYS}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError):
        return None
    if tuple(about["features"]) != NAMES or tuple(about["actions"]) != ACTIONS:
        return None
    return Model(**arrays, metrics=about["metrics"])
