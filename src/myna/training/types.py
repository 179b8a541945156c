"""What the trainer asks of a text and of a model, so that it knows neither's inside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import nn


class Text(Protocol):
    """Documents as one row of tokens, each beginning with `end`, the oldest first; those after the first
    `train_documents` are held out for measuring."""

    @property
    def tokens(self) -> np.ndarray:
        """(tokens,) ids; those of deleted posts are `pad`, also ones deleted while it is being read."""
        ...

    @property
    def learn(self) -> np.ndarray:
        """(tokens,) uint8: whether each is to be predicted."""
        ...

    @property
    def documents(self) -> np.ndarray:
        """(documents + 1,) int64: where each begins, and where the last ends."""
        ...

    @property
    def passages(self) -> np.ndarray:
        """(passages, 4) int64: offset, tokens, bytes of text, and whether it is learned there."""
        ...

    @property
    def train_documents(self) -> int: ...

    @property
    def vocabulary(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def pad(self) -> int: ...


class Sized(Protocol):
    """A model's shape, as far as planning needs it."""

    @property
    def parameters(self) -> int: ...

    @property
    def matrix_parameters(self) -> int: ...

    @property
    def flops_per_token(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Family:
    """Models of one architecture.

    shape: of (width, layers, vocabulary, context). build: an untrained model of a shape and a seed; a module with
    `hidden(ids, end)`, the states (windows, context, width) of packed documents, and the head `lm_head`. untrained:
    whether it is one; else it comes from a version or from open weights.
    """

    shape: Callable[[int, int, int, int], Sized]
    build: Callable[[Any, int], nn.Module]
    untrained: bool = True
