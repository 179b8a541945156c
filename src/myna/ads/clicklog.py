"""The local log of clicks: one file of JSON lines a day, written by the links process, read by `ingest`.

Durability: a line is handed to the operating system before the reader is redirected, so killing the process loses
nothing; it reaches the disk within 50 ms (one fsync for all lines of that time), so a power cut loses at most that.
The redirect never waits for the disk, and goes on when the disk is full: the lost lines are counted in /healthz.

Imported by the links process: nothing here may import the database or another part.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FLUSH = 0.05
"""Seconds until a line is on the disk."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request. kind: click, or what it was instead: head, prefetch, bot. at, issued: milliseconds.

    file, offset: where the line begins, which together with what it says makes it one of its kind for ever.
    """

    at: int
    kind: str
    campaign: str
    decision: str
    issued: int
    file: str = ""
    offset: int = 0


class ClickLog:
    """Appends lines. Safe for many threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "clicks"
        self.written = 0
        self.lost = 0
        self.trouble = ""
        self._lock = threading.Lock()
        self._day = ""
        self._descriptor = -1
        self._torn = False
        self._dirty = threading.Event()
        self._closing = False
        self._flusher = threading.Thread(target=self._flush_on, name="fsync", daemon=True)
        self._flusher.start()

    def append(self, line: Line) -> bool:
        """Keeps a line; False (and counted) where the disk refuses it."""
        body = {"at": line.at, "kind": line.kind, "c": line.campaign, "d": line.decision, "i": line.issued}
        data = json.dumps(body, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                descriptor = self._open(line.at)
                if self._torn:
                    data = b"\n" + data
                    self._torn = False
                written = os.write(descriptor, data)
                if written != len(data):
                    self._torn = True
                    raise OSError(f"only {written} of {len(data)} bytes were written")
            except OSError as error:
                self.lost += 1
                self.trouble = str(error)
                return False
            self.written += 1
            self.trouble = ""
        self._dirty.set()
        return True

    def close(self) -> None:
        """Everything on the disk, then closed."""
        self._closing = True
        self._dirty.set()
        self._flusher.join()

    def _open(self, at: int) -> int:
        day = time.strftime("%Y-%m-%d", time.gmtime(at / 1000))
        if day != self._day:
            self.directory.mkdir(parents=True, exist_ok=True)
            path = self.directory / f"{day}.jsonl"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            size = os.fstat(descriptor).st_size
            # A line cut off by a full disk or a power cut must not swallow the next one.
            self._torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            if self._descriptor >= 0:
                os.fsync(self._descriptor)
                os.close(self._descriptor)
            self._descriptor, self._day = descriptor, day
        return self._descriptor

    def _flush_on(self) -> None:
        while not self._closing:
            self._dirty.wait()
            time.sleep(_FLUSH / 2)
            self._dirty.clear()
            with self._lock:
                descriptor = os.dup(self._descriptor) if self._descriptor >= 0 else -1
            if descriptor >= 0:
                try:
                    os.fsync(descriptor)
                except OSError as error:
                    self.trouble = str(error)
                finally:
                    os.close(descriptor)


def read_from(path: Path, offset: int) -> Iterator[tuple[Line | None, int]]:
    """Whole lines of a file from a byte offset on: each line (None for one that cannot be read) and where it ends.

    A last line without its end is still being written, and left for the next time.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            begin, offset = offset, offset + len(raw)
            if raw.strip():
                yield _parse(raw, path.name, begin), offset


def _parse(raw: bytes, name: str, offset: int) -> Line | None:
    try:
        body = json.loads(raw)
        line = Line(body["at"], body["kind"], body["c"], body["d"], body["i"], name, offset)
    except (ValueError, KeyError, TypeError):
        return None
    whole = isinstance(line.at, int) and isinstance(line.issued, int)
    text = isinstance(line.kind, str) and isinstance(line.campaign, str) and isinstance(line.decision, str)
    return line if whole and text else None
