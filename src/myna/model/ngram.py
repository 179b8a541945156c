"""A peer to measure the transformer against: an n-gram model with interpolated, modified Kneser-Ney smoothing.

Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling": three discounts per order,
and lower orders count in how many different contexts a run was seen. Runs are known by 64-bit hashes; NumPy only.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from myna.model.runs import run_hashes

ORDER = 5
_Keys = npt.NDArray[np.uint64]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Order:
    """Runs of one length: their keys, sorted, with what each has left after the discount over its context's total; and
    contexts with the share that goes to the next shorter ones."""

    runs: _Keys
    chances: _Floats
    contexts: _Keys
    left: _Floats


class NGram:
    """Fitted to a row of tokens in which each document begins with `end`; no run reaches back beyond it."""

    def __init__(self, tokens: np.ndarray, end: int, vocabulary: int, order: int = ORDER) -> None:
        self._end, self._vocabulary = end, vocabulary
        row, place = _placed(tokens, end)
        hashes = [_ending(row, length) for length in range(order + 2)]
        self._orders = [_order(hashes, place, length, length == order) for length in range(1, order + 1)]

    def bits(self, tokens: np.ndarray) -> _Floats:
        """(tokens + 1,) bits of surprise of each token after those before it in its document, and of the end after
        the last; the first is never asked for and 0."""
        row, place = _placed(tokens, self._end)
        chance = np.full(len(row), 1 / self._vocabulary)
        for length, order in enumerate(self._orders, 1):
            runs, contexts = _ending(row, length), np.roll(_ending(row, length - 1), 1)
            told = place >= length - 1
            left, known = _looked_up(order.contexts, order.left, contexts)
            own, _ = _looked_up(order.runs, order.chances, runs)
            chance = np.where(told & known, own + left * chance, chance)
        bits: _Floats = -np.log2(chance)
        bits[0] = 0.0
        return bits


def _placed(tokens: np.ndarray, end: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The tokens and a last end, and how far each lies behind the end before it: 0 for the very first."""
    row = np.append(np.asarray(tokens, np.int64), end)
    at = np.arange(len(row))
    begins = np.maximum.accumulate(np.where(row == end, at, 0))
    place = np.zeros(len(row), np.int64)
    place[1:] = at[1:] - begins[:-1]
    return row, place


def _ending(row: np.ndarray, length: int) -> _Keys:
    """(tokens,) a key for the run of so many tokens that ends at each; 0 where there is none."""
    keys = np.zeros(len(row), np.uint64)
    if 0 < length <= len(row):
        keys[length - 1 :] = run_hashes(row, length)
    return keys


def _order(hashes: list[_Keys], place: npt.NDArray[np.int64], length: int, highest: bool) -> _Order:
    asked = place >= 1
    if highest:
        at = np.flatnonzero(asked & (place >= length - 1))
    else:
        # One for each different token before the run; at a document's beginning nothing stands before it.
        longer = np.flatnonzero(asked & (place >= length))
        _, first = np.unique(hashes[length + 1][longer], return_index=True)
        at = np.concatenate([longer[first], np.flatnonzero(asked & (place == length - 1))])
    runs, first, counts = np.unique(hashes[length][at], return_index=True, return_counts=True)
    before = np.roll(hashes[length - 1], 1)[at[first]]
    contexts, where = np.unique(before, return_inverse=True)
    totals = np.bincount(where, counts, len(contexts))
    discounts = _discounts(counts)[np.minimum(counts, 3)]
    left = np.bincount(where, discounts, len(contexts)) / totals
    return _Order(runs, (counts - discounts) / totals[where], contexts, left)


def _discounts(counts: npt.NDArray[np.int64]) -> _Floats:
    """(4,) what is taken from a count of 0, 1, 2, and more."""
    n1, n2, n3, n4 = (max(int((counts == number).sum()), 1) for number in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    found = np.array([0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    bounded: _Floats = np.clip(found, [0, 0.05, 0.05, 0.05], [0, 0.95, 1.9, 2.9])
    return bounded


def _looked_up(keys: _Keys, values: _Floats, asked: _Keys) -> tuple[_Floats, npt.NDArray[np.bool_]]:
    """The values of these keys, 0 for those not there, and which are there."""
    places = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    known = keys[places] == asked
    return np.where(known, values[places], 0.0), known
