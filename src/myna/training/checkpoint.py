"""A run's state on disk, written while training goes on; a kill at any moment leaves the last whole one.

    run/checkpoints/00000040.pt      one file, from a run whose processes all hold the whole model
    run/checkpoints/00000040/        a folder, from a run whose model is sharded; its `.metadata` is written last
    run/curve.jsonl

A checkpoint is written under another name, flushed to disk, then renamed; the newest two are kept, so that even a disk
that lies about flushing leaves one to go back to.
"""

import json
import os
import pickle
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from myna.network import Problem

_KEPT = 2


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file; durable on return."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def checkpoints(directory: Path) -> list[Path]:
    """The whole checkpoints of a run, the newest first; what a kill cut short is not among them."""
    found = [path for path in (directory / "checkpoints").glob("[0-9]*") if _whole(path)]
    return sorted(found, key=lambda path: path.name.removesuffix(".pt"), reverse=True)


def _whole(path: Path) -> bool:
    return (path / ".metadata").exists() if path.is_dir() else path.suffix == ".pt"


def checkpoint_path(directory: Path, step: int) -> Path:
    """Where the state after `step` steps is kept."""
    return directory / "checkpoints" / f"{step:08d}.pt"


def save_checkpoint(directory: Path, step: int, state: dict[str, Any], keep: frozenset[int] = frozenset()) -> None:
    """Adds a checkpoint, durable on return, and removes all but the newest two and the steps in `keep`."""
    path = checkpoint_path(directory, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name("unfinished.pt")
    torch.save(state, partial)
    _flush(partial)
    partial.replace(path)
    _flush(path.parent)
    remove_older(directory, keep)


def remove_older(directory: Path, keep: frozenset[int] = frozenset()) -> None:
    """Removes all checkpoints but the newest two and the steps in `keep`, and folders that a kill left unfinished."""
    whole = checkpoints(directory)
    for path in whole[_KEPT:]:
        if int(path.name.removesuffix(".pt")) not in keep:
            _remove(path)
    for path in (directory / "checkpoints").glob("[0-9]*"):
        if whole and path.name < whole[0].name and not _whole(path):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        # First what says that it is whole: a kill in between must not leave half a folder that looks like one.
        (path / ".metadata").unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load_checkpoint(directory: Path) -> dict[str, Any] | None:
    """The newest checkpoint of a run that can be read, or None where it has none. Raises Problem if none can be
    read."""
    problem: Exception | None = None
    for path in checkpoints(directory):
        try:
            return read_checkpoint(path)
        except (RuntimeError, ValueError, EOFError, OSError, pickle.UnpicklingError) as error:
            problem = problem or error
    if problem is not None:
        raise Problem(
            f"No checkpoint under {directory / 'checkpoints'} can be read ({problem}). "
            "Remove them; training begins anew."
        ) from problem
    return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """One checkpoint, of either kind, with whole tensors."""
    if path.is_dir():
        from myna.training.sharding import read_sharded

        return read_sharded(path)
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


class Saver:
    """Writes checkpoints in a thread of its own, one at a time. What is given to it may change at once: it has copies.

    step: the newest step whose checkpoint is durable.
    """

    def __init__(self, directory: Path, step: int = 0, keep: frozenset[int] = frozenset()) -> None:
        self.step = step
        self._directory = directory
        self._keep = keep
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._under_way: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether one is being written. Raises what went wrong with the one before."""
        if self._under_way is not None and self._under_way.done():
            self.wait()
        return self._under_way is not None

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Begins to write, when the one before is written."""
        self.wait()
        copied: dict[str, Any] = _copied(state, {})
        self._under_way = self._thread.submit(self._write, step, copied)

    def _write(self, step: int, state: dict[str, Any]) -> None:
        save_checkpoint(self._directory, step, state, self._keep)
        self.step = step

    def wait(self) -> None:
        """Until what was begun is durable. Raises Problem if the disk would not take it."""
        if self._under_way is None:
            return
        under_way, self._under_way = self._under_way, None
        try:
            under_way.result()
        except (OSError, RuntimeError) as error:
            raise Problem(f"A checkpoint could not be written to {self._directory}: {error}.") from error

    def close(self) -> None:
        """Waits, and ends the thread."""
        self.wait()
        self._thread.shutdown()


def _copied(state: Any, seen: dict[tuple[int, torch.Size], torch.Tensor]) -> Any:
    """The same structure with copies of its tensors in main memory; tied weights are copied once."""
    if isinstance(state, torch.Tensor):
        place = (state.data_ptr(), state.shape)
        if place not in seen or not state.numel():
            seen[place] = state.detach().to("cpu", copy=True)
        return seen[place]
    if isinstance(state, dict):
        return {name: _copied(part, seen) for name, part in state.items()}
    if isinstance(state, list | tuple):
        return [_copied(part, seen) for part in state]
    return state


class Curve:
    """The training curve: one JSON object a line, appended as training goes on."""

    def __init__(self, path: Path, step: int) -> None:
        """Goes on from a step: points after it belong to work a kill undid."""
        self._path = path
        points = [point for point in read_curve(path) if point["step"] <= step]
        write_atomically(path, b"".join(json.dumps(point).encode() + b"\n" for point in points))
        self.seconds = float(points[-1]["seconds"]) if points else 0.0

    def add(self, **point: Any) -> None:
        """Appends a point."""
        with self._path.open("ab") as file:
            file.write(json.dumps(point).encode() + b"\n")


def read_curve(path: Path) -> list[dict[str, Any]]:
    """The points of a curve; a line cut short by a kill is left out."""
    if not path.exists():
        return []
    points = []
    for line in path.read_bytes().split(b"\n"):
        try:
            point = json.loads(line) if line else None
        except ValueError:
            continue
        if isinstance(point, dict):
            points.append(point)
    return points
