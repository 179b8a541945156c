"""The nouns of a plan: a device, a model's shape, a layout, and what a run of it takes."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator, as bought. FLOP/s dense; memory in bytes; bandwidths in bytes/s, of one direction.

    achieved: the best bf16 matrix product measured on it (MAMF). inside: to the others of its domain (NVLink and the
    like), of `domain` devices. outside: its share of the network between domains. watts: of the device alone.
    """

    name: str
    bf16: float
    achieved: float
    fp8: float
    memory: float
    memory_speed: float
    inside: float
    outside: float
    domain: int
    watts: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder-only transformer. gated: SwiGLU (three matrices) rather than two; flash: fused attention, which never
    writes its scores; causal: whether attention skips what lies ahead, in time and in what is counted as useful."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    ffn: int
    vocab: int
    gated: bool = True
    flash: bool = True
    causal: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model lies on the devices: tensor, pipeline, context and data parallel; sequences of a micro batch; chunks
    of layers a stage holds (interleaving); recompute: none, selective (attention) or full; sequence_parallel: the rest
    of a layer is split over the tensor group too; sharded: ZeRO-3 / FSDP instead of ZeRO-1."""

    tensor: int
    pipeline: int
    context: int
    data: int
    micro: int = 1
    chunks: int = 1
    recompute: str = "selective"
    sequence_parallel: bool = True
    sharded: bool = False

    @property
    def devices(self) -> int:
        """How many it takes."""
        return self.tensor * self.pipeline * self.context * self.data


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the fullest device: weights, gradients, optimizer, activations, and room for the rest."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    other: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.other


@dataclass(frozen=True, slots=True)
class Step:
    """Seconds of one optimizer step, by what they go to; those hidden behind others are not in it."""

    matmul: float
    elementwise: float
    tensor: float
    context: float
    pipeline: float
    bubble: float
    data: float
    optimizer: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return (
            self.matmul + self.elementwise + self.tensor + self.context
            + self.pipeline + self.bubble + self.data + self.optimizer
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failures:
    """What interruptions cost. Seconds; goodput: the share of time that moves the training on."""

    mtti: float
    save: float
    restart: float
    every: float
    goodput: float
    expected: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A run as planned. days: of calendar time, interruptions included. rejected: layouts by the reason they were not
    taken. others: the next best. power_kw of the site; energy_mwh; cost in the user's money, None unasked."""

    gpus: int
    gpu: str
    precision: str
    shape: Shape
    params: float
    tokens: float
    sequence: int
    batch_tokens: float
    steps: int
    flops: float
    layout: Layout
    memory: Memory
    memory_of: float
    step: Step
    mfu: float
    tflops: float
    tokens_per_second: float
    failures: Failures
    days: float
    gpu_days: float
    power_kw: float
    energy_mwh: float
    cost: float | None
    rejected: dict[str, int] = field(default_factory=dict)
    others: tuple[tuple[Layout, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; sums included."""
        found = asdict(self)
        found["memory"]["total"] = self.memory.total
        found["step"]["seconds"] = self.step.seconds
        for name, value in found["failures"].items():
            if value == float("inf"):  # JSON knows no infinity: without failures there is no time between them
                found["failures"][name] = None
        found["others"] = [{"layout": asdict(layout), "seconds": seconds} for layout, seconds in self.others]
        return found
