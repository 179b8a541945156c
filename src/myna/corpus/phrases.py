"""Tokens of several words: merges that go on across spaces, after those within words have been learned.

People say "thank you for" and "looking forward to" as one thing, and a model reads the faster the fewer tokens a post
has. Learned from the start, merges across words crowd out the words; learned after them, they come on top. (Liu et al.
2025, "SuperBPE: Space travel for language models", arXiv 2503.13423.)
"""

from collections.abc import Iterable, Sequence

import numpy as np
import tiktoken

LINES = r"[^\r\n]+[\r\n]*|[\r\n]+"
"""Where merges may reach once words are learned: to the end of a line."""

_SEEN = 20
"""Times a phrase must have been said to become a token: the model has to learn what it means."""
_WORDS = 4
_LIKE = 0.7
"""Pairs this much as frequent as the most frequent one are merged in one go; one by one took twice as long and saved no
more tokens."""
_APART = -1


def with_phrases(ranks: Sequence[bytes], texts: Iterable[str], size: int) -> list[bytes]:
    """The tokens `ranks` and up to `size` in all, the further ones joins of two before them that stand side by side in
    the texts most often."""
    found = list(ranks)
    known = set(found)
    row = _encoded(ranks, texts)
    while len(found) < size:
        pairs, counts = _pairs(row)
        least = float(_SEEN)
        new: dict[int, int] = {}
        lefts: set[int] = set()
        rights: set[int] = set()
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            if count < least:
                break
            left, right = pair >> 32, pair & 0xFFFFFFFF
            token = found[left] + found[right]
            # Pairs that could overlap wait for the next turn, when their counts are known.
            if len(found) == size or token in known or left in rights or right in lefts or token.count(b" ") > _WORDS:
                continue
            least = max(least, _LIKE * count)
            new[pair] = len(found)
            lefts.add(left)
            rights.add(right)
            known.add(token)
            found.append(token)
        if not new:
            break
        row = _merged(row, new)
    return found


def _encoded(ranks: Sequence[bytes], texts: Iterable[str]) -> np.ndarray:
    """The texts' ids in a row, (ids,) int64, with _APART where no merge may reach across."""
    encoding = tiktoken.Encoding(
        "words", pat_str=LINES, mergeable_ranks={token: id for id, token in enumerate(ranks)}, special_tokens={}
    )
    ids: list[int] = []
    for text in texts:
        for line in text.splitlines(keepends=True):
            ids += encoding.encode_ordinary(line)
            ids.append(_APART)
    return np.asarray(ids, np.int64)


def _joined(row: np.ndarray) -> np.ndarray:
    """Every two neighbours as one number, _APART where there is a border, (ids - 1,) int64."""
    left, right = row[:-1], row[1:]
    return np.where((left != _APART) & (right != _APART), (left << 32) | right, _APART)


def _pairs(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of neighbours that are seen often enough and how often each is, the most frequent first."""
    joined = _joined(row)
    pairs, counts = np.unique(joined[joined != _APART], return_counts=True)
    pairs, counts = pairs[counts >= _SEEN], counts[counts >= _SEEN]
    order = np.argsort(-counts, kind="stable")
    return pairs[order], counts[order]


def _merged(row: np.ndarray, new: dict[int, int]) -> np.ndarray:
    joined = _joined(row)
    pairs = np.asarray(sorted(new))
    at = np.minimum(np.searchsorted(pairs, joined), len(pairs) - 1)
    hits = np.flatnonzero(pairs[at] == joined)
    merged = row.copy()
    merged[hits] = np.asarray([new[pair] for pair in pairs.tolist()])[at[hits]]
    return np.delete(merged, hits + 1)
