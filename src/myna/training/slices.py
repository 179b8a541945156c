"""Training in time order, slice by slice, so that what was learned from a post can be undone exactly.

The documents, which lie in time order, are cut into slices; the steps are shared out among them by their tokens, and
within a slice documents are shuffled as always. The state at each border is kept. To forget a post: drop its tokens,
go back to the border before the first slice that holds it, and train on from there. All steps before that border
never saw the post, so the result is, bit for bit, that of a run that never did. (Bourtoule et al. 2021, arXiv
1912.03817, shard and slice their data to the same end; here one model goes through one row of slices.)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from myna.training.checkpoint import checkpoint_path, checkpoints
from myna.training.order import Order
from myna.training.types import Text

_SEEDS = 1_000_003
"""Slices draw their own shuffles."""


@dataclass(frozen=True)
class _Slice:
    """Documents first to last (excluded) of a text, as a text of their own."""

    text: Any
    first: int
    last: int

    @property
    def documents(self) -> np.ndarray:
        documents: np.ndarray = self.text.documents[self.first : self.last + 1]
        return documents

    @property
    def train_documents(self) -> int:
        return self.last - self.first

    def __getattr__(self, name: str) -> Any:
        return getattr(self.text, name)


class SlicedOrder:
    """Windows in the order of time: an `Order` for each slice. borders: the steps at which a slice is done."""

    def __init__(self, text: Text, seed: int, context: int, batch: int, steps: int, count: int) -> None:
        """count: slices, of about as many tokens each."""
        self.documents = slice_documents(text, count)
        tokens = np.asarray(text.documents)[self.documents]
        shares = (tokens - tokens[0]) / max(int(tokens[-1] - tokens[0]), 1)
        self.borders = [round(share * steps) for share in shares.tolist()]
        self._batch = batch
        parts = [_Slice(text, *ends) for ends in zip(self.documents[:-1], self.documents[1:], strict=True)]
        self.first: Text = parts[0]
        self._orders = [Order(part, seed + _SEEDS * place, context) for place, part in enumerate(parts)]

    def border(self, step: int) -> int:
        """The document that is the first not to be read until the slice of this step is done."""
        return self.documents[self._place(step) + 1]

    def _place(self, step: int) -> int:
        return min(int(np.searchsorted(self.borders, step, side="right")) - 1, len(self._orders) - 1)

    def batch(self, step: int, size: int, part: slice = slice(None)) -> tuple[np.ndarray, np.ndarray, int]:
        """As `Order.batch`."""
        place = self._place(step)
        return self._orders[place].batch(step - self.borders[place], size, part)


def slice_documents(text: Text, count: int) -> list[int]:
    """Where `count` slices of about as many tokens each begin, in documents, and where the last ends."""
    starts = np.asarray(text.documents[: text.train_documents + 1])
    aims = np.linspace(starts[0], starts[-1], count + 1)
    found = np.searchsorted(starts, aims)
    return sorted({int(place) for place in found} | {0, text.train_documents})


def go_back(directory: Path, order: SlicedOrder, document: int) -> int:
    """Removes all checkpoints of a sliced run after the border before the slice with this document; returns its step.

    The next `Trainer` in this directory goes on from there, with what is in the text now.
    """
    place = int(np.searchsorted(order.documents, document, side="right")) - 1
    step = int(order.borders[max(place, 0)])
    for path in checkpoints(directory):
        if int(path.name.removesuffix(".pt")) > step:
            path.unlink()
    if step and not checkpoint_path(directory, step).exists():
        for path in checkpoints(directory):
            path.unlink()
        return 0
    return step
