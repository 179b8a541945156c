"""One dial: from minutes to depth, width, batch, learning rates and steps. Fixed once, kept with the run.

The model's size follows from the compute that fits in the time and from how much text there is; the number of steps
from the time one step of that very model takes here. Once made, a plan is never changed by how fast things go: that
is what makes a run that was killed end in the same bits as one that was not.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from myna.training.types import Family, Sized

_LADDER = (
    *((64, 2), (96, 3), (128, 4), (192, 5), (256, 6), (384, 8), (512, 8), (640, 10), (768, 12)),
    *((1024, 16), (1536, 20), (2048, 24), (2560, 32), (4096, 36)),
)
"""(width, layers) to choose from."""
SMALLEST = _LADDER[0][0]
_TOKENS_PER_PARAMETER = 1.0
"""Tokens to see for each parameter inside the layers. Compute-optimal is about 20 (Hoffmann et al. 2022, arXiv
2203.15556), for runs far longer than minutes on one machine; there a model of 0.8M such parameters that saw 1.2M tokens
was ahead of one of 1.8M that saw 0.8M, in the same time (docs/model.md)."""
_MOST_EPOCHS = 12
"""Beyond a dozen readings nothing new is learned (Muennighoff et al. 2023 find little after 4, nothing after 16)."""
_FEWEST_STEPS = 20
_CONTEXT = 128
_CONTEXT_LONG = 512
_BATCH_TOKENS = 4096
_BATCH_TOKENS_MOST = 2**19


@dataclass(frozen=True, slots=True)
class Plan:
    """A training run. batch: windows of `context` tokens a step, over all processes; micro: windows at once."""

    width: int
    layers: int
    vocabulary: int
    context: int
    parameters: int
    flops_per_token: float
    seed: int
    steps: int
    batch: int
    micro: int
    matrix_rate: float
    vector_rate: float
    warmup: int
    cooldown: int
    precision: str
    minutes: float
    threads: int = 1
    compile: bool = False

    @property
    def tokens(self) -> int:
        """Tokens the run reads."""
        return self.steps * self.batch * self.context

    def rate(self, step: int) -> float:
        """The learning rates' factor at a step: rises to 1, stays, falls in a line to a twentieth."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        left = self.steps - step
        return 1.0 if left > self.cooldown else 0.05 + 0.95 * left / max(self.cooldown, 1)

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> "Plan":
        """The inverse of `to_dict`."""
        return cls(**body)


@dataclass(frozen=True, slots=True)
class Size:
    """A rung of the ladder: width, layers, and positions read at once."""

    width: int
    layers: int
    context: int

    def shape(self, family: Family, vocabulary: int) -> Sized:
        """The shape of this size in a family."""
        return family.shape(self.width, self.layers, vocabulary, self.context)


def choose_size(flops: float, tokens: int, vocabulary: int, family: Family, device: str = "cpu") -> Size:
    """The model that this much compute (floating-point operations in all) trains best on a corpus of `tokens`."""
    best = Size(*_LADDER[0], _CONTEXT)
    for width, layers in _LADDER:
        size = Size(width, layers, _CONTEXT if width < 512 and device == "cpu" else _CONTEXT_LONG)
        shape = size.shape(family, vocabulary)
        if _readable(flops, tokens, shape) >= _TOKENS_PER_PARAMETER * shape.matrix_parameters:
            best = size
    return best


def batch_of(flops: float, tokens: int, size: Size, shape: Sized, device: str = "cpu") -> int:
    """Windows a step: more with more compute, but enough steps for the little text of a small network."""
    read = _readable(flops, tokens, shape)
    # Around 700 steps at the least; from there the batch grows with the square root of what is read.
    wanted = min(read / 700, _BATCH_TOKENS * max(math.sqrt(read / 2e6), 1.0))
    if device != "cpu":
        wanted = max(wanted, 16_384)
    wanted = min(max(wanted, 1024), _BATCH_TOKENS_MOST)
    return int(2 ** round(math.log2(wanted / size.context))) or 1


def _readable(flops: float, tokens: int, shape: Sized) -> float:
    return min(flops / shape.flops_per_token, tokens * _MOST_EPOCHS)


def make_plan(
    size: Size,
    family: Family,
    vocabulary: int,
    tokens: int,
    batch: int,
    seconds: float,
    step_seconds: float,
    minutes: float,
    precision: str,
    seed: int = 0,
    device: str = "cpu",
    threads: int = 1,
    compile: bool = False,
) -> Plan:
    """The plan for a model whose step of `batch` windows takes step_seconds, within `seconds`, on a corpus of `tokens`
    to train on."""
    shape = size.shape(family, vocabulary)
    window = batch * size.context
    most = math.ceil(tokens * _MOST_EPOCHS / window)
    steps = max(min(int(seconds / step_seconds), most), _FEWEST_STEPS)
    return Plan(
        width=size.width,
        layers=size.layers,
        vocabulary=vocabulary,
        context=size.context,
        parameters=shape.parameters,
        flops_per_token=shape.flops_per_token,
        seed=seed,
        steps=steps,
        batch=batch,
        micro=batch if device == "cpu" else max(min(batch, 65_536 // size.context), 1),
        matrix_rate=0.02,
        vector_rate=0.01,
        warmup=min(20, steps // 10),
        cooldown=steps * 2 // 3,
        precision=precision,
        minutes=minutes,
        threads=threads,
        compile=compile,
    )


def with_steps(plan: Plan, steps: int) -> Plan:
    """The same run of another length."""
    return replace(plan, steps=steps, warmup=min(20, steps // 10), cooldown=steps * 2 // 3)
