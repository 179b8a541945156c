"""Whose words are not to be repeated: runs of letters that only one or two people ever wrote.

A model can know a rare text by heart, however it was trained (Carlini et al. 2021, arXiv 2012.07805). What it writes is
therefore held against hashes of the runs of training text that fewer than three authors share, and a token that would
complete one is not chosen (as in Ippolito et al. 2023, arXiv 2210.17546, with hashes in the place of a Bloom filter).

Only letters and digits count, without case and accents, so that neither other tokens, spaces nor marks make another
text of the same words. Of all runs those are kept that are closed syncmers (Edgar 2021, PeerJ 9:e10805): whose least
16 letters, by hash, stand at one of their ends. That depends on the run alone and picks two in nine; any 31 letters
copied from one post hold one that is picked. Runs of half that length are guarded too where they are rare all through,
as a key, a number or a name is: where neither half stands in three texts.

Of each hash 32 bits are kept: a false alarm (two in a thousand among ten million runs) costs one token its place, no
more, and the words cannot be read back. The hashes stay when a post is deleted: the model may still know it.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from myna.network import Problem

RUN = 24
"""Letters in a row that may not be repeated; about five words."""
SURE = 31
"""Letters in a row of which, copied from one post, some run is guarded for certain."""
RARE = 12
"""And where both its halves are rare."""
SHARED_BY = 3
"""Authors from which a run is common language, and texts from which half a rare one is."""
FILE = "guarded.npy"

_PART, _HALF = 16, RARE // 2
_FARTHEST = 128
"""Tokens back of which letters are looked for; marks and spaces between letters are tokens too."""
_TEXTS = 20_000
"""Texts hashed at once."""
_IDEOGRAPHS = ((0x3400, 0x9FFF, 3), (0xF900, 0xFAFF, 3), (0x20000, 0x3FFFF, 3), (0x3040, 0x30FF, 2))
"""First, last, and how many letters each is worth: a word has one or two where it has five letters elsewhere."""
_NAMES = re.compile(r"<\|[^<>|]*\|>")
"""Placeholders and joints, as they stand in texts."""

_FEW = 32
"""Letters that are hashed one by one: what NumPy takes to begin is more than a token's letters take."""
_BITS_A_RUN, _MOST_BITS = 16, 1 << 26
_BASE, _MIXED, _MASK = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, (1 << 64) - 1
_MIX = np.uint64(_MIXED)
_AFTER_PART, _AFTER_RARE, _AFTER_RUN = (pow(_BASE, length, 1 << 64) for length in (_PART, RARE, RUN))
_POWERS = np.array([pow(_BASE, RUN - 1 - place, 1 << 64) for place in range(RUN)], np.uint64)


class _Folding(dict[int, str]):
    """By character, the letters it counts as: none for marks and spaces, without case and accents. Each is looked up
    once."""

    def __missing__(self, code: int) -> str:
        # Decomposed, not composed: then a character folds the same whatever stands beside it, in another token too.
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", chr(code)).casefold())
        letters = "".join(letter for letter in folded if letter.isalnum())
        worth = next((worth for first, last, worth in _IDEOGRAPHS if first <= code <= last), 1)
        self[code] = letters * worth
        return self[code]


_FOLDING = _Folding()


def letters_of(text: str) -> str:
    """What of a text counts."""
    if "<|" in text:
        text = _NAMES.sub("", text)
    return text.translate(_FOLDING)


def run_places(row: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint32]]:
    """Of letters (letters,), as numbers, the runs that are picked: where each begins, and its hash."""
    if len(row) < RUN:
        return np.zeros(0, np.intp), np.zeros(0, np.uint32)
    parts = np.correlate(row, _POWERS[-_PART:]) * _MIX
    # The least of nine neighbours, by pairs of pairs.
    least = np.minimum(parts[:-1], parts[1:])
    least = np.minimum(least[:-2], least[2:])
    least = np.minimum(least[:-4], least[4:])
    least = np.minimum(least[:-1], parts[RUN - _PART :])
    picked = np.flatnonzero((least == parts[: len(least)]) | (least == parts[RUN - _PART :]))
    return picked, run_hashes(row, RUN)[picked]


def run_hashes(row: npt.NDArray[np.uint64], length: int) -> npt.NDArray[np.uint32]:
    """A hash of every run of so many letters, at most `RUN`; empty where there are fewer."""
    if len(row) < length:
        return np.zeros(0, np.uint32)
    runs = np.correlate(row, _POWERS[-length:])
    runs = (runs ^ (runs >> np.uint64(32))) * _MIX
    return (runs >> np.uint64(32)).astype(np.uint32)


class Guarded:
    """Runs that may not be repeated. hashes: (runs,) uint32, sorted; of both lengths."""

    def __init__(self, hashes: npt.NDArray[np.uint32]) -> None:
        self.hashes = hashes

    def holds(self, text: str) -> bool:
        """Whether any run of this text may not be repeated."""
        return self.completes("", letters_of(text))

    def allowed(self, before: str, text: str) -> int:
        """How many characters of a text may stand after another before they complete such a run."""
        tail = letters_of(before)
        if not self.completes(tail, letters_of(text)):
            return len(text)
        return next(end for end in range(len(text)) if self.completes(tail, letters_of(text[: end + 1])))

    def completes(self, before: str, letters: str) -> bool:
        """Whether letters, after those before, complete such a run."""
        if not letters or not len(self.hashes):
            return False
        if len(letters) <= _FEW:
            return self._scan(before[1 - RUN :] + letters, len(letters))
        row = _numbers(before[1 - RUN :] + letters)
        short = run_hashes(row[-(RARE - 1 + len(letters)) :], RARE)
        return self._among(short) or self._among(run_places(row)[1])

    def tokens(self, bytes_of: Callable[[int], bytes]) -> "GuardedTokens":
        """The same for one who writes tokens of these bytes."""
        return GuardedTokens(self, bytes_of)

    def together(self, other: "Guarded") -> "Guarded":
        """What either of the two does not let be repeated."""
        return Guarded(np.union1d(self.hashes, other.hashes))

    def save(self, directory: Path) -> None:
        """Writes `guarded.npy`, whole or not at all."""
        begun = directory / f".{FILE}"
        with begun.open("wb") as file:
            np.save(file, self.hashes)
            file.flush()
            os.fsync(file.fileno())
        begun.replace(directory / FILE)

    @classmethod
    def load(cls, directory: Path) -> "Guarded":
        """Reads what `save` wrote, as a map of the file. Raises Problem where it cannot."""
        try:
            return cls(np.load(directory / FILE, mmap_mode="r"))
        except (OSError, ValueError) as error:
            raise Problem(f"{directory / FILE} cannot be read: {error}. Train again with `myna train`.") from error

    def _scan(self, text: str, new: int) -> bool:
        """As `completes`, for the last `new` of these letters."""
        hash, hashes = 0, [0]
        for letter in text:
            hash = (hash * _BASE + ord(letter)) & _MASK
            hashes.append(hash)
        count = len(text)
        for end in range(max(count - new + 1, RARE), count + 1):
            if self._known(hashes[end] - hashes[end - RARE] * _AFTER_RARE):
                return True
        parts = [
            ((hashes[end] - hashes[end - _PART] * _AFTER_PART) * _MIXED) & _MASK
            for end in (range(_PART, count + 1) if count >= RUN else ())
        ]
        for begin in range(max(count - new + 1 - RUN, 0), count + 1 - RUN):
            within = parts[begin : begin + RUN - _PART + 1]
            if min(within) in (within[0], within[-1]) and self._known(hashes[begin + RUN] - hashes[begin] * _AFTER_RUN):
                return True
        return False

    def _known(self, hash: int) -> bool:
        hash &= _MASK
        hash = (((hash ^ hash >> 32) * _MIXED) & _MASK) >> 32
        table, shift = self._table
        place = hash >> shift
        if not table[place >> 3] >> (place & 7) & 1:
            return False
        return self._among(np.array([hash], np.uint32))

    @cached_property
    def _table(self) -> tuple[bytes, int]:
        """A bit for each beginning of a hash, set where there is one, and how far such a beginning is to be shifted:
        most runs are told by it alone."""
        bits = min(max((_BITS_A_RUN * len(self.hashes)).bit_length(), 16), _MOST_BITS.bit_length() - 1)
        held = np.zeros(1 << bits, bool)
        held[self.hashes >> np.uint32(32 - bits)] = True
        return np.packbits(held, bitorder="little").tobytes(), 32 - bits

    def _among(self, found: npt.NDArray[np.uint32]) -> bool:
        if not len(found):
            return False
        places = np.minimum(self.hashes.searchsorted(found), len(self.hashes) - 1)
        return bool((self.hashes[places] == found).any())


class GuardedTokens:
    """`Blocks` (myna.model.types): whether an id may not follow a history, what was asked included."""

    def __init__(self, guarded: Guarded, bytes_of: Callable[[int], bytes]) -> None:
        self._guarded, self._bytes_of = guarded, bytes_of
        self._letters: dict[int, str | None] = {}
        """By token; None for one that begins or ends within a character."""

    def __call__(self, history: Sequence[int], id: int) -> bool:
        """Whether this id would complete a run that may not be repeated."""
        last = self._of(id)
        if last == "":
            return False
        tail, whole, count = [], last is not None, 0
        for before in islice(reversed(history), _FARTHEST):
            letters = self._of(before)
            tail.append(before)
            whole = whole and letters is not None
            count += len(letters or "")
            if count >= RUN - 1 and letters is not None:
                break
        tail.reverse()
        if whole:
            return self._guarded.completes("".join(self._letters[before] or "" for before in tail), last or "")
        row = self._together(tail)
        return self._guarded.completes(row, self._together([*tail, id])[len(row) :])

    def _of(self, id: int) -> str | None:
        if id not in self._letters:
            try:
                self._letters[id] = letters_of(self._bytes_of(id).decode())
            except UnicodeDecodeError:
                self._letters[id] = None
        return self._letters[id]

    def _together(self, ids: Sequence[int]) -> str:
        return letters_of(b"".join(map(self._bytes_of, ids)).decode(errors="ignore"))


def find_guarded(texts: Iterable[str], authors: npt.ArrayLike, shared_by: int = SHARED_BY) -> Guarded:
    """Of texts, by authors (texts,) numbered: the runs that fewer than so many of them share."""
    left, of = iter(texts), np.asarray(authors, np.uint64)
    chunks: list[tuple[str, list[int]]] = []
    pairs, halves = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint32)]
    for begin in range(0, len(of), _TEXTS):
        letters = [letters_of(text) for text in islice(left, _TEXTS)]
        joined, lengths = "".join(letters), [len(each) for each in letters]
        owner = np.repeat(np.arange(len(letters)), lengths)
        row = _numbers(joined)
        places, hashes = run_places(row)
        # Not those that reach from one text into the next.
        within = owner[places] == owner[places + RUN - 1]
        # A run and one of its authors as one number: sorted, each pair once, then counted by run.
        pairs.append(np.unique(_paired(hashes[within], of[begin + owner[places[within]]])))
        # In the same way by how many texts a half is written; three times at most.
        found = run_hashes(row, _HALF)
        counted = np.unique(_paired(found, owner[: len(found)].astype(np.uint64)))
        once, by_texts = np.unique(_run_of(counted), return_counts=True)
        halves.append(np.repeat(once, np.minimum(by_texts, shared_by)))
        chunks.append((joined, lengths))
    runs, by_authors = np.unique(_run_of(np.unique(np.concatenate(pairs))), return_counts=True)
    once, by_texts = np.unique(np.concatenate(halves), return_counts=True)
    common = once[by_texts >= shared_by]
    rare = [_rare(*chunk, common) for chunk in chunks]
    return Guarded(np.unique(np.concatenate([runs[by_authors < shared_by], *rare])))


def _rare(joined: str, lengths: list[int], common: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Hashes of the short runs of these texts' letters, within one text each, of which neither half is common."""
    row, owner = _numbers(joined), np.repeat(np.arange(len(lengths)), lengths)
    if len(row) < RARE:
        return np.zeros(0, np.uint32)
    seldom = ~np.isin(run_hashes(row, _HALF), common)
    whole = seldom[:-_HALF] & seldom[_HALF:] & (owner[: 1 - RARE] == owner[RARE - 1 :])
    return np.unique(run_hashes(row, RARE)[whole])


def _paired(runs: npt.NDArray[np.uint32], whose: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return runs.astype(np.uint64) << np.uint64(32) | whose


def _run_of(pairs: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
    return (pairs >> np.uint64(32)).astype(np.uint32)


def _numbers(letters: str) -> npt.NDArray[np.uint64]:
    return np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
