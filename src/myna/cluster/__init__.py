"""Planning training runs on many devices: what they would take, from closed forms checked against published runs.

    made = plan(1024, "h100", gpu_days=10_000)
    made.params, made.tokens, made.layout, made.memory.total, made.mfu, made.days, made.failures.goodput
    print(describe(made))

`RUNS` are the published runs; `benchmarks/plan.py` prints ours beside each.
"""

from myna.cluster.describing import describe
from myna.cluster.devices import DEVICES, device
from myna.cluster.failures import failures
from myna.cluster.memory import memory
from myna.cluster.planning import plan
from myna.cluster.published import RUNS, Run
from myna.cluster.timing import mfu, step
from myna.cluster.types import Device, Failures, Layout, Memory, Plan, Shape, Step

__all__ = [
    "DEVICES",
    "RUNS",
    "Device",
    "Failures",
    "Layout",
    "Memory",
    "Plan",
    "Run",
    "Shape",
    "Step",
    "describe",
    "device",
    "failures",
    "memory",
    "mfu",
    "plan",
    "step",
]
