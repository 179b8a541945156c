"""Training with the model's weights, gradients and optimizer state divided among the processes (FSDP2).

Applied from outside: the model knows nothing of it. Each layer is gathered when it is computed and let go after it; the
rest (embedding, last norm, head) is one more part. Checkpoints are folders of torch.distributed.checkpoint that each
process writes its part of, in the background; they are read by any number of processes, also by one that shards
nothing.

Rajbhandari et al. 2020, arXiv 1910.02054 (ZeRO); Zhao et al. 2023, arXiv 2304.11277 (FSDP).
"""

import json
import shutil
import warnings
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint import FileSystemReader  # type: ignore[attr-defined]
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict
from torch.distributed.checkpoint.state_dict_saver import async_save
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from myna.network import Problem
from myna.training.checkpoint import remove_older
from myna.training.processes import Processes


def shard(objective: nn.Module, layers: nn.ModuleList, device: str) -> None:
    """Divides the parameters inside `objective`, whose forward pass is training's, among all processes."""
    mesh = init_device_mesh(torch.device(device).type, (dist.get_world_size(),))
    for layer in layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(objective, mesh=mesh)


def synchronise(objective: nn.Module, last: bool) -> None:
    """Whether the next backward pass shares its gradients: only a step's last one needs to."""
    assert isinstance(objective, FSDPModule)
    objective.set_requires_gradient_sync(last)


def divided_like(whole: dict[Any, Any] | torch.Tensor, model: torch.Tensor) -> Any:
    """This process's part of a whole tensor, divided as `model` is; itself where `model` is not divided."""
    if isinstance(model, DTensor) and isinstance(whole, torch.Tensor) and whole.shape == model.shape:
        return distribute_tensor(whole.to(model.device), model.device_mesh, model.placements)
    return whole


def load_divided(optimizers: list[torch.optim.Optimizer]) -> None:
    """Divides optimizer state that was loaded whole, as its parameters are."""
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            for name, value in state.items():
                if not isinstance(value, DTensor):
                    state[name] = divided_like(value, parameter)


def whole_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """A model's weights with every tensor whole, in main memory, on every process. All processes take part."""
    state = model.state_dict()
    return {n: (t.full_tensor() if isinstance(t, DTensor) else t).detach().cpu() for n, t in state.items()}


class ShardedSaver:
    """Writes checkpoints in the background, each process its part; all processes call it alike. step: the newest
    durable one."""

    def __init__(
        self, directory: Path, processes: Processes, step: int = 0, keep: frozenset[int] = frozenset()
    ) -> None:
        self.step = step
        self._directory, self._processes, self._keep = directory, processes, keep
        # The writing talks between processes too; in training's own group the two would wait for each other for ever.
        self._group = dist.new_group(backend="gloo")
        self._under_way: tuple[int, Future[Any]] | None = None

    @property
    def busy(self) -> bool:
        """Whether one is being written, on any process."""
        under_way = self._under_way is not None and not self._under_way[1].done()
        if self._processes.total(float(under_way)):
            return True
        self.wait()
        return False

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Begins to write, when the one before is written."""
        self.wait()
        folder = self._directory / "checkpoints" / f"{step:08d}"
        if self._processes.first:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._processes.wait()
        tensors = {"model": state["model"], "optimizer": _named(state["optimizer"])}
        rest = {"guard": state["guard"], "step": state["step"], "groups": _groups(state["optimizer"])}
        tensors["rest"] = {"json": json.dumps(rest)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            begun = async_save(tensors, checkpoint_id=folder, process_group=self._group)
        assert isinstance(begun, Future)
        self._under_way = (step, begun)

    def wait(self) -> None:
        """Until what was begun is durable on all processes."""
        if self._under_way is None:
            return
        (step, under_way), self._under_way = self._under_way, None
        try:
            under_way.result()
        except Exception as error:
            raise Problem(f"A checkpoint could not be written to {self._directory}: {error}.") from error
        self.step = step
        if self._processes.first:
            remove_older(self._directory, self._keep)

    def close(self) -> None:
        """Waits."""
        self.wait()


def _named(optimizer: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        f"{part}.{parameter}.{name}": value
        for part, state in enumerate(optimizer)
        for parameter, values in state["state"].items()
        for name, value in values.items()
    }


def _groups(optimizer: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [state["param_groups"] for state in optimizer]


def read_sharded(folder: Path) -> dict[str, Any]:
    """A checkpoint folder with whole tensors, as a `Trainer` keeps its state; by one process for itself."""
    flat: dict[str, Any] = {}
    planner = _EmptyStateDictLoadPlanner()  # type: ignore[no-untyped-call]
    _load_state_dict(flat, FileSystemReader(folder), planner=planner, no_dist=True)
    rest = json.loads(flat["rest"]["json"])
    optimizer: list[dict[str, Any]] = [{"state": {}, "param_groups": groups} for groups in rest["groups"]]
    for key, value in flat.get("optimizer", {}).items():
        part, parameter, name = key.split(".", 2)
        optimizer[int(part)]["state"].setdefault(int(parameter), {})[name] = value
    return {"model": flat["model"], "optimizer": optimizer, "guard": rest["guard"], "step": rest["step"]}
