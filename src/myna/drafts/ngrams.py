"""Texts as hashed n-grams: words, pairs of words, and the pieces of words of 2 to 5 characters.

No vocabulary is kept, so no word that somebody wrote is kept either: an n-gram is a bucket number (feature hashing,
Weinberger et al. 2009). A whole batch is hashed in a few passes of numpy over one array of its characters.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

BITS = 18
BUCKETS = 1 << BITS
PIECES = (2, 3, 4, 5)

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SPACE = ord(" ")
_HANDLE = re.compile(r"(?<![\w@])@\w[\w.@-]*")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_DIGIT = re.compile(r"\d")

Ints = npt.NDArray[np.int64]


def _plain(text: str) -> str:
    # Who is spoken to and what is linked must not become features. The length stays, so that places stay.
    text = _HANDLE.sub(lambda match: "@" * len(match.group()), text)
    text = _URL.sub(lambda match: "/" * len(match.group()), text)
    return _DIGIT.sub("0", text)


def composed(text: str) -> tuple[str, list[int]]:
    """The text with composed characters (NFC), and where each of them starts in `text`, with its length at the end."""
    whole = unicodedata.normalize("NFC", text)
    if whole == text:
        return text, list(range(len(text) + 1))
    out: list[str] = []
    starts: list[int] = []
    begin = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or unicodedata.combining(text[place]) == 0:
            piece = unicodedata.normalize("NFC", text[begin:place])
            out.append(piece)
            starts += [begin] * len(piece)
            begin = place
    if "".join(out) != whole:  # letters that compose without combining marks (Hangul): places are then near, not exact
        starts = [place * len(text) // len(whole) for place in range(len(whole))]
    return whole, [*starts, len(text)]


def ngrams(texts: Sequence[str]) -> tuple[Ints, Ints, Ints, Ints]:
    """All n-grams of the texts: (text index, bucket, start, end), four arrays of one length; places are in the NFC."""
    if not texts:
        none = np.zeros(0, np.int64)
        return none, none, none, none
    plain = [f" {_plain(unicodedata.normalize('NFC', text))} " for text in texts]
    lengths = np.array([len(text) for text in plain])
    joined = np.frombuffer("".join(plain).encode("utf-32-le", "surrogatepass"), np.uint32)
    owner = np.repeat(np.arange(len(plain)), lengths)
    place = np.arange(len(joined)) - np.repeat(np.cumsum(lengths) - lengths, lengths) - 1
    kinds, inverse = np.unique(joined, return_inverse=True)
    folded = np.array([_folded(int(kind)) for kind in kinds], np.uint64)[inverse]
    space = folded == _SPACE
    found: list[tuple[Ints, npt.NDArray[np.uint64], Ints, Ints]] = []
    hashed = folded.copy()
    with np.errstate(over="ignore"):
        for size in range(2, max(PIECES) + 1):
            hashed = hashed[:-1] * _PRIME + folded[size - 1 :]
            if len(hashed) == 0:
                break
            if size not in PIECES:
                continue
            inside = owner[: len(hashed)] == owner[size - 1 :]
            for offset in range(1, size - 1):  # a piece may begin or end with a space, not hold one
                inside &= ~space[offset : offset + len(hashed)]
            inside &= ~(space[: len(hashed)] & space[size - 1 :])
            at = np.flatnonzero(inside)
            found.append((owner[at], _mixed(hashed[at], size), place[at], place[at] + size))
        begins = np.flatnonzero(~space & np.r_[True, space[:-1]])
        ends = np.flatnonzero(~space & np.r_[space[1:], True]) + 1
        if len(begins):
            powers = np.cumprod(np.full(int((ends - begins).max()), _PRIME))
            inner = np.repeat(begins, ends - begins)
            letters = np.flatnonzero(~space)
            words = np.add.reduceat(
                folded[letters] * powers[letters - inner], np.cumsum(ends - begins) - (ends - begins)
            )
            found.append((owner[begins], _mixed(words, 101), place[begins], place[begins] + ends - begins))
            pair = owner[begins[:-1]] == owner[begins[1:]]
            found.append(
                (
                    owner[begins[:-1]][pair],
                    _mixed(words[:-1] * _PRIME + words[1:], 102)[pair],
                    place[begins[:-1]][pair],
                    place[ends[1:] - 1][pair] + 1,
                )
            )
    if not found:
        none = np.zeros(0, np.int64)
        return none, none, none, none
    owners, hashes, starts, stops = (np.concatenate(part) for part in zip(*found, strict=True))
    return owners, (hashes >> np.uint64(64 - BITS)).astype(np.int64), np.maximum(starts, 0), stops


def _folded(code: int) -> int:
    character = chr(code)
    if character.isspace():
        return _SPACE
    lower = character.lower()
    return ord(lower) if len(lower) == 1 else code


def _mixed(hashes: npt.NDArray[np.uint64], kind: int) -> npt.NDArray[np.uint64]:
    # The low bits of a product know only low bits of its factors: fold the high ones in before the last product.
    mixed = (hashes ^ np.uint64(kind)) * _PRIME
    mixed ^= mixed >> np.uint64(29)
    return mixed * np.uint64(0xBF58476D1CE4E5B9)


def counted(texts: Sequence[str]) -> sparse.csr_matrix:
    """How often each bucket is in each text, as 1 + ln(count): (texts, BUCKETS) float32."""
    owners, buckets, _, _ = ngrams(texts)
    keys, counts = np.unique(owners * BUCKETS + buckets, return_counts=True)
    values = (1 + np.log(counts)).astype(np.float32)
    matrix = sparse.csr_matrix((values, (keys // BUCKETS, keys % BUCKETS)), shape=(len(texts), BUCKETS))
    matrix.sort_indices()
    return matrix
