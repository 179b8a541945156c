"""Whose words are not to be repeated: runs of tokens that only one or two people ever wrote.

A model can know a rare text by heart, however it was trained (Carlini et al. 2021, arXiv 2012.07805). What it writes is
therefore held against hashes of all runs of training text that fewer than three authors share, and a token that would
complete one is not chosen (as in Ippolito et al. 2023, arXiv 2210.17546, with hashes in the place of a Bloom filter).
Only 32 bits of each hash are kept: a false alarm (two in a thousand among ten million runs) costs one token its place,
no more, and the words cannot be read back. The hashes stay when a post is deleted: the model may still know it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from myna.network import Problem

RUN = 7
"""Tokens in a row that may not be repeated: about 25 characters, since a token may be a phrase."""
SHARED_BY = 3
"""Authors from which a run is common language."""

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
FILE = "verbatim.npy"


def run_hashes(ids: npt.ArrayLike, length: int = RUN) -> npt.NDArray[np.uint64]:
    """(len(ids) - length + 1,) a hash of every run of so many ids; empty where there are fewer."""
    row = np.asarray(ids).astype(np.uint64) + np.uint64(1)
    count = len(row) - length + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    found = np.zeros(count, np.uint64)
    for place in range(length):
        found *= _BASE
        found += row[place : place + count]
    found ^= found >> np.uint64(32)
    found *= _MIX
    found ^= found >> np.uint64(32)
    return found


class Verbatim:
    """Runs that may not be repeated. hashes: (runs,) uint32, sorted."""

    def __init__(self, hashes: npt.NDArray[np.uint32]) -> None:
        self.hashes = hashes

    def __call__(self, history: Sequence[int], id: int) -> bool:
        """Whether this id, written after the history (what was asked included), would complete such a run."""
        if len(history) < RUN - 1:
            return False
        return self.holds([*history[1 - RUN :], id])

    def holds(self, ids: Sequence[int]) -> bool:
        """Whether any run of these ids may not be repeated."""
        found = _short(run_hashes(ids))
        places = np.minimum(np.searchsorted(self.hashes, found), max(len(self.hashes) - 1, 0))
        return bool(len(self.hashes)) and bool((self.hashes[places] == found).any())

    def together(self, other: "Verbatim") -> "Verbatim":
        """What either of the two does not let be repeated."""
        return Verbatim(np.union1d(self.hashes, other.hashes))

    def save(self, directory: Path) -> None:
        """Writes `verbatim.npy`."""
        np.save(directory / FILE, self.hashes)

    @classmethod
    def load(cls, directory: Path) -> "Verbatim":
        """Reads what `save` wrote, as a map of the file. Raises Problem where it cannot."""
        try:
            return cls(np.load(directory / FILE, mmap_mode="r"))
        except (OSError, ValueError) as error:
            raise Problem(f"{directory / FILE} cannot be read: {error}. Train again with `myna train`.") from error


def find_verbatim(
    tokens: np.ndarray, offsets: np.ndarray, lengths: np.ndarray, authors: np.ndarray, shared_by: int = SHARED_BY
) -> Verbatim:
    """Of passages at offsets (passages,) of tokens (tokens,), by authors (passages,) numbered: the runs that fewer than
    so many of them share."""
    starts = run_starts(offsets, lengths, RUN)
    owner = np.repeat(authors.astype(np.uint32), np.maximum(lengths - RUN + 1, 0))
    found = _short(run_hashes(tokens)[starts]) if len(starts) else np.zeros(0, np.uint32)
    # A run and one of its authors as one number: sorted, each pair once, then counted by run.
    pairs = np.unique(found.astype(np.uint64) << np.uint64(32) | owner)
    runs, by = np.unique((pairs >> np.uint64(32)).astype(np.uint32), return_counts=True)
    return Verbatim(runs[by < shared_by])


def run_starts(offsets: np.ndarray, lengths: np.ndarray, length: int) -> np.ndarray:
    """Where the runs of so many tokens begin that lie within one passage."""
    counts = np.maximum(lengths - length + 1, 0)
    before = np.cumsum(counts) - counts
    found: np.ndarray = np.repeat(offsets - before, counts) + np.arange(int(counts.sum()))
    return found


def _short(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
    return (hashes >> np.uint64(32)).astype(np.uint32)
