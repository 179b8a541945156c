"""Replicas: one run by several processes that each hold the whole model, of which any may be lost at any moment.

torchft keeps them together. Its lighthouse, a small server, tells before each step who takes part. Each replica takes
its share of the step's windows, gradients are summed over all, and the step is taken only where that sum came about;
else those who are left take the same step again. Windows depend on the seed and the step alone, so no text is lost or
read twice. One that joins late takes weights, optimizer, guard and step from a peer's memory before its first step.

One of them, whichever holds a lock in the home folder, is the first: it prepares, measures, keeps checkpoints and
publishes. When it is lost, another takes its place.
"""

import logging
import socket
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import torch
import torch.distributed as dist
from torch import nn

from myna.network import Problem

if TYPE_CHECKING:
    from myna.training.loop import Trainer

_PATIENCE = timedelta(seconds=60)
"""For a peer that stands still within a step. One that is killed is noticed at once, by its closed connection."""
_GATHERING = timedelta(minutes=10)
"""For all to come to the next step, while the first one measures."""
_ATTEMPTS = 3
"""At asking the lighthouse, before it is given up."""


class Replicas:
    """This replica among those that a lighthouse knows. A context manager, open as long as it trains.

    first: whether this is the one that writes. size: how many took part in the last step.
    """

    def __init__(self, lighthouse: str, lock: Path) -> None:
        """lighthouse: HOST:PORT. lock: the file whose holder is the first. Raises Problem where torchft is missing, or
        no lighthouse answers."""
        try:
            import torchft  # noqa: F401
        except ImportError as error:
            raise Problem("Replicas need torchft: pip install 'myna[torchft]'.") from error
        host, _, port = lighthouse.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise Problem(f"A lighthouse is given as HOST:PORT, not {lighthouse!r}.", 422)
        try:
            socket.create_connection((host.strip("[]"), int(port)), 10).close()
        except OSError as error:
            raise Problem(
                f"No lighthouse answers at {lighthouse} ({error}). Start one: torchft_lighthouse --min_replicas 1."
            ) from error
        self.size = 1
        self.first = False
        self._rank = 0
        self._lighthouse = lighthouse
        self._lock = filelock.FileLock(lock)
        self._manager: Any = None

    def __enter__(self) -> "Replicas":
        return self

    def __exit__(self, *_: object) -> None:
        if self._manager is not None:
            self._manager.shutdown(wait=False)
        self._lock.release()

    def lead(self, wait: bool = False) -> bool:
        """Becomes the first, if no other is or as soon as no other is; returns whether it is."""
        if not self.first:
            try:
                self._lock.acquire(timeout=-1 if wait else 0)
            except filelock.Timeout:
                return False
            self.first = True
        return True

    def join(self, trainer: "Trainer") -> None:
        """Enters a trainer, at the step where its checkpoint left it."""
        from torchft import Manager, ProcessGroupGloo, ProcessGroupNCCL

        # What goes wrong between replicas is what all this is for, and comes with pages of traces.
        logging.getLogger("torchft").setLevel(logging.CRITICAL)
        host = socket.gethostname()
        # The others meet at this store when this replica is the oldest of them.
        self._store = dist.TCPStore(host, 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
        group = (ProcessGroupGloo if trainer.device == "cpu" else ProcessGroupNCCL)(timeout=_PATIENCE)
        try:
            self._manager = Manager(
                pg=group,
                load_state_dict=trainer.load_state_dict,
                state_dict=trainer.state_dict,
                min_replica_size=1,
                use_async_quorum=False,
                timeout=_PATIENCE,
                quorum_timeout=_GATHERING,
                connect_timeout=timedelta(seconds=10),
                quorum_retries=_ATTEMPTS,
                rank=0,
                world_size=1,
                store_addr=host,
                store_port=self._store.port,
                hostname=host,
                lighthouse_addr=f"http://{self._lighthouse}",
                replica_id="myna",
            )
        except (RuntimeError, TimeoutError) as error:
            raise Problem(f"The lighthouse at {self._lighthouse} cannot be joined: {error}.") from error
        self._manager.load_state_dict({"step": trainer.step, "batches_committed": 0})

    def gather(self) -> None:
        """Waits for all who take part in the next step, and takes a peer's state where this replica's is older."""
        try:
            self._manager.start_quorum()
        except (RuntimeError, TimeoutError) as error:
            raise Problem(
                f"The lighthouse at {self._lighthouse} no longer answers ({error}). Start it and then this command "
                "again; the run goes on from its last checkpoint."
            ) from error
        self._rank, self.size = self._manager.participating_rank() or 0, max(self._manager.num_participants(), 1)

    def share(self, count: int) -> slice:
        """This replica's part of `count` things."""
        return slice(count * self._rank // self.size, count * (self._rank + 1) // self.size)

    def total(self, model: nn.Module, loss: float) -> float | None:
        """Sums the gradients, and this loss, over all replicas; returns the loss, or None where one was lost meanwhile
        and the step is not to be taken."""
        due = [parameter for parameter in model.parameters() if parameter.requires_grad]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in due]
        row = torch.cat([*(part.flatten() for part in parts), parts[0].new_tensor([loss])])
        self._manager.allreduce(row, reduce_op=dist.ReduceOp.SUM).wait()
        if not self._manager.should_commit():
            return None
        *sums, loss_sum = torch.split(row, [*(parameter.numel() for parameter in due), 1])
        for parameter, gradient in zip(due, sums, strict=True):
            parameter.grad = gradient.view_as(parameter)
        return float(loss_sum)
