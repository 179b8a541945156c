"""What a training run's manifest says besides its plan: the code, the libraries and the machine, and how it is read."""

import hashlib
import json
import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

import myna
from myna.network import Problem

_NEEDED = ("plan", "dial", "corpus", "processes")


@cache
def source_hash() -> str:
    """The hash of this package's Python files: the same code has the same."""
    root = Path(myna.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def described_machine() -> dict[str, Any]:
    """Versions and the machine, as a manifest has them."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    machine = {"device": device, "cores": os.cpu_count(), "system": platform.platform()}
    return {
        "myna": myna.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": machine,
    }


def read_manifest(path: Path) -> dict[str, Any]:
    """A run's manifest. Raises Problem for a file that is none."""
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        missing = [name for name in _NEEDED if name not in body]
    except (OSError, ValueError, TypeError) as error:
        raise Problem(f"The manifest {path} cannot be read: {error}.") from error
    if missing:
        raise Problem(f"{path} is no manifest of a training run: it does not say {', '.join(missing)}.")
    return body


def keep(path: Path, body: dict[str, Any]) -> None:
    """Writes a JSON file, durable on return."""
    from myna.training import write_atomically

    write_atomically(path, json.dumps(body, indent=1).encode())
