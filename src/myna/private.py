"""Files that only their owner may read: the secrets of an installation."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Writes a new file, durably, that only its owner may read. Raises FileExistsError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def beside(path: Path) -> Path:
    """A name of its own for a file that is to take the place of `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")


def keep_once(path: Path, content: bytes) -> None:
    """Makes a private file, whole or not at all: killed in between, no secret is left empty or half written. Where
    there is one already it holds, also where another process was first by a moment."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = beside(path)
    write_private(part, content)
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
