"""A run's state on disk, replaced whole: a kill at any moment leaves the one before or the one after."""

import json
import os
from pathlib import Path
from typing import Any

import torch

from myna.network import Problem


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file; durable on return."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Replaces the checkpoint; durable on return."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The last checkpoint, or None. Raises Problem for one that cannot be read."""
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        raise Problem(f"The checkpoint {path} cannot be read ({error}). Remove it; training begins anew.") from error
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
