"""Which tokens a step reads: a pure function of the seed and the step, for any number of processes.

Each epoch shuffles the documents and packs them end to end; windows of `context` tokens are cut from that row. No
loader has a state to keep, so a run resumes at any step by its number alone.
"""

from functools import lru_cache

import numpy as np

from myna.training.types import Text

IGNORED = -100
"""As a target: do not learn this one."""
_READINGS = 2
"""Of the newest text, by a run that cannot read all of it so often: better than more of it once, since later posts are
most like the latest (docs/log.md)."""


class Order:
    """The training text in the order a seed gives."""

    def __init__(self, text: Text, seed: int, context: int, tokens: int = 0) -> None:
        """tokens: how many will be read; where they are too few to read the text twice, its newest end is the text. 0:
        all of it."""
        self._text = text
        self._seed = seed
        self.context = context
        self._starts = text.documents[: text.train_documents + 1]
        if tokens:
            first = int(np.searchsorted(self._starts, self._starts[-1] - tokens // _READINGS, side="right")) - 1
            self._starts = self._starts[min(max(first, 0), len(self._starts) - 2) :]
        self._lengths = np.diff(self._starts)
        # A window needs one token more than it teaches; less text than that is read round and round.
        self.windows = max(int((self._starts[-1] - self._starts[0] - 1) // context), 1)
        self._epoch = lru_cache(2)(self._shuffled)

    def _shuffled(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Documents in an epoch's order, and where each ends in the packed row."""
        random = np.random.Generator(np.random.Philox(key=[self._seed, epoch]))
        documents = random.permutation(len(self._lengths))
        return documents, np.cumsum(self._lengths[documents])

    def window(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The tokens read and to be predicted of the run's window `number`: two (context,) int64; IGNORED where not."""
        epoch, place = divmod(number, self.windows)
        documents, ends = self._epoch(epoch)
        total = int(ends[-1])
        wanted = self.context + 1
        ids = np.empty(wanted, np.int64)
        learn = np.empty(wanted, bool)
        filled, at = 0, place * self.context
        while filled < wanted:
            at %= total
            document = int(np.searchsorted(ends, at, side="right"))
            left = int(ends[document]) - at
            take = min(left, wanted - filled)
            begin = int(self._starts[documents[document] + 1]) - left
            ids[filled : filled + take] = self._text.tokens[begin : begin + take]
            learn[filled : filled + take] = self._text.learn[begin : begin + take]
            filled, at = filled + take, at + take
        return _targets(ids, learn, self._text.pad)

    def batch(self, step: int, size: int, part: slice = slice(None)) -> tuple[np.ndarray, np.ndarray, int]:
        """A part of a step's windows: two (windows, context) int64, and how many targets the whole step has."""
        # Every process looks at the whole step: the loss is the mean over all its targets.
        windows = [self.window(step * size + place) for place in range(size)]
        ids = np.stack([window[0] for window in windows])
        targets = np.stack([window[1] for window in windows])
        return ids[part], targets[part], int((targets != IGNORED).sum())


def held_out(text: Text, context: int, most: int = 1 << 60) -> tuple[np.ndarray, np.ndarray, int]:
    """The newest documents for measuring: ids and targets (documents, context) int64, each document from its own
    start, cut at the context, the shortest first; and the bytes of text its targets stand for. most: documents."""
    starts = text.documents[text.train_documents :]
    passages = text.passages
    passages = passages[passages[:, 0] >= starts[0]]
    count = min(len(starts) - 1, most)
    pad = text.pad
    longest = min(max((int(n) for n in np.diff(starts[: count + 1])), default=1), context + 1)
    ids = np.full((count, longest + 1), pad, np.int64)
    learn = np.zeros((count, longest + 1), bool)
    end = text.end
    for row in range(count):
        begin, stop = int(starts[row]), min(int(starts[row + 1]), int(starts[row]) + longest)
        ids[row, : stop - begin] = text.tokens[begin:stop]
        learn[row, 1 : stop - begin] = text.learn[begin + 1 : stop]
        if stop == starts[row + 1]:
            ids[row, stop - begin], learn[row, stop - begin] = end, True
    sizes = 0
    last = int(starts[count])
    for offset, length, size, learned in passages.tolist():
        row = int(np.searchsorted(starts, offset, side="right")) - 1
        whole = offset + length - int(starts[row]) <= longest
        if learned and offset < last and whole and text.tokens[offset] != pad:
            sizes += size
        elif learned and offset < last:
            # Cut or deleted: neither its tokens nor its bytes count.
            at = offset - int(starts[row])
            learn[row, at : min(at + length + 1, longest + 1)] = False
    inputs, targets = ids[:, :-1], np.where(learn[:, 1:] & (ids[:, 1:] != pad), ids[:, 1:], IGNORED)
    # By length, so that a batch of rows needs little padding.
    by_length = np.argsort((targets != IGNORED).sum(1), kind="stable")
    return inputs[by_length], targets[by_length], sizes


def _targets(ids: np.ndarray, learn: np.ndarray, pad: int) -> tuple[np.ndarray, np.ndarray]:
    return ids[:-1], np.where(learn[1:] & (ids[1:] != pad), ids[1:], IGNORED)
