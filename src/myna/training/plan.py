"""One dial: from minutes to depth, width, batch, learning rates and steps. Fixed once, kept with the run.

The model's size follows from the compute that fits in the time and from how much text there is; the number of steps
from the time one step of that very model takes here. At three tenths and three quarters of the way the clock is
looked at, and where the machine turned out slower or faster the number of steps is set once more. Each such change is
part of the plan and is kept before it holds, so that a run that is killed, or repeated from its manifest, takes the
same steps.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from myna.training.teacher import TOKENS_MOST
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
_TEACHER = 8
"""Where the share of the text that was read is one in this many, the teacher says half of what is to be predicted. What
came is right on average, and far from what else could have come while little is read; what the teacher expects
is always as near. Shares that were best with 9M tokens of text: .8 in reading 0.6M, .5 in reading 3M (docs/log.md)."""
_TEACHER_LEAST = 0.1
"""A share that is less is not worth the time."""
_FEWEST_STEPS = 20
_LOOKS = (0.3, 0.75)
"""Shares of the steps after which the clock is looked at."""
_OFF = 0.05
"""What a run may be off its time before its steps are changed."""
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
    seconds: float = 0.0
    """For the steps; 0 for a number of steps that nothing changes."""
    slices: int = 0
    """In time order, that the text is gone through in; 0 for all of it shuffled."""
    neighbours: bool = False
    """Whether the token embeddings begin as `neighbour_embeddings` has them."""
    newest: bool = False
    """Whether a text too long to be read twice is read from its newest end only."""
    teacher: int = 0
    """How many tokens are to be read until the `Teacher` says half of what is to be predicted; 0 for none."""
    changes: tuple[tuple[int, int, int], ...] = ()
    """Looks at the clock: after which step, the steps planned before it, and those planned since."""

    @property
    def tokens(self) -> int:
        """Tokens the run reads."""
        return self.steps * self.batch * self.context

    @property
    def intended(self) -> int:
        """Tokens the run was first planned to read, before any look at the clock."""
        return (self.changes[0][1] if self.changes else self.steps) * self.batch * self.context

    def rate(self, step: int) -> float:
        """The learning rates' factor at a step: rises to 1, stays, falls in a line to a twentieth."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        planned = self.changes[0][1] if self.changes else self.steps
        left = planned - self._as_planned(step)
        return 1.0 if left > self.cooldown else 0.05 + 0.95 * left / max(self.cooldown, 1)

    def share(self, step: int) -> float:
        """The teacher's share at a step: less the more is read, and over the last third falling to nothing."""
        planned = self.changes[0][1] if self.changes else self.steps
        left = (planned - self._as_planned(step)) / planned
        share = min(3 * left, 1.0) * self.teacher / max(self.teacher + step * self.batch * self.context, 1)
        return share if share >= _TEACHER_LEAST else 0.0

    def _as_planned(self, step: int) -> float:
        """How far a step is, in steps of the first plan: after a change the rest of it is gone through slower or
        faster, so that the rates go on from where they are."""
        planned = self.changes[0][1] if self.changes else self.steps
        at = place = 0.0
        steps = float(planned)
        for after, _, since in self.changes:
            if step <= after:
                break
            place += (planned - place) * (after - at) / (steps - at)
            at, steps = float(after), float(since)
        return place + (planned - place) * (step - at) / (steps - at)

    @property
    def next_look(self) -> int | None:
        """The step after which to compare with the clock; None where that is over, or no time was given."""
        if not self.seconds or self.slices or len(self.changes) >= len(_LOOKS):
            return None
        before = self.changes[-1][0] if self.changes else 0
        return max(int(self.steps * _LOOKS[len(self.changes)]), before + 1)

    def adjusted(self, step: int, spent: float, most: int) -> "Plan":
        """The plan after a look at the clock: the same, or with as many steps as fit in what is left of the time.

        spent: seconds that `step` steps took. most: steps that read the text as often as is of use.
        """
        fitting = step + round(max(self.seconds - spent, 0.0) * step / max(spent, 1e-9))
        fitting = max(min(fitting, max(most, self.steps)), step + max(step // 20, 1))
        off = abs(fitting - self.steps) > _OFF * self.steps
        steps = fitting if off and step < self.steps else self.steps
        return replace(self, steps=steps, changes=(*self.changes, (step, self.steps, steps)))

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> "Plan":
        """The inverse of `to_dict`."""
        changes = tuple((int(after), int(before), int(since)) for after, before, since in body.get("changes", ()))
        return cls(**{**body, "changes": changes})


@dataclass(frozen=True, slots=True)
class Size:
    """A rung of the ladder: width, layers, and positions read at once."""

    width: int
    layers: int
    context: int

    def shape(self, family: Family, vocabulary: int) -> Sized:
        """The shape of this size in a family."""
        return family.shape(self.width, self.layers, vocabulary, self.context)


def choose_size(flops: float, tokens: float, vocabulary: int, family: Family, device: str = "cpu") -> Size:
    """The model that this much compute (floating-point operations in all) trains best on a corpus of `tokens`."""
    best = Size(*_LADDER[0], _CONTEXT)
    for width, layers in _LADDER:
        size = Size(width, layers, _CONTEXT if width < 512 and device == "cpu" else _CONTEXT_LONG)
        shape = size.shape(family, vocabulary)
        if _readable(flops, tokens, shape) >= _TOKENS_PER_PARAMETER * shape.matrix_parameters:
            best = size
    return best


def size_of(parameters: int, vocabulary: int, family: Family, device: str = "cpu") -> Size:
    """The size with the number of parameters nearest to this: a rung's width, with up to twice or half its layers."""
    found = []
    for width, layers in _LADDER:
        context = _CONTEXT if width < 512 and device == "cpu" else _CONTEXT_LONG
        for depth in range(max(layers // 2, 1), 2 * layers + 1):
            size = Size(width, depth, context)
            off = abs(math.log(size.shape(family, vocabulary).parameters / parameters))
            # Of two as near, the one shaped like the ladder.
            found.append((round(off, 2), abs(depth - layers), size))
    return min(found, key=lambda candidate: candidate[:2])[2]


def batch_of(flops: float, tokens: float, size: Size, shape: Sized, device: str = "cpu") -> int:
    """Windows a step: more with more compute, but enough steps for the little text of a small network."""
    read = _readable(flops, tokens, shape)
    # Around 700 steps at the least; from there the batch grows with the square root of what is read.
    wanted = min(read / 700, _BATCH_TOKENS * max(math.sqrt(read / 2e6), 1.0))
    if device != "cpu":
        wanted = max(wanted, 16_384)
    wanted = min(max(wanted, 1024), _BATCH_TOKENS_MOST)
    return int(2 ** round(math.log2(wanted / size.context))) or 1


def _readable(flops: float, tokens: float, shape: Sized) -> float:
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
    rate: float = 1.0,
) -> Plan:
    """The plan for a model whose step of `batch` windows takes step_seconds, within `seconds`, on a corpus of `tokens`
    to train on. rate: a factor on the learning rates."""
    shape = size.shape(family, vocabulary)
    window = batch * size.context
    most = most_steps(tokens, window)
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
        matrix_rate=0.02 * rate,
        vector_rate=0.01 * rate,
        warmup=min(20, steps // 10),
        cooldown=steps * 2 // 3,
        precision=precision,
        minutes=minutes,
        threads=threads,
        compile=compile,
        neighbours=family.untrained,
        newest=family.untrained,
        teacher=min(tokens, TOKENS_MOST) // _TEACHER if family.untrained and device == "cpu" else 0,
    )


def most_steps(tokens: int, window: int) -> int:
    """Steps of `window` tokens that read a text of `tokens` as often as is of use."""
    return math.ceil(tokens * _MOST_EPOCHS / window)
