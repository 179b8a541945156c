"""When a run's state is kept: often enough that a kill costs a few steps, seldom enough that nobody notices."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from myna.training.checkpoint import Saver
from myna.training.sharding import ShardedSaver

if TYPE_CHECKING:
    from myna.training.loop import Trainer


@dataclass(frozen=True, slots=True)
class Keeping:
    """How often the state is kept: after `steps`, or `seconds` where steps are long.

    share: of the time, that training may stand still for it; where state is so large that it would be more, it is kept
    less often. A first second is free.
    """

    steps: int = 5
    seconds: float = 15.0
    share: float = 0.015


class Keeper:
    """Decides when a checkpoint is due and hands it to the disk's thread. Processes but the first keep nothing."""

    def __init__(self, trainer: "Trainer", keeping: Keeping) -> None:
        self._trainer, self._keeping = trainer, keeping
        self._borders = frozenset(getattr(trainer.order, "borders", ()))
        """Steps whose state stays: to go back to, where something learned after them is to be forgotten."""
        self._saver: Saver | ShardedSaver | None = None
        if trainer.directory is not None and trainer.sharded:
            self._saver = ShardedSaver(trainer.directory, trainer.processes, trainer.step, self._borders)
        elif trainer.directory is not None and trainer.writes:
            self._saver = Saver(trainer.directory, trainer.step, self._borders)
        self._began = self._at = time.monotonic()
        self._step = trainer.step
        self._stood = 0.0

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(self, *_: object) -> None:
        if self._saver is not None:
            self._saver.close()

    def after_step(self) -> None:
        """Begins a checkpoint if one is due; waits for the one before only where too much would be lost."""
        if self._saver is None:
            return
        now, step, keeping = time.monotonic(), self._trainer.step, self._keeping
        due = step - self._step >= keeping.steps or now - self._at >= keeping.seconds
        border = step in self._borders
        due = due and self._stood <= 1 + keeping.share * (now - self._began)
        if isinstance(self._saver, ShardedSaver):
            # All take part or none: the first one's clock is everybody's, and it is asked every few steps only.
            due = step % max(keeping.steps, 1) == 0 and self._trainer.processes.agree(due)
        if not due and not border:
            return
        late = step - self._saver.step >= 2 * keeping.steps - 1
        if self._saver.busy and not late and not border:
            return
        self.save(wait=False)
        self._stood += time.monotonic() - now

    def save(self, wait: bool = True) -> None:
        """Begins a checkpoint of the state as it is, and waits for it if asked to."""
        if self._saver is None:
            return
        self._at, self._step = time.monotonic(), self._trainer.step
        self._saver.save(self._trainer.step, self._trainer.state_dict())
        if wait:
            self._saver.wait()
