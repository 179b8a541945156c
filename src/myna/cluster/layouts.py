"""All ways to lay a model on the devices, which of them fit, and which is fastest."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from myna.cluster.memory import memory, stage_layers
from myna.cluster.timing import step
from myna.cluster.types import Device, Layout, Memory, Shape, Step
from myna.i18n import N_

FILL = 0.94
"""The share of a device's memory that a plan may use."""

Candidate = tuple[float, Layout, Step, Memory]


def _divisors(number: int, most: int) -> list[int]:
    return [n for n in range(1, min(number, most) + 1) if number % n == 0]


def layouts(shape: Shape, gpus: int, sequence: int, domain: int) -> Iterator[Layout]:
    """Every layout of exactly these devices: tensor parallelism within a domain (at most 8), pipelines up to 64."""
    for tensor in _divisors(gpus, min(8, domain)):
        for pipeline in _divisors(gpus // tensor, min(64, shape.layers)):
            for context in (1, 2, 4, 8, 16, 32):
                left = gpus // tensor // pipeline
                if left % context or sequence // context < min(sequence, 2048):
                    continue
                data = left // context
                for micro in (1, 2, 4, 8):
                    for recompute in ("none", "selective", "full") if not shape.flash else ("none", "full"):
                        one = Layout(tensor, pipeline, context, data, micro, 1, recompute, tensor > 1)
                        if pipeline == 1:
                            yield one
                            if data * context > 1:
                                yield replace(one, sharded=True)
                            continue
                        held = stage_layers(shape, pipeline)
                        for chunks in sorted({1, *(n for n in (2, 3, 4, held) if held % n == 0)}):
                            yield replace(one, chunks=chunks)


def unfit(shape: Shape, batch: int, layout: Layout) -> str | None:
    """Why a layout cannot be, before memory; None if it can."""
    if (
        shape.heads % layout.tensor
        or shape.hidden % layout.tensor
        or shape.kv_heads % min(layout.tensor, shape.kv_heads)
    ):
        return N_("attention heads do not divide by tensor parallelism")
    if stage_layers(shape, layout.pipeline) * layout.pipeline > 1.1 * shape.layers + 2:
        return N_("a tenth of the pipeline would stand idle, for the layers do not divide by its stages")
    if batch % (layout.data * layout.micro):
        return N_("the batch does not divide by data parallelism and micro batch")
    microbatches = batch // (layout.data * layout.micro)
    if layout.pipeline > 1 and microbatches < layout.pipeline:
        return N_("fewer micro batches than stages of the pipeline")
    if layout.chunks > 1 and microbatches % layout.pipeline:
        return N_("interleaving needs micro batches in multiples of the stages")
    return None


def search(
    shape: Shape, sequence: int, batch: int, gpus: int, device: Device, precision: str
) -> tuple[list[Candidate], dict[str, int]]:
    """The layouts that fit, the fastest first, and how many did not, by reason."""
    found: list[Candidate] = []
    rejected: Counter[str] = Counter()
    for layout in layouts(shape, gpus, sequence, device.domain):
        reason = unfit(shape, batch, layout)
        if reason is None:
            needed = memory(shape, sequence, layout, batch // (layout.data * layout.micro))
            if needed.total > FILL * device.memory:
                reason = N_("more memory needed than a device has")
            else:
                took = step(shape, sequence, batch, layout, device, precision)
                found.append((took.seconds, layout, took, needed))
        if reason is not None:
            rejected[reason] += 1
    found.sort(key=lambda one: (one[0], one[3].total))
    return found, dict(rejected)
