"""The training loop: plan, data order, optimizer, checkpoints, distribution.

with joined() as processes:                                  # one, or as many as torchrun started
    plan = calibrated_plan(corpus, seconds=120, minutes=3, seed=0, device=pick_device(), processes=processes)
    Trainer(plan, corpus, directory, pick_device(), processes).run()      # killed, it resumes at the same bits
"""

from myna.training.calibration import calibrated_plan, peak_flops
from myna.training.checkpoint import (
    Curve,
    Saver,
    checkpoint_path,
    checkpoints,
    load_checkpoint,
    read_checkpoint,
    read_curve,
    save_checkpoint,
    write_atomically,
)
from myna.training.dial import Dial
from myna.training.guard import SpikeGuard
from myna.training.keeping import Keeper, Keeping
from myna.training.loop import Trainer, seconds_per_step
from myna.training.lora import adapt, merge, rank_for
from myna.training.machine import available_memory, faster_precision, pick_device, set_threads, threads_here
from myna.training.order import IGNORED, Order, held_out
from myna.training.plan import Plan, Size, batch_of, choose_size, make_plan
from myna.training.processes import Processes, joined
from myna.training.replicas import Replicas
from myna.training.slices import SlicedOrder, go_back, slice_documents
from myna.training.types import Family, Sized, Text

__all__ = [
    "IGNORED",
    "Curve",
    "Dial",
    "Family",
    "Keeper",
    "Keeping",
    "Order",
    "Plan",
    "Processes",
    "Replicas",
    "Saver",
    "Size",
    "Sized",
    "SlicedOrder",
    "SpikeGuard",
    "Text",
    "Trainer",
    "adapt",
    "available_memory",
    "batch_of",
    "calibrated_plan",
    "checkpoint_path",
    "checkpoints",
    "choose_size",
    "faster_precision",
    "go_back",
    "held_out",
    "joined",
    "load_checkpoint",
    "make_plan",
    "merge",
    "peak_flops",
    "pick_device",
    "rank_for",
    "read_checkpoint",
    "read_curve",
    "save_checkpoint",
    "seconds_per_step",
    "set_threads",
    "slice_documents",
    "threads_here",
    "write_atomically",
]
