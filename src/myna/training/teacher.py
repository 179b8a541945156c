"""A teacher that has read more than a short run can: which tokens followed the last one, two and three, as counted.

A run of minutes reads some of the text once or twice; counting all of it takes seconds. What an n-gram model so counted
expects, by interpolated absolute discounting (Ney, Essen and Kneser 1994; Chen and Goodman 1999), is learned beside the
token that came, which is distillation (Hinton, Vinyals and Dean 2015, arXiv 1503.02531) from a teacher that
costs next to nothing. Each place is left out of what is counted for it: a run of tokens said only once teaches nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from myna.training.order import IGNORED
from myna.training.types import Text

TOKENS_MOST = 20_000_000
"""Of the newest text, counted."""
_FOLLOWERS = (256, 64, 32)
"""The most frequent ones that are taught after the last token, the last two, and the last three."""
_DISCOUNT = 0.75
_Ids = npt.NDArray[np.int64]
_Chances = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Order:
    """Runs of one length, by number, and what followed them.

    totals: (runs,) float32, how often anything did. distinct: (runs,) float32, how many different tokens.
    first: (runs + 1,) int64, where each one's `followers` and `counts` begin, the most frequent first; beyond all lies
    some room. longer: sorted, run * vocabulary + token, of each run one longer, whose number is its place there.
    """

    totals: _Chances
    distinct: _Chances
    first: _Ids
    followers: _Ids
    counts: _Chances
    longer: _Ids


class Teacher:
    """Counted on the first `documents` of a text, as it is now: a pure function of them."""

    def __init__(self, text: Text, vocabulary: int, documents: int) -> None:
        self.documents = documents
        begin, last = int(text.documents[0]), int(text.documents[documents])
        begin = max(begin, last - TOKENS_MOST)
        self._end, self._pad, self._vocabulary = text.end, text.pad, vocabulary
        tokens = np.asarray(text.tokens[begin:last]).astype(np.int64)
        learned = np.asarray(text.learn[begin:last]).astype(bool) & (tokens != text.pad)
        self._orders: list[_Order] = []
        runs, count = self._single(tokens), vocabulary
        for most in _FOLLOWERS:
            order, runs = self._counted(tokens, learned, runs, count, most)
            self._orders.append(order)
            count = max(len(order.longer), 1)

    def expects(self, ids: np.ndarray, targets: np.ndarray) -> tuple[_Ids, _Chances]:
        """What may come at each place that is learned: tokens (places, n), some of them twice and those of chance 0 of
        no meaning, and their chances (places, n), which sum to less than 1 where the rest was not counted.

        ids, targets: (windows, context), as `Order.batch` gives them.
        """
        at = targets != IGNORED
        target = targets[at][:, None]
        runs, found = self._single(ids), []
        for order in self._orders:
            found.append(runs[at])
            runs = self._longer(order, runs, ids)
        left = np.ones(len(target), np.float32)
        tokens = np.empty((len(target), sum(_FOLLOWERS)), np.int64)
        chances = np.empty(tokens.shape, np.float32)
        end = tokens.shape[1]
        for order, run, most in zip(reversed(self._orders), reversed(found), reversed(_FOLLOWERS), strict=True):
            follower, chance = tokens[:, end - most : end], chances[:, end - most : end]
            end -= most
            of = np.maximum(run, 0)
            known = (run >= 0) & (order.totals[of] > 1)
            first = order.first[of]
            there = np.arange(most) < np.where(known, order.first[of + 1] - first, 0)[:, None]
            follower[:] = sliding_window_view(order.followers, most)[first]
            chance[:] = sliding_window_view(order.counts, most)[first]
            # Without this place itself, where it was counted.
            own, rank = np.nonzero((follower == target) & there)
            total, distinct = order.totals[of], order.distinct[of]
            total[own] -= 1
            distinct[own] -= chance[own, rank] == 1
            chance[own, rank] -= 1
            total = np.maximum(total, 1)
            chance -= _DISCOUNT
            np.maximum(chance, 0, out=chance)
            chance *= (left / total)[:, None]
            chance *= there
            left = np.where(known, left * np.minimum(_DISCOUNT * distinct / total, 1), left)
        return tokens, chances

    def _single(self, tokens: np.ndarray) -> _Ids:
        """Runs of one token, whose number is the token's; -1 for what is deleted."""
        runs: _Ids = np.where(tokens == self._pad, -1, tokens)
        return runs

    def _longer(self, order: _Order, runs: _Ids, ids: np.ndarray) -> _Ids:
        """The runs one longer than `runs` that end at each of ids (windows, context), by number; -1 for none."""
        found = np.full(ids.shape, -1, np.int64)
        if not len(order.longer):
            return found
        keys = runs[:, :-1] * self._vocabulary + ids[:, 1:]
        place = np.minimum(np.searchsorted(order.longer, keys), len(order.longer) - 1)
        found[:, 1:] = np.where((order.longer[place] == keys) & (runs[:, :-1] >= 0), place, -1)
        return found

    def _counted(
        self, tokens: _Ids, learned: npt.NDArray[np.bool_], runs: _Ids, count: int, most: int
    ) -> tuple[_Order, _Ids]:
        """What follows each of `count` runs, of which number `runs` ends at each token; and the runs one longer."""
        vocabulary = self._vocabulary
        at = np.flatnonzero((runs[:-1] >= 0) & (tokens[1:] != self._pad))
        keys, inverse = np.unique(runs[at] * vocabulary + tokens[at + 1], return_inverse=True)
        counts = np.bincount(inverse, learned[at + 1], len(keys))
        run, token = keys // vocabulary, keys % vocabulary
        totals = np.bincount(run, counts, count)
        distinct = np.bincount(run, counts > 0, count)
        # Said by one place only, a run teaches no place; and no run goes on over the border of a document.
        often = (counts > 1) & (token != self._end)
        number = np.where(often, np.cumsum(often) - 1, -1)
        longer = np.full(len(tokens), -1, np.int64)
        longer[at + 1] = number[inverse]
        taught = np.flatnonzero((counts > 0) & (totals[run] > 1))
        taught = taught[np.lexsort((-counts[taught], run[taught]))]
        starts = np.searchsorted(run[taught], np.arange(count))
        taught = taught[np.arange(len(taught)) - starts[run[taught]] < most]
        first = np.searchsorted(run[taught], np.arange(count + 1))
        order = _Order(
            totals.astype(np.float32),
            distinct.astype(np.float32),
            first,
            np.pad(token[taught], (0, most)),  # so that `most` places can be looked at from any
            np.pad(counts[taught], (0, most)).astype(np.float32),
            keys[often],
        )
        return order, longer
