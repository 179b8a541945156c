"""The training loop: from a plan and a corpus to weights, resumable at any step."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from myna.network import Progress, now_ms, quiet
from myna.training.checkpoint import Curve, load_checkpoint, save_checkpoint
from myna.training.gradients import Gradients
from myna.training.loss import summed_cross_entropy
from myna.training.machine import compile_layers, set_threads
from myna.training.optimizer import Optimizer
from myna.training.order import IGNORED, Order, held_out
from myna.training.plan import Plan, Size, make_plan
from myna.training.processes import Processes
from myna.training.types import Family, Text

_CHECKPOINT_EVERY = 15.0
"""Seconds."""
_MEASURES = 10
"""Measurements on held-out text over a run, on at most _MEASURED documents; the last is on all of them."""
_MEASURED = 300
_ROWS = 64


class Objective(nn.Module):
    """The model with its loss, so that one forward pass is what DDP and torch.compile wrap."""

    def __init__(self, model: nn.Module, end: int, precision: str) -> None:
        super().__init__()
        self.model: Any = model
        self._end = end
        self._kind = getattr(torch, precision)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The summed loss of targets (windows, context) after ids (windows, context)."""
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self._kind == torch.bfloat16):
            hidden = self.model.hidden(ids, self._end)
        learned = targets != IGNORED
        return summed_cross_entropy(hidden[learned], self.model.lm_head.weight, targets[learned], self._kind)


class Trainer:
    """A run under way. directory: holds `checkpoint.pt` and `curve.jsonl`; None for one that keeps nothing."""

    def __init__(
        self,
        plan: Plan,
        family: Family,
        text: Text,
        directory: Path | None = None,
        device: str = "cpu",
        processes: Processes | None = None,
        start: nn.Module | None = None,
    ) -> None:
        """start: a model to go on from instead of an untrained one, of the plan's shape."""
        self.plan, self.text, self.directory, self.device = plan, text, directory, device
        self.processes = processes or Processes()
        self.order = Order(text, plan.seed, plan.context)
        if start is None:
            shape = family.shape(plan.width, plan.layers, plan.vocabulary, plan.context)
            start = family.build(shape, plan.seed)
        self.model = start.to(device).train()
        self.step = 0
        # Windows are shared out among threads, or among processes; not both.
        shared = plan.threads if device == "cpu" and self.processes.size == 1 else 1
        set_threads(1 if shared > 1 else plan.threads)
        self.optimizer = Optimizer(self.model, plan, shared)
        objective: nn.Module = Objective(self.model, text.end, plan.precision)
        if plan.compile:
            compile_layers(self.model)
        self._objective = objective
        self._gradients = Gradients(objective, list(self.model.parameters()), shared)
        self._parallel: nn.Module | None = None
        if directory is not None:
            self._resume(directory)

    def _resume(self, directory: Path) -> None:
        state = load_checkpoint(directory / "checkpoint.pt")
        if state is not None:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]

    def save(self) -> None:
        """Keeps the state on disk. Training draws no random numbers, so the step says all the rest."""
        if self.directory is not None and self.processes.first:
            state: dict[str, Any] = {"model": self.model.state_dict(), "step": self.step}
            save_checkpoint(self.directory / "checkpoint.pt", state | {"optimizer": self.optimizer.state_dict()})

    def advance(self) -> float:
        """One step; returns this process's part of its mean loss in nats a token: over all processes they sum to it."""
        plan, processes = self.plan, self.processes
        ids, targets, count = self.order.batch(self.step, plan.batch, processes.share(plan.batch))
        if processes.size == 1:
            total = 0.0
            for begin in range(0, len(ids), plan.micro):
                part = slice(begin, begin + plan.micro)
                total += self._gradients.add(
                    self._tensor(ids[part]), self._tensor(targets[part]), 1.0 / max(count, 1)
                )  # fmt: skip
        else:
            total = self._distributed(ids, targets, count)
        self.optimizer.step(self.step)
        self.step += 1
        return total / max(count, 1)

    def _distributed(self, ids: np.ndarray, targets: np.ndarray, count: int) -> float:
        plan, processes = self.plan, self.processes
        if self._parallel is None:
            self._parallel = DistributedDataParallel(self._objective)
        total = 0.0
        for begin in range(0, len(ids), plan.micro):
            last = begin + plan.micro >= len(ids)
            with self._unsynchronised(last):
                part = slice(begin, begin + plan.micro)
                loss = self._parallel(self._tensor(ids[part]), self._tensor(targets[part]))
                # DDP averages over processes; the loss is the mean over all of the step's targets.
                (loss * (processes.size / max(count, 1))).backward()
            total += float(loss.detach())
        return total

    def _unsynchronised(self, last: bool) -> AbstractContextManager[Any]:
        if isinstance(self._parallel, DistributedDataParallel) and not last:
            return self._parallel.no_sync()
        return nullcontext()

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, non_blocking=True)

    @torch.no_grad()
    def bits_per_byte(self, most: int = 1 << 60) -> float | None:
        """Bits of surprise a byte of held-out text, on its newest `most` documents; None where there is none."""
        ids, targets, size = held_out(self.text, self.plan.context, most)
        if not size:
            return None
        part = self.processes.share(len(ids))
        ids, targets = ids[part], targets[part]
        nats = 0.0
        for begin in range(0, len(ids), _ROWS):
            rows = slice(begin, begin + _ROWS)
            longest = int((targets[rows] != IGNORED).any(0).nonzero()[0].max(initial=0)) + 1
            nats += self._gradients.loss(
                self._tensor(ids[rows, :longest]), self._tensor(targets[rows, :longest])
            )  # fmt: skip
        return self.processes.total(nats) / math.log(2) / size

    def run(self, progress: Progress = quiet, until: Callable[[], bool] = lambda: False) -> float | None:
        """All steps that are left; returns bits per byte at the end. until: asked after each step whether to stop."""
        plan, first = self.plan, self.processes.first
        curve = Curve(self.directory / "curve.jsonl", self.step) if self.directory is not None and first else None
        before = curve.seconds if curve else 0.0
        began = saved = time.monotonic()
        told = self.step
        losses: list[float] = []
        measured = max(plan.steps // _MEASURES, 1)
        while self.step < plan.steps:
            losses.append(self.advance())
            progress(self.step, plan.steps)
            measure = self.step % measured == 0 and self.step < plan.steps
            bits = self.bits_per_byte(_MEASURED) if measure else None
            now = time.monotonic()
            if measure or self.step - told >= max(plan.steps // 200, 1):
                # Each process has its own windows' part of the mean.
                loss = self.processes.total(sum(losses) / len(losses))
                self._point(curve, loss, bits, before + now - began)
                told, losses = self.step, []
            if now - saved > _CHECKPOINT_EVERY:
                self.save()
                saved = now
            if until():
                break
        bits = self.bits_per_byte() if self.step >= plan.steps else None
        if bits is not None:
            self._point(curve, None, bits, before + time.monotonic() - began)
        self.save()
        # DDP holds on to the process group; one that outlives the group's end aborts the process.
        self._parallel = None
        return bits

    def _point(self, curve: Curve | None, loss: float | None, bits: float | None, seconds: float) -> None:
        if curve is None:
            return
        tokens = self.step * self.plan.batch * self.plan.context
        point: dict[str, Any] = {"step": self.step, "steps": self.plan.steps, "tokens": tokens}
        if loss is not None:
            point["loss"] = round(loss, 4)
        if bits is not None:
            point["bits_per_byte"] = round(bits, 4)
        curve.add(**point, seconds=round(seconds, 2), at=now_ms())


def seconds_per_step(
    size: Size,
    batch: int,
    family: Family,
    text: Text,
    precision: str,
    device: str,
    processes: Processes,
    threads: int = 1,
    compile: bool = False,
) -> float:
    """What a step of such a model takes here: the median of a few, after one that warms up."""
    plan = make_plan(
        *(size, family, text.vocabulary, 1 << 30, batch, 1.0, 1.0, 0.0, precision, 0, device, threads, compile),
    )
    trainer = Trainer(plan, family, text, None, device, processes)
    timings = []
    for _ in range(4):
        began = time.perf_counter()
        trainer.advance()
        timings.append(time.perf_counter() - began)
    return sorted(timings[1:])[len(timings[1:]) // 2]
