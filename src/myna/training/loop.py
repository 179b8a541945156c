"""The training loop: from a plan and a corpus to weights, resumable at any step."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from myna.network import Problem, Progress, now_ms, quiet
from myna.training import sharding
from myna.training.checkpoint import Curve, checkpoints, load_checkpoint
from myna.training.gradients import Gradients
from myna.training.guard import SpikeGuard, gradient_norm, scale_gradients
from myna.training.keeping import Keeper, Keeping
from myna.training.loss import summed_cross_entropy
from myna.training.machine import compile_layers, peak_memory, set_threads
from myna.training.neighbours import neighbour_embeddings
from myna.training.optimizer import Optimizer
from myna.training.order import IGNORED, Order, held_out
from myna.training.plan import Plan, Size, make_plan, most_steps
from myna.training.processes import Processes
from myna.training.replicas import Replicas
from myna.training.slices import SlicedOrder
from myna.training.teacher import Teacher
from myna.training.types import Family, Text

_MEASURES = 10
"""Measurements on held-out text over a run, on at most _MEASURED documents; the last is on all of them."""
_MEASURED = 300
_ROWS = 64


class Objective(nn.Module):
    """The model with its loss, so that one forward pass is what DDP and torch.compile wrap."""

    def __init__(self, model: nn.Module, end: int, precision: str) -> None:
        super().__init__()
        self.model: Any = model
        self.teacher: Teacher | None = None
        self.share = 0.0
        """Of the targets, that the teacher says."""
        self._end = end
        self._kind = getattr(torch, precision)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The summed loss of targets (windows, context) after ids (windows, context)."""
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self._kind == torch.bfloat16):
            hidden = self.model.hidden(ids, self._end)
        learned, soft = targets != IGNORED, None
        if self.teacher is not None and self.share and torch.is_grad_enabled():
            tokens, chances = self.teacher.expects(ids.numpy(force=True), targets.numpy(force=True))
            soft = torch.from_numpy(tokens).to(ids.device), torch.from_numpy(self.share * chances).to(ids.device)
        return summed_cross_entropy(hidden[learned], self.model.lm_head.weight, targets[learned], self._kind, soft)


class Trainer:
    """A run under way. directory: holds `checkpoints/` and `curve.jsonl`; None for one that keeps nothing."""

    def __init__(
        self,
        plan: Plan,
        family: Family,
        text: Text,
        directory: Path | None = None,
        device: str = "cpu",
        processes: Processes | None = None,
        start: nn.Module | None = None,
        keeping: Keeping = Keeping(),
        peak: float = 0.0,
        shard: bool = False,
        replicas: Replicas | None = None,
    ) -> None:
        """start: a model to go on from instead of an untrained one, of the plan's shape. peak: floating-point
        operations a second of one process at best, to compare with; 0 where not measured. shard: each process
        holds a part of the model, instead of the whole. replicas: to share each step with, of one process each."""
        self.plan, self.text, self.directory, self.device = plan, text, directory, device
        self.processes = processes or Processes()
        self._family = family
        self.order: Order | SlicedOrder = Order(text, plan.seed, plan.context, plan.intended if plan.newest else 0)
        if plan.slices:
            self.order = SlicedOrder(text, plan.seed, plan.context, plan.batch, plan.steps, plan.slices)
        self._beginning = 0.0
        if start is None:
            shape = family.shape(plan.width, plan.layers, plan.vocabulary, plan.context)
            start = family.build(shape, plan.seed)
            if plan.neighbours and family.untrained and (directory is None or not checkpoints(directory)):
                self._begin(start)
        self.model = start.to(device).train()
        named = self.model.named_parameters(remove_duplicate=False)
        self._frozen = frozenset(name for name, parameter in named if not parameter.requires_grad)
        if self._frozen and shard:
            raise Problem("Adapters are trained with the whole model on each process; leave out --shard.", 422)
        if replicas is not None and (self.processes.size > 1 or shard):
            raise Problem("Each replica is one process with the whole model: leave out --shard, or --lighthouse.", 422)
        self.step = 0
        # Windows are shared out among threads, or among processes; not both.
        shared = plan.threads if device == "cpu" and self.processes.size == 1 else 1
        set_threads(1 if shared > 1 else plan.threads)
        self.guard = SpikeGuard()
        self._norm = 0.0
        self._keeping, self._peak = keeping, peak
        self._objective = Objective(self.model, text.end, plan.precision)
        self.sharded = shard and self.processes.size > 1
        if self.sharded:
            sharding.shard(self._objective, self.model.model.layers, device)  # type: ignore[arg-type, union-attr]
        self.optimizer = Optimizer(self.model, plan, shared)
        if plan.compile:
            compile_layers(self.model)
        self._gradients = Gradients(self._objective, shared)
        self._parallel: nn.Module | None = None
        if directory is not None:
            self._resume(directory)
        self.replicas = replicas
        if replicas is not None:
            replicas.join(self)

    @property
    def writes(self) -> bool:
        """Whether this process is the one that keeps checkpoints and the curve."""
        return self.processes.first if self.replicas is None else self.replicas.first

    def _begin(self, model: Any) -> None:
        """Lets the token embeddings begin with what the text's pairs of tokens say."""
        began = time.monotonic()
        table = model.model.embed_tokens.weight
        # What is forgotten from a later slice must have left nothing here.
        text = self.order.first if isinstance(self.order, SlicedOrder) else self.text
        found = neighbour_embeddings(text, len(table), table.shape[1], self.plan.seed)
        if found is not None:
            known = torch.from_numpy(found.any(1))
            with torch.no_grad():
                table[known] = torch.from_numpy(found)[known]
        self._beginning = time.monotonic() - began

    def _teach(self) -> None:
        """Has the teacher count what may be known at this step, and says how much of the targets is its."""
        objective = self._objective
        objective.share = self.plan.share(self.step)
        border = self.order.border(self.step) if isinstance(self.order, SlicedOrder) else self.text.train_documents
        if objective.share and (objective.teacher is None or objective.teacher.documents != border):
            objective.teacher = Teacher(self.text, self.plan.vocabulary, border)

    def _resume(self, directory: Path) -> None:
        state = load_checkpoint(directory)
        if state is not None:
            self.load_state_dict(state)
        if self.processes.agree(self.step) != self.step:
            raise Problem(
                f"This process found the state after step {self.step} in {directory}, the first process another. "
                "All of them must see the same home folder."
            )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps. Training draws no random numbers, so the step says all the rest."""
        weights = {name: tensor for name, tensor in self.model.state_dict().items() if name not in self._frozen}
        state: dict[str, Any] = {"model": weights, "optimizer": self.optimizer.state_dict()}
        return state | {"guard": self.guard.state_dict(), "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave, with whole tensors."""
        here = self.model.state_dict()
        weights = {name: sharding.divided_like(whole, here[name]) for name, whole in state["model"].items()}
        # What is not trained is not kept: it is as `start` brought it.
        self.model.load_state_dict(weights, strict=not self._frozen)
        self.optimizer.load_state_dict(state["optimizer"])
        sharding.load_divided(self.optimizer.parts)
        self.guard.load_state_dict(state["guard"])
        self.step = state["step"]

    def advance(self) -> float:
        """One step; returns this process's part of its mean loss in nats a token: over all processes they sum to it."""
        while (loss := self._attempt()) is None:
            self.model.zero_grad(set_to_none=True)  # a replica was lost; the others take the step again
        return loss

    def _attempt(self) -> float | None:
        plan, processes = self.plan, self.processes
        if self.replicas is not None:
            self.replicas.gather()
        self._teach()
        share = (self.replicas or processes).share(plan.batch)
        ids, targets, count = self.order.batch(self.step, plan.batch, share)
        if processes.size == 1:
            total = 0.0
            for begin in range(0, len(ids), plan.micro):
                part = slice(begin, begin + plan.micro)
                total += self._gradients.add(
                    self._tensor(ids[part]), self._tensor(targets[part]), 1.0 / max(count, 1)
                )  # fmt: skip
        else:
            total = self._distributed(ids, targets, count)
        if self.replicas is not None:
            summed = self.replicas.total(self.model, total)
            if summed is None:
                return None
            total = summed
        self._learn()
        self.step += 1
        return total / max(count, 1)

    def _distributed(self, ids: np.ndarray, targets: np.ndarray, count: int) -> float:
        plan, processes = self.plan, self.processes
        if self._parallel is None:
            self._parallel = self._objective if self.sharded else DistributedDataParallel(self._objective)
        total = 0.0
        # As many pieces on every process: they wait for each other in each.
        pieces = math.ceil(math.ceil(plan.batch / processes.size) / plan.micro)
        for piece in range(pieces):
            with self._unsynchronised(piece == pieces - 1):
                part = slice(piece * plan.micro, (piece + 1) * plan.micro)
                loss = self._parallel(*self._rows(ids[part], targets[part]))
                # DDP averages over processes; the loss is the mean over all of the step's targets.
                (loss * (processes.size / max(count, 1))).backward()
            total += float(loss.detach())
        return total

    def _learn(self) -> None:
        self._norm = gradient_norm(self.model)
        factor = self.guard.factor(self._norm)
        if factor == 0:
            self.model.zero_grad(set_to_none=True)
            return
        if factor < 1:
            scale_gradients(self.model, factor)
        self.optimizer.step(self.step)

    def _unsynchronised(self, last: bool) -> AbstractContextManager[Any]:
        if self.sharded:
            sharding.synchronise(self._objective, last)
        if isinstance(self._parallel, DistributedDataParallel) and not last:
            return self._parallel.no_sync()
        return nullcontext()

    def whole_model(self) -> nn.Module:
        """The model with whole weights; where it is divided, a copy of it, put together by all processes."""
        if not self.sharded:
            return self.model
        weights = sharding.whole_state(self.model)
        plan = self.plan
        whole = self._family.build(
            self._family.shape(plan.width, plan.layers, plan.vocabulary, plan.context), plan.seed
        )  # fmt: skip
        whole.load_state_dict(weights)
        return whole

    def _rows(self, ids: np.ndarray, targets: np.ndarray) -> tuple[Tensor, Tensor]:
        """On the device; where there is none, one row of which nothing is learned."""
        if not len(ids):
            ids, targets = np.full((1, 2), self.text.end), np.full((1, 2), IGNORED)
        return self._tensor(ids), self._tensor(targets)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, non_blocking=True)

    @torch.no_grad()
    def bits_per_byte(self, most: int = 1 << 60) -> float | None:
        """Bits of surprise a byte of held-out text, on its newest `most` documents; None where there is none."""
        ids, targets, size = held_out(self.text, self.plan.context, most)
        if not size:
            return None
        most_rows = math.ceil(len(ids) / self.processes.size)
        part = self.processes.share(len(ids))
        ids, targets = ids[part], targets[part]
        nats = 0.0
        for begin in range(0, most_rows, _ROWS):
            rows = slice(begin, begin + _ROWS)
            if not len(ids[rows]):
                if self.sharded:  # the others wait for this one at each layer
                    nats += self._gradients.loss(*self._rows(ids[rows], targets[rows]))
                continue
            longest = int((targets[rows] != IGNORED).any(0).nonzero()[0].max(initial=0)) + 1
            nats += self._gradients.loss(
                self._tensor(ids[rows, :longest]), self._tensor(targets[rows, :longest])
            )  # fmt: skip
        return self.processes.total(nats) / math.log(2) / size

    def run(
        self,
        progress: Progress = quiet,
        until: Callable[[], bool] = lambda: False,
        tell: Callable[[dict[str, Any]], None] = lambda point: None,
        changed: Callable[[Plan], None] = lambda plan: None,
        sample: Callable[[nn.Module], str] | None = None,
    ) -> float | None:
        """All steps that are left; returns bits per byte at the end.

        until: asked after each step whether to stop. tell: given each point of the curve, by the first process.
        changed: given a plan whose number of steps a look at the clock has changed, to keep it before it holds.
        sample: writes a little with the model as it is, for the curve.
        """
        first = self.writes
        measures = first or self.processes.size > 1
        curve = Curve(self.directory / "curve.jsonl", self.step) if self.directory is not None and first else None
        pace = _Pace(self, self._beginning + (curve.seconds if curve else 0.0))
        with Keeper(self, self._keeping) as keeper:
            told = self.step
            losses: list[float] = []
            while self.step < self.plan.steps:
                losses.append(self.advance())
                progress(self.step, self.plan.steps)
                measure = self.step % max(self.plan.steps // _MEASURES, 1) == 0 and self.step < self.plan.steps
                bits = self.bits_per_byte(_MEASURED) if measure and measures else None
                if measure or self.step - told >= max(self.plan.steps // 200, 1):
                    # Each process has its own windows' part of the mean.
                    loss = self.processes.total(sum(losses) / len(losses))
                    writes = measure and first and not self.sharded
                    written = sample(self.model) if writes and sample is not None else ""
                    self._point(curve, tell, pace, loss=round(loss, 4), bits=bits, sample=written)
                    told, losses = self.step, []
                self._look(pace, changed)
                keeper.after_step()
                if until():
                    break
            bits = self.bits_per_byte() if measures and self.step >= self.plan.steps else None
            if bits is not None:
                self._point(curve, tell, pace, bits=bits)
            keeper.save()
        # DDP holds on to the process group; one that outlives the group's end aborts the process.
        self._parallel = None
        return bits

    def _look(self, pace: "_Pace", changed: Callable[[Plan], None]) -> None:
        """Compares with the clock where that is due; the first process's clock is everybody's."""
        look = self.plan.next_look
        if look is None or self.step < look or self.step >= self.plan.steps:
            return
        most = most_steps(int(self.text.documents[self.text.train_documents]), self.plan.batch * self.plan.context)
        self.plan = self.processes.agree(self.plan.adjusted(self.step, pace.seconds, most))
        changed(self.plan)
        self.processes.wait()
        self.optimizer.plan = self.plan

    def _point(
        self,
        curve: Curve | None,
        tell: Callable[[dict[str, Any]], None],
        pace: "_Pace",
        loss: float | None = None,
        bits: float | None = None,
        sample: str = "",
    ) -> None:
        if not self.writes:
            return
        tokens = self.step * self.plan.batch * self.plan.context
        point: dict[str, Any] = {"step": self.step, "steps": self.plan.steps, "tokens": tokens}
        if loss is not None:
            point["loss"] = loss
            shared = self.processes.size if self.replicas is None else self.replicas.size
            point |= pace.measures(self._peak * shared)
            # Of the last step. The vectors' rate; the matrices' is in the same proportion to its own.
            point["learning_rate"] = self.plan.vector_rate * self.plan.rate(self.step - 1)
            if math.isfinite(self._norm):  # JSON knows no infinity
                point["gradient_norm"] = round(self._norm, 5)
        if bits is not None:
            point["bits_per_byte"] = round(bits, 4)
        point |= {name: count for name in ("clipped", "skipped") if (count := getattr(self.guard, name))}
        point |= {"peak_memory": peak_memory(), "seconds": round(pace.seconds, 2), "at": now_ms()}
        if self.replicas is not None:
            point["replicas"] = self.replicas.size  # that took part in the last step
        if sample:
            point["sample"] = sample
        if curve is not None:
            curve.add(**point)
        tell(point)


class _Pace:
    """How fast a run goes. before: seconds it took until now, in processes that are gone."""

    def __init__(self, trainer: Trainer, before: float) -> None:
        self._trainer = trainer
        self._began = time.monotonic() - before
        self._last = (trainer.step, time.monotonic())

    @property
    def seconds(self) -> float:
        """Since the run's first step, pauses left out."""
        return time.monotonic() - self._began

    def measures(self, peak: float) -> dict[str, float]:
        """Tokens a second since the last call, seconds left at that pace, and the share of `peak` that is used."""
        step, at = self._last
        plan, now = self._trainer.plan, time.monotonic()
        self._last = (self._trainer.step, now)
        speed = (self._trainer.step - step) * plan.batch * plan.context / max(now - at, 1e-9)
        left = (plan.steps - self._trainer.step) * plan.batch * plan.context / max(speed, 1e-9)
        found = {"tokens_per_second": round(speed, 1), "left": round(left, 1)}
        return found | ({"mfu": round(speed * plan.flops_per_token / peak, 4)} if peak else {})


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
    trainer = Trainer(replace(plan, neighbours=False, newest=False, teacher=0), family, text, None, device, processes)
    timings = []
    for _ in range(4):
        began = time.perf_counter()
        trainer.advance()
        timings.append(time.perf_counter() - began)
    return sorted(timings[1:])[len(timings[1:]) // 2]
