"""What this machine does in a second, measured; and the plan that follows."""

import math
import os

from myna.corpus import Corpus
from myna.training.loop import seconds_per_step
from myna.training.machine import faster_precision
from myna.training.plan import SMALLEST, Plan, batch_of, choose_shape, make_plan, shape_of
from myna.training.processes import Processes

_PROBE = (128, 3)
_PROBE_BATCH = 16


def calibrated_plan(
    corpus: Corpus, seconds: float, minutes: float, seed: int, device: str, processes: Processes
) -> Plan:
    """The plan for training on this corpus within `seconds`, on this machine, with these processes.

    A small model is timed to choose the size, then that size to count the steps. Every process takes part; the
    first one's plan is everybody's.
    """
    described = corpus.description
    precision = processes.agree(faster_precision(device))
    # The most that this little text can teach, however fast the machine.
    shape = choose_shape(math.inf, described.train_tokens, described.vocabulary, device)
    flops = math.inf
    if shape.width > SMALLEST:
        probe = shape_of(*_PROBE, described.vocabulary, 128)
        batch = max(_PROBE_BATCH, processes.size)
        took = processes.agree(seconds_per_step(probe, batch, corpus, precision, device, processes))
        flops = seconds * probe.flops_per_token * batch * probe.context / took
        shape = choose_shape(flops, described.train_tokens, described.vocabulary, device)
    batch = max(batch_of(flops, described.train_tokens, shape, device), processes.size)
    took = processes.agree(seconds_per_step(shape, batch, corpus, precision, device, processes))
    compile = os.environ.get("MYNA_COMPILE", "") == "1"
    plan = make_plan(
        shape, batch, seconds, took, described.train_tokens, minutes, precision, seed, device, compile
    )  # fmt: skip
    return processes.agree(plan)
