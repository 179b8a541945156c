"""What a source hands over, and the report of what became of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from myna.network import Fact, Person

MERGED = "\x00merged"
"""The outcome of a record whose content went into another record's fact (a long post's full text)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of a file, in order, and what became of each.

    outcomes: for each record its fact, or the reason (a few words, from a bounded set, for they are counted) why there
    is none, or MERGED. first: the number of the first record as a person counts, from 1. numbers: of each record,
    where they do not simply follow each other (lines). authors: people who must exist; those who do stay as they are.
    beside: facts that come along with no record of their own. notes: things said of records that were kept.
    share: how much of the file is read by now, in [0, 1].
    """

    outcomes: list[Fact | str]
    first: int = 1
    numbers: list[int] | None = None
    authors: list[Person] = field(default_factory=list)
    beside: list[Fact] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    share: float = 1.0

    def number(self, index: int) -> int:
        """The number of the record at this index of `outcomes`."""
        return self.numbers[index] if self.numbers else self.first + index


@dataclass(frozen=True, slots=True)
class Part:
    """One file to be brought in. role: what it holds. unit: what its records are called (row, line, record).

    batches raises a Problem, or one of `container.UNREADABLE`, where the rest of the file cannot be read.
    digest: of all its outcome depends on; "" for none taken, then the file is read each time.
    """

    name: str
    role: str
    unit: str
    size: int
    batches: Iterator[Batch]
    unused: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file.

    read = new + known + merged + the sum of skipped. beside: facts kept with no record of their own (authors without
    a profile, consents). skipped: reason -> records; first: the same reasons -> where each was met first ("line 17").
    notes: what was said of records that were kept. unused: columns nothing was taken from. problem: why the file, or
    its rest, could not be read, and what to do; "" for none.
    """

    name: str
    role: str
    read: int = 0
    new: int = 0
    known: int = 0
    merged: int = 0
    beside: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import did. kind: neutral, x or mastodon. ignored: files of the folder or archive that were not read."""

    kind: str
    source: str
    files: tuple[FileReport, ...]
    ignored: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        """Records read."""
        return sum(file.read for file in self.files)

    @property
    def new(self) -> int:
        """Facts new to the log."""
        return sum(file.new for file in self.files)

    @property
    def known(self) -> int:
        """Facts that the log held already, or holds a tombstone for."""
        return sum(file.known for file in self.files)

    @property
    def skipped(self) -> dict[str, int]:
        """Records that became no fact, by reason."""
        total: Counter[str] = Counter()
        for file in self.files:
            total.update(file.skipped)
        return dict(total)

    @property
    def problems(self) -> tuple[str, ...]:
        """The files that could not be read whole, one sentence each."""
        return tuple(f"{file.name}: {file.problem}" for file in self.files if file.problem)

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "kind": self.kind,
            "source": self.source,
            "read": self.read,
            "new": self.new,
            "known": self.known,
            "skipped": self.skipped,
            "files": [{**asdict(file), "unused": list(file.unused)} for file in self.files],
            "ignored": list(self.ignored),
        }
