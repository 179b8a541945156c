"""From the click log of the links process to decisions of kind `click`: what counts, what does not and why, the charge.

A click counts if a reader made it (no program, no prefetch), on an ad that was shown, for the first time, within a day.
It costs the price of its auction, but never more than is left of the budgets, so no advertiser is ever overcharged,
whatever comes late. Clicks that do not count are kept and reported with their reason.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from myna.ads.clicklog import Line, read_from
from myna.ads.pacing import DAY

DOUBLE = 10_000
"""Milliseconds within which a second click on the same link is the same click."""


def judge(input: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of a click; a pure function of its logged input, so that any bill can be computed again.

    input: {"at", "kind", "shown_at", "price", "first", "last", "left", "left_today"}; times in milliseconds, money
    in micros; first, last: of earlier clicks on the same link, null for none; left_today null for no day budget.
    """
    why = _why_not(input)
    if why:
        return {"counted": False, "why": why, "charge": 0}
    most = [input["price"], input["left"]]
    if input["left_today"] is not None:
        most.append(input["left_today"])
    return {"counted": True, "why": "", "charge": max(min(most), 0)}


def _why_not(input: Mapping[str, Any]) -> str:
    if input["shown_at"] is None:
        return "unknown ad"
    if input["kind"] != "click":
        return str(input["kind"])
    if input["last"] is not None and abs(input["at"] - input["last"]) <= DOUBLE:
        return "double"
    if input["first"] is not None:
        return "repeat"
    if input["at"] < input["shown_at"] - 1_000:
        return "before it was shown"
    if input["at"] > input["shown_at"] + DAY:
        return "later than a day"
    return ""


def click_id(line: Line) -> str:
    """The decision id of a line: the same whenever the line is read, so that no kill makes two of one."""
    where = f"{line.file}\n{line.offset}\n{line.at}\n{line.decision}"
    return f"d{line.at:011x}{hashlib.blake2b(where.encode(), digest_size=6).hexdigest()}"


class Cursor:
    """How far each file of the click log has been read: clicks/read.json, written after what was read is in the log."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "clicks"
        self._path = self.directory / "read.json"
        self.offsets: dict[str, int] = {}
        self.malformed: Counter[str] = Counter()
        """Lines that could not be read, by file."""
        if self._path.exists():
            kept = json.loads(self._path.read_text())
            self.offsets, self.malformed = kept["offsets"], Counter(kept["malformed"])

    def fresh(self) -> list[Path]:
        """The files that have grown, the oldest first."""
        if not self.directory.is_dir():
            return []
        with os.scandir(self.directory) as found:
            grown = [
                entry.name
                for entry in found
                if entry.name.endswith(".jsonl") and entry.stat().st_size > self.offsets.get(entry.name, 0)
            ]
        return [self.directory / name for name in sorted(grown)]

    def lines(self, path: Path) -> list[Line]:
        """The new whole lines of a file; moves on behind them (in memory until `keep`)."""
        found = []
        for line, end in read_from(path, self.offsets.get(path.name, 0)):
            if line is None:
                self.malformed[path.name] += 1
            else:
                found.append(line)
            self.offsets[path.name] = end
        return found

    def keep(self) -> None:
        """Remembers how far was read, atomically."""
        temporary = self._path.with_name(f".read.json.{os.getpid()}")
        with temporary.open("w") as file:
            json.dump({"offsets": self.offsets, "malformed": dict(self.malformed)}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
