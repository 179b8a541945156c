"""What keeps one bad step from spoiling a run: gradients far above the usual are cut down, absurd ones are not taken.

The usual is the median of the last 64 norms. A step whose gradient is over 4 times that is scaled down to 4 times; over
50 times, or not finite, it is left out, as in PaLM's training (Chowdhery et al. 2022, arXiv 2204.02311, section 5.1,
which skips batches around a spike). The decision depends on gradients alone, so every process makes the same one, and
a resumed run makes it again.
"""

import math
from collections import deque
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from myna.network import Problem

_REMEMBERED = 64
_FEWEST = 16
"""Norms to know before any is judged: the first steps of a run are all unlike each other."""
_CLIPPED = 4.0
_SKIPPED = 50.0
_HOPELESS = 50
"""Steps in a row without a finite gradient after which the run is given up."""


class SpikeGuard:
    """Judges gradient norms. clipped, skipped: how many steps were cut down or left out so far."""

    def __init__(self) -> None:
        self.clipped = self.skipped = 0
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self._broken = 0

    def factor(self, norm: float) -> float:
        """What to multiply a step's gradient by: 1, less than 1, or 0 for a step not to be taken.

        Raises Problem for a run that yields no finite gradient any more.
        """
        if not math.isfinite(norm):
            self.skipped += 1
            self._broken += 1
            if self._broken >= _HOPELESS:
                raise Problem(
                    f"{_HOPELESS} steps in a row had no finite gradient; the run is lost. Train with a lower --rate."
                )
            return 0.0
        self._broken = 0
        usual = median(self._recent) if len(self._recent) >= _FEWEST else math.inf
        # What is remembered is capped, so that a lasting rise becomes the usual and one spike does not.
        self._recent.append(min(norm, _CLIPPED * usual))
        if norm <= _CLIPPED * usual:
            return 1.0
        if norm > _SKIPPED * usual:
            self.skipped += 1
            return 0.0
        self.clipped += 1
        return _CLIPPED * usual / norm

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "recent": list(self._recent),
            "broken": self._broken,
            "clipped": self.clipped,
            "skipped": self.skipped,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what a checkpoint kept."""
        self._recent = deque(state["recent"], maxlen=_REMEMBERED)
        self._broken, self.clipped, self.skipped = state["broken"], state["clipped"], state["skipped"]


def gradient_norm(model: nn.Module) -> float:
    """The Euclidean norm of all gradients together, over all processes where they are sharded."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    whole = getattr(norm, "full_tensor", None)
    return float(whole() if whole is not None else norm)


@torch.no_grad()
def scale_gradients(model: nn.Module, factor: float) -> None:
    """Multiplies all gradients."""
    gradients: list[Tensor] = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    torch._foreach_mul_(gradients, factor)
