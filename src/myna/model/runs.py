"""Hashes of runs of ids, to find the same run again."""

import numpy as np
import numpy.typing as npt

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)


def run_hashes(ids: npt.ArrayLike, length: int) -> npt.NDArray[np.uint64]:
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


def run_starts(offsets: np.ndarray, lengths: np.ndarray, length: int) -> np.ndarray:
    """Where the runs of so many tokens begin that lie within one passage."""
    counts = np.maximum(lengths - length + 1, 0)
    before = np.cumsum(counts) - counts
    found: np.ndarray = np.repeat(offsets - before, counts) + np.arange(int(counts.sum()))
    return found
