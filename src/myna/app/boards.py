"""A run's curve as event files, for TensorBoard. Needs the package `tensorboard` (`pip install 'myna[tensorboard]'`);
without it nothing is written and training goes on.

    home/models/language/run/tensorboard/        of the run under way
    home/models/language/VERSION/tensorboard/    of a published version
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"
_SCALARS = (
    "loss", "bits_per_byte", "tokens_per_second", "mfu", "learning_rate", "gradient_norm", "peak_memory",
)  # fmt: skip


class Board:
    """The event files of one run. Goes on from a step: readers take what was written after it for undone. kept: the
    curve's points so far; what a run killed after its last step measures again at that step is not written twice."""

    def __init__(self, directory: Path, step: int, kept: Iterable[dict[str, Any]] = ()) -> None:
        self._kept = {(point["step"], name) for point in kept if point["step"] <= step for name in point}
        self._writer = _writer(directory, step)

    def __call__(self, point: dict[str, Any]) -> None:
        """Writes a point of the curve, durably enough to be watched; passes over what is none."""
        if self._writer is None or "step" not in point:
            return
        step, at = point["step"], point["at"] / 1000
        for name in _SCALARS:
            if name in point and (step, name) not in self._kept:
                self._writer.add_scalar(name, point[name], step, at)
        if point.get("sample"):
            self._writer.add_text("sample", point["sample"], step, at)
        self._writer.flush()

    def close(self) -> None:
        """Ends its thread and its file."""
        if self._writer is not None:
            self._writer.close()


def _writer(directory: Path, step: int) -> "SummaryWriter | None":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # tensorboard, or what it needs, is not installed
        return None
    return SummaryWriter(str(directory), purge_step=step + 1)
