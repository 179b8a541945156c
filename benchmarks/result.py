"""What a benchmark hands back, and how `myna bench` prints it.

A benchmark is a file benchmarks/NAME.py with a function

    def run(data: Path | None, quick: bool) -> Iterator[Row]

that yields its rows as they are measured. `data` is the folder or file given by --data or --file, else None: then it
takes MYNA_DATA where that is set, and a simulated network otherwise.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Row:
    """One measured line. peers: the same measure of others in the same run. asked: the figure asked for, None if none.

    more_is_better decides what `holds` means.
    """

    what: str
    unit: str
    ours: float
    peers: dict[str, float] = field(default_factory=dict)
    asked: float | None = None
    more_is_better: bool = True

    @property
    def holds(self) -> bool | None:
        """Whether ours reaches what was asked; None where nothing was."""
        if self.asked is None:
            return None
        return self.ours >= self.asked if self.more_is_better else self.ours <= self.asked
