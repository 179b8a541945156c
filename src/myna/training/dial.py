"""What an operator asks of a run: one budget, and whatever else they would rather decide themselves."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from myna.network import Problem

_YEAR = 60 * 24 * 365


@dataclass(frozen=True, slots=True)
class Dial:
    """Exactly one of minutes, gpu_days and tokens is the budget; all else is 0 where it follows from it.

    gpu_days: days of all devices together. tokens: to read, repeats counted. parameters, layers, width, context, batch
    (windows a step): the model and its step. rate: a factor on the learning rates. slices: go through the text in time
    order, in so many parts. shard: each process holds a part of the model.
    """

    minutes: float = 0.0
    gpu_days: float = 0.0
    tokens: int = 0
    parameters: int = 0
    layers: int = 0
    width: int = 0
    context: int = 0
    batch: int = 0
    rate: float = 1.0
    seed: int = 0
    slices: int = 0
    shard: bool = False

    def check(self) -> "Dial":
        """Itself. Raises Problem for one that cannot be followed."""
        budgets = [name for name in ("minutes", "gpu_days", "tokens") if getattr(self, name)]
        if len(budgets) > 1:
            raise Problem(f"A run has one budget, and {' and '.join(budgets)} are two. Give one.", 422)
        if not budgets or not 0 < self._minutes <= _YEAR:
            raise Problem("The minutes to train for must be more than 0 and at most a year.", 422)
        if any(getattr(self, name) < 0 for name in ("parameters", "layers", "width", "context", "batch")):
            raise Problem("The size of a model and of its steps cannot be less than nothing.", 422)
        head = 32 if self.width < 256 else 64
        if self.width % head:
            raise Problem(f"A width of {self.width} cannot be shared out among heads; take a multiple of {head}.", 422)
        if self.context == 1 or self.context > 1 << 20:
            raise Problem("A context has from 2 to 1,048,576 positions.", 422)
        if not 1e-3 <= self.rate <= 1e3:
            raise Problem("The rate is a factor on the learning rates, from 0.001 to 1000.", 422)
        return self

    @property
    def _minutes(self) -> float:
        # A budget of tokens takes what it takes.
        return 1.0 if self.tokens > 0 else self.minutes or self.gpu_days * 60 * 24

    def seconds(self, devices: int) -> float:
        """Time to spend in all; infinite where tokens are the budget."""
        if self.tokens:
            return math.inf
        return self.minutes * 60 or self.gpu_days * 86_400 / devices

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)
