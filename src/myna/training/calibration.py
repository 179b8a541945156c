"""What this machine does in a second, measured; and the plan that follows."""

import math
import os

from myna.training.loop import seconds_per_step
from myna.training.machine import faster_precision, set_threads, threads_here
from myna.training.plan import SMALLEST, Plan, Size, batch_of, choose_size, make_plan
from myna.training.processes import Processes
from myna.training.types import Family, Text

_PROBE = Size(128, 3, 128)
_PROBE_BATCH = 16


def calibrated_plan(
    family: Family, text: Text, seconds: float, minutes: float, seed: int, device: str, processes: Processes
) -> Plan:
    """The plan for training on this text within `seconds`, on this machine, with these processes.

    A small model is timed to choose the size, then that size to count the steps. Every process takes part; the
    first one's plan is everybody's.
    """
    tokens, vocabulary = int(text.documents[text.train_documents]), text.vocabulary
    precision = processes.agree(faster_precision(device))
    # The most that this little text can teach, however fast the machine.
    size = choose_size(math.inf, tokens, vocabulary, family, device)
    flops = math.inf
    if size.width > SMALLEST:
        probe = _PROBE.shape(family, vocabulary)
        batch = max(_PROBE_BATCH, processes.size)
        took, _ = _fastest(_PROBE, batch, family, text, precision, device, processes)
        flops = seconds * probe.flops_per_token * batch * _PROBE.context / took
        size = choose_size(flops, tokens, vocabulary, family, device)
    batch = max(batch_of(flops, tokens, size, size.shape(family, vocabulary), device), processes.size)
    took, threads = _fastest(size, batch, family, text, precision, device, processes)
    compile = os.environ.get("MYNA_COMPILE", "") == "1"
    plan = make_plan(
        *(size, family, vocabulary, tokens, batch, seconds, took, minutes),
        *(precision, seed, device, threads, compile),
    )
    decided: Plan = processes.agree(plan)
    return decided


def _fastest(
    size: Size, batch: int, family: Family, text: Text, precision: str, device: str, processes: Processes
) -> tuple[float, int]:
    """Seconds a step, and the threads that give it: all, or one, which is faster for small models, and by far where
    others use the machine too (threads wait for each other at every operation)."""
    timings = []
    for threads in sorted({1, threads_here(processes.here)}):
        set_threads(threads)
        timings.append((seconds_per_step(size, batch, family, text, precision, device, processes), threads))
    fastest: tuple[float, int] = processes.agree(min(timings))
    return fastest
