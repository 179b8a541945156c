"""What this machine does in a second, measured; and the plan that follows."""

import math
import time
from dataclasses import replace

import torch

from myna.training.dial import Dial
from myna.training.loop import seconds_per_step
from myna.training.machine import compiling, faster_precision, threads_here
from myna.training.plan import SMALLEST, Plan, Size, batch_of, choose_size, make_plan, most_steps, size_of
from myna.training.processes import Processes
from myna.training.types import Family, Text

_PROBE = Size(128, 3, 128)
_PROBE_BATCH = 16
_LEAST = 0.5
"""Of the time given, kept for the steps however long the timing takes."""


def calibrated_plan(
    family: Family,
    text: Text,
    seconds: float,
    minutes: float,
    seed: int,
    device: str,
    processes: Processes,
    dial: Dial = Dial(),
    began: float | None = None,
) -> Plan:
    """The plan for training on this text within `seconds`, on this machine, with these processes.

    A small model is timed to choose the size, then that size to count the steps. Every process takes part; the
    first one's plan is everybody's. dial: what is decided already; its tokens, where given, stand instead of seconds.
    began: the monotonic time from which `seconds` count; without it they begin when all is timed.
    """
    tokens, vocabulary = int(text.documents[text.train_documents]), text.vocabulary
    precision = processes.agree(faster_precision(device))
    # The most that this little text can teach, however fast the machine.
    taught = min(tokens, dial.tokens / 12) if dial.tokens else tokens
    size = choose_size(math.inf, taught, vocabulary, family, device)
    flops = math.inf
    if not (dial.tokens or dial.parameters or (dial.width and dial.layers)) and size.width > SMALLEST:
        probe = _PROBE.shape(family, vocabulary)
        batch = max(_PROBE_BATCH, processes.size)
        took, _ = _fastest(_PROBE, batch, family, text, precision, device, processes)
        flops = seconds * probe.flops_per_token * batch * _PROBE.context / took
        size = choose_size(flops, tokens, vocabulary, family, device)
    if dial.parameters:
        size = size_of(dial.parameters, vocabulary, family, device)
    size = Size(dial.width or size.width, dial.layers or size.layers, dial.context or size.context)
    batch = dial.batch or batch_of(flops, taught, size, size.shape(family, vocabulary), device)
    batch = max(batch, processes.size)
    took, threads = _fastest(size, batch, family, text, precision, device, processes)
    window = batch * size.context
    steps = math.ceil(dial.tokens / window) if dial.tokens else most_steps(tokens, window)
    compile = compiling(min(seconds, steps * took), device)
    if compile:
        here = (size, batch, family, text, precision, device, processes, threads)
        compiled = processes.agree(seconds_per_step(*here, compile=True))
        took, compile = min((took, False), (compiled, True))
    if began is not None:
        seconds = processes.agree(max(seconds - (time.monotonic() - began), seconds * _LEAST))
    plan = make_plan(
        *(size, family, vocabulary, tokens, batch, min(seconds, 1e12), took, minutes),
        *(precision, seed, device, threads, compile, dial.rate),
    )
    if dial.tokens:
        plan = replace(plan, steps=steps, warmup=min(20, steps // 10), cooldown=steps * 2 // 3)
    else:
        plan = replace(plan, seconds=seconds)
    decided: Plan = processes.agree(replace(plan, slices=dial.slices))
    return decided


def peak_flops(precision: str, device: str) -> float:
    """Floating-point operations a second of a large product of matrices here, with the threads that are set: what the
    share of the machine that training uses is measured against."""
    side = 768 if device == "cpu" else 8192
    a, b = (torch.ones(side, side, dtype=getattr(torch, precision), device=device) for _ in range(2))
    timings = []
    for _ in range(4):
        began = time.perf_counter()
        torch.mm(a, b)
        if device != "cpu":
            torch.cuda.synchronize(device)
        timings.append(time.perf_counter() - began)
    return 2.0 * side**3 / min(timings)


def _fastest(
    size: Size, batch: int, family: Family, text: Text, precision: str, device: str, processes: Processes
) -> tuple[float, int]:
    """Seconds a step, and the threads that give it: all, or one, which is faster for small models, and by far where
    others use the machine too (where there are several processes, threads wait for each other at every operation)."""
    ways = sorted({1, threads_here(processes.here)})
    here = (size, batch, family, text, precision, device, processes)
    timings = [(seconds_per_step(*here, threads), threads) for threads in ways]
    fastest: tuple[float, int] = processes.agree(min(timings))
    return fastest
