"""Texts said before: exactly (a hash of the normalised text) or nearly (MinHash over character shingles).

A model that reads a text a hundred times learns it by heart, and a held-out post whose twin was trained on measures
memory. Broder 1997, "On the resemblance and containment of documents"; banding as in Mining of Massive Datasets, 3.4.
"""

from collections.abc import Sequence

import numpy as np
import rensa
import xxhash

_SHINGLE = 5
_HASHES = 64
_BANDS = 8
"""64 hashes in 8 bands of 8: half of all pairs with a resemblance of 0.77 meet, 99% of those with 0.9."""
_SEED = 42
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SHORTEST = 4 * _SHINGLE
"""Letters a text must have: below a dozen shingles, resemblance jumps with each character and says nothing."""


def repeats(texts: Sequence[str], resemblance: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Which texts repeat an earlier one of the list: exactly, and nearly.

    Two texts are the same that share letters and digits, whatever their case and spacing.
    resemblance: share of 5-character shingles in common from which two texts are near-duplicates (estimated).
    Returns two boolean arrays (texts,); no text is in both.
    """
    near = np.zeros(len(texts), bool)
    letters, starts = _letters(texts)
    exact = _exact(texts, letters, starts)
    lengths = np.diff(starts)
    places = np.flatnonzero(~exact & (lengths >= _SHORTEST))
    if not len(places):
        return exact, near
    among = np.zeros(len(texts), bool)
    among[places] = True
    letters, lengths = letters[np.repeat(among, lengths)], lengths[places]
    tokens, offsets = _shingles(letters, lengths), np.concatenate(([0], np.cumsum(lengths)))
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(tokens, offsets.astype(np.uint64), _HASHES, _SEED)
    flags = rensa.RMinHashLSH(0.5, _HASHES, _BANDS).query_duplicate_flags_matrix_one_shot(matrix)
    met = np.asarray(flags, bool)
    if met.any():
        # The flags name every member of a pair; only the later one goes, and only if the whole signature agrees.
        tokens, lengths = tokens[np.repeat(met, lengths)], lengths[met]
        near[places[met]] = later(_signatures(tokens, lengths), resemblance)
    return exact, near


def _letters(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The case-folded letters and digits of all texts in a row, (letters,) uint32 code points, and where each text's
    begin, (texts + 1,) int64."""
    folded = [text.casefold() for text in texts]
    # A lone surrogate is no letter but must not stop the rest.
    codes = np.frombuffer("".join(folded).encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = np.flatnonzero(np.bincount(codes)) if len(codes) else np.zeros(0, int)
    wanted = np.zeros(int(kinds[-1]) + 1 if len(kinds) else 0, bool)
    wanted[kinds] = [chr(code).isalnum() for code in kinds.tolist()]
    kept = wanted[codes]
    ends = np.cumsum([0, *map(len, folded)])
    return codes[kept], np.concatenate(([0], np.cumsum(kept)))[ends]


def fingerprints(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `repeats` compares, for texts that do not all lie in one place: keys, (texts,) uint64, alike where texts are
    the same; signatures, (texts, 64) uint32; and which texts are long enough to have one, (texts,) bool."""
    letters, starts = _letters(texts)
    lengths = np.diff(starts)
    long = lengths >= _SHORTEST
    signatures = np.zeros((len(texts), _HASHES), np.uint32)
    if long.any():
        among = np.repeat(long, lengths)
        signatures[long] = _signatures(_shingles(letters[among], lengths[long]), lengths[long])
    return _keys(texts, letters, starts), signatures, long


def bands(signatures: np.ndarray) -> np.ndarray:
    """(texts, 8) uint64: a number for each band of signatures; near-duplicates have one in common."""
    parts = np.ascontiguousarray(signatures).view(np.uint64).reshape(len(signatures), _BANDS, -1)
    found = np.broadcast_to(np.arange(1, _BANDS + 1, dtype=np.uint64), parts.shape[:2]).copy()
    for place in range(parts.shape[2]):
        found = (found ^ parts[:, :, place]) * _FACTOR
        found ^= found >> np.uint64(29)
    return found


def _signatures(tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(texts, 64) uint32 of the shingles, in a row, of texts with so many each."""
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.uint64)
    rows = rensa.RMinHash.digest_matrix_from_flat_token_hashes(tokens, offsets, _HASHES, _SEED).to_rows()
    return np.asarray(rows, np.uint32)


def _exact(texts: Sequence[str], letters: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Which texts have the letters of an earlier one, (texts,) bool."""
    exact = np.ones(len(texts), bool)
    exact[np.unique(_keys(texts, letters, starts), return_index=True)[1]] = False
    return exact


def _keys(texts: Sequence[str], letters: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A hash of each text's letters, (texts,) uint64."""
    whole, borders = memoryview(letters.tobytes()), (4 * starts).tolist()
    return np.fromiter(
        (
            # Emoji-only and other wordless texts have no letters and are compared as they are.
            xxhash.xxh3_64_intdigest(whole[begin:end] if end > begin else text.encode(errors="surrogatepass"))
            for text, begin, end in zip(texts, borders, borders[1:], strict=False)
        ),
        np.uint64,
        len(texts),
    )


def _shingles(letters: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """A hash of the 5 characters from each place on, (letters,) uint64; a text's last four places, whose shingles
    would reach into the next text, repeat its first, which changes no minimum."""
    codes = letters.astype(np.uint64)
    hashes = codes.copy()
    for step in range(1, _SHINGLE):
        hashes *= _FACTOR
        hashes[:-step] += codes[step:]
    hashes ^= hashes >> np.uint64(32)
    hashes *= _MIX
    hashes ^= hashes >> np.uint64(29)
    ends = np.cumsum(lengths)
    first = hashes[ends - lengths]
    for back in range(1, _SHINGLE):
        hashes[ends - back] = first
    return hashes


def later(signatures: np.ndarray, resemblance: float = 0.8) -> np.ndarray:
    """Which signatures, (texts, hashes) uint32, are those of a near-duplicate of an earlier one that stays."""
    found = np.zeros(len(signatures), bool)
    width = _HASHES // _BANDS
    rows = np.ascontiguousarray(signatures).view(f"V{4 * width}").tolist()
    index: dict[tuple[int, bytes], list[int]] = {}
    for place, keys in enumerate(rows):
        buckets = [index.setdefault(key, []) for key in enumerate(keys)]
        others = sorted({other for bucket in buckets for other in bucket})
        alike = signatures[others] == signatures[place]
        if others and alike.mean(1).max() >= resemblance:
            found[place] = True
        else:
            for bucket in buckets:
                bucket.append(place)
    return found
