"""From a number of devices and one dial to a whole plan."""

import math
from collections.abc import Callable
from dataclasses import replace

from myna.cluster.devices import device as find_device
from myna.cluster.failures import RATE, RESTART, failures
from myna.cluster.layouts import Candidate, search
from myna.cluster.shapes import params as weights_of
from myna.cluster.shapes import shaped, useful_flops
from myna.cluster.timing import checkpoint_bytes, mfu
from myna.cluster.types import Device, Layout, Plan, Shape
from myna.network import Problem

TOKENS_A_WEIGHT = 20.0
"""Of a model trained compute-optimally (Hoffmann et al. 2022, "Chinchilla")."""
SITE = 1.5
"""Power of a site over that of its devices: hosts, network, cooling. Llama-class halls draw about 1.4 to 1.7 times."""


def plan(
    gpus: int,
    gpu: str = "h100",
    *,
    gpu_days: float | None = None,
    days: float | None = None,
    params: float | None = None,
    tokens: float | None = None,
    shape: Shape | None = None,
    sequence: int = 4096,
    vocab: int = 65536,
    batch_tokens: float | None = None,
    layout: Layout | None = None,
    precision: str = "bf16",
    failure_rate: float = RATE,
    restart: float = RESTART,
    save: float | None = None,
    price: float | None = None,
) -> Plan:
    """The fastest run of so many devices.

    gpu_days is the one dial: the compute to spend, from which size and tokens follow (20 tokens a weight); days,
    params and tokens say the same in other words, and two of them may be given. Without any, 30 days. shape and layout
    take the place of what would be chosen. batch_tokens: of one step. failure_rate: interruptions of 1,000 node-days;
    restart, save: seconds. price: of one GPU-hour. Raises Problem for what cannot be.
    """
    device = find_device(gpu)
    _refuse_nonsense(gpus, sequence, vocab, precision, shape, layout)
    for name, value in (
        ("gpu_days", gpu_days), ("days", days), ("params", params), ("tokens", tokens), ("batch_tokens", batch_tokens)
    ):  # fmt: skip
        if value is not None and not 0 < value < 1e30:
            raise Problem(f"{name} must be more than 0, not {value:g}.")
    for name, value in (("failure_rate", failure_rate), ("restart", restart), ("save", save), ("price", price)):
        if value is not None and not 0 <= value < 1e12:
            raise Problem(f"{name} must be 0 or more, not {value:g}.")
    if gpu_days is not None and days is not None and not math.isclose(gpu_days, days * gpus, rel_tol=1e-6):
        raise Problem(f"{gpu_days:g} GPU-days are {gpu_days / gpus:g} days of {gpus} GPUs, not {days:g}; give one.")
    if days is not None:
        gpu_days = days * gpus
    if gpu_days is not None and (params or shape) and tokens:
        raise Problem("Compute, parameters and tokens follow from each other; give at most two of them.")
    if shape is not None:
        params = weights_of(shape)
    if gpu_days is None and (params is None and tokens is None):
        gpu_days = 30.0 * gpus
    # Size, tokens and speed depend on each other: from a usual MFU on until they agree.
    useful = 0.4
    made: Plan | None = None
    for _ in range(8):
        size, count = _size(gpus, device, gpu_days, params, tokens, useful)
        model = shape or shaped(size, vocab)
        before, made = (
            made,
            _planned(
                gpus,
                device,
                model,
                count,
                sequence,
                batch_tokens,
                layout,
                precision,
                (failure_rate, restart, save),
                price,
            ),
        )
        now = made.mfu * made.failures.goodput
        if gpu_days is None or (before and before.shape == made.shape and abs(now - useful) < 0.002):
            break
        useful = now
    assert made is not None
    if gpu_days is not None and tokens is None:  # sizes come in steps: the tokens take up what is left of the time
        made = _planned(
            gpus, device, made.shape, made.tokens * gpu_days / made.gpu_days, sequence, made.batch_tokens, layout,
            precision, (failure_rate, restart, save), price,
        )  # fmt: skip
    return made


def _size(
    gpus: int, device: Device, gpu_days: float | None, params: float | None, tokens: float | None, useful: float
) -> tuple[float, float]:
    """Weights and tokens. useful: the share of the peak, interruptions counted in."""
    if gpu_days is None:
        size = params or (tokens or 0.0) / TOKENS_A_WEIGHT
        return size, tokens or TOKENS_A_WEIGHT * size
    flops = gpu_days * 86400 * device.bf16 * useful
    if params is not None:
        return params, flops / (6 * params)
    if tokens is not None:
        return flops / (6 * tokens), tokens
    size = math.sqrt(flops / (6 * TOKENS_A_WEIGHT))
    return size, TOKENS_A_WEIGHT * size


def _batch(size: float, count: float, sequence: int, gpus: int, wanted: float | None) -> int:
    """Sequences of a step: as wanted, else after DeepSeek LLM's law (arXiv 2401.02954) within 0.25 to 16 million
    tokens; a power of two, or that times what makes it divide by the devices."""
    tokens = wanted or min(max(0.292 * (6 * size * count) ** 0.3271, 2**18), 2**24)
    if wanted:
        return max(1, round(tokens / sequence))
    sequences = 2 ** max(0, round(math.log2(tokens / sequence)))
    odd = gpus
    while odd % 2 == 0:
        odd //= 2
    if 1 < odd <= 4 * sequences:
        sequences = odd * 2 ** max(0, round(math.log2(sequences / odd)))
    return int(sequences)


def _planned(
    gpus: int,
    device: Device,
    shape: Shape,
    tokens: float,
    sequence: int,
    batch_tokens: float | None,
    layout: Layout | None,
    precision: str,
    interruptions: tuple[float, float, float | None],
    price: float | None,
) -> Plan:
    size = weights_of(shape)
    batch = _batch(size, tokens, sequence, gpus, batch_tokens)
    if layout is not None:
        found = _given(shape, sequence, batch, layout, device, precision)
        rejected: dict[str, int] = {}
    else:
        found, rejected = search(shape, sequence, batch, gpus, device, precision)
        if not found and batch_tokens is None:  # the batch that the law asks for can be too small for so many
            for more in (2, 4, 8, 16, 32, 64):
                found, rejected = search(shape, sequence, batch * more, gpus, device, precision)
                if found:
                    batch *= more
                    break
    if not found:
        said = "; ".join(f"{reason} ({count})" for reason, count in sorted(rejected.items(), key=lambda r: -r[1]))
        raise Problem(
            f"No layout of {size / 1e9:.3g}B parameters fits {gpus} {device.name}: {said or 'none divides'}. "
            "Take more devices, a smaller model or another batch."
        )
    seconds, chosen, took, needed = found[0]
    steps = max(1, math.ceil(tokens / (batch * sequence)))
    lost = failures(gpus, checkpoint_bytes(shape), steps * seconds, *interruptions)
    lasting = steps * seconds / lost.goodput / 86400
    useful = mfu(shape, sequence, batch, chosen, device, seconds)
    power = gpus * device.watts * SITE / 1000
    return Plan(
        gpus=gpus,
        gpu=device.name,
        precision=precision,
        shape=shape,
        params=size,
        tokens=tokens,
        sequence=sequence,
        batch_tokens=float(batch * sequence),
        steps=steps,
        flops=useful_flops(shape, sequence) * tokens,
        layout=chosen,
        memory=needed,
        memory_of=device.memory,
        step=took,
        mfu=useful,
        tflops=useful * device.bf16 / 1e12,
        tokens_per_second=batch * sequence / seconds,
        failures=lost,
        days=lasting,
        gpu_days=lasting * gpus,
        power_kw=power,
        energy_mwh=power * lasting * 24 / 1000,
        cost=None if price is None else price * lasting * 24 * gpus,
        rejected=rejected,
        others=tuple((other, each) for each, other, _, _ in _distinct(found)[1:4]),
    )


def _given(shape: Shape, sequence: int, batch: int, layout: Layout, device: Device, precision: str) -> list[Candidate]:
    from myna.cluster.layouts import unfit
    from myna.cluster.memory import memory
    from myna.cluster.timing import step

    if reason := unfit(shape, batch, layout):
        raise Problem(f"This layout cannot be: {reason}.")
    needed = memory(shape, sequence, layout, batch // (layout.data * layout.micro))
    took = step(shape, sequence, batch, layout, device, precision)
    return [(took.seconds, layout, took, needed)]


def _distinct(found: list[Candidate]) -> list[Candidate]:
    """The fastest of each way to split the devices."""
    key: Callable[[Layout], Layout] = lambda layout: replace(layout, micro=1, chunks=1, recompute="none")  # noqa: E731
    first: dict[Layout, Candidate] = {}
    for one in found:
        first.setdefault(key(one[1]), one)
    return list(first.values())


def _refuse_nonsense(
    gpus: int, sequence: int, vocab: int, precision: str, shape: Shape | None, layout: Layout | None
) -> None:
    if not 1 <= gpus <= 2_000_000:
        raise Problem(f"A plan needs between 1 and 2,000,000 GPUs, not {gpus:,}.")
    if not 16 <= sequence <= 16_777_216:
        raise Problem(f"A sequence has between 16 and 16,777,216 tokens, not {sequence:,}.")
    if not 256 <= vocab <= 2_000_000:
        raise Problem(f"A vocabulary has between 256 and 2,000,000 entries, not {vocab:,}.")
    if precision not in ("bf16", "fp8"):
        raise Problem(f"The precision is bf16 or fp8, not {precision!r}.")
    if layout is not None and layout.devices != gpus:
        raise Problem(f"The layout takes {layout.devices:,} devices, and the plan has {gpus:,}.")
    if layout is not None and layout.recompute not in ("none", "selective", "full"):
        raise Problem(f"What is recomputed is none, selective or full, not {layout.recompute!r}.")
    if shape is not None and min(shape.layers, shape.hidden, shape.heads, shape.kv_heads, shape.ffn, shape.vocab) < 1:
        raise Problem("Every size of a model's shape must be at least 1.")
