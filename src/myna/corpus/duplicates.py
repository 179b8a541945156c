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


def normalised(text: str) -> str:
    """What two texts must share to count as the same: letters and digits, whatever their case and spacing."""
    return "".join(char for char in text.casefold() if char.isalnum())


def repeats(texts: Sequence[str], resemblance: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Which texts repeat an earlier one of the list: exactly, and nearly.

    resemblance: share of 5-character shingles in common from which two texts are near-duplicates (estimated).
    Returns two boolean arrays (texts,); no text is in both.
    """
    exact = np.zeros(len(texts), bool)
    near = np.zeros(len(texts), bool)
    seen: set[int] = set()
    rest: list[int] = []
    shingles: list[list[str]] = []
    for place, text in enumerate(texts):
        # Emoji-only and other wordless texts have nothing to normalise and are compared as they are.
        kept = normalised(text) or text
        key = xxhash.xxh3_64_intdigest(kept.encode())
        if key in seen:
            exact[place] = True
            continue
        seen.add(key)
        # Below a dozen shingles, resemblance jumps with each character and says nothing.
        if len(kept) >= 4 * _SHINGLE:
            rest.append(place)
            shingles.append(list({kept[at : at + _SHINGLE] for at in range(len(kept) - _SHINGLE + 1)}))
    if not rest:
        return exact, near
    matrix = rensa.RMinHash.digest_matrix_from_token_sets(shingles, _HASHES, _SEED)
    flags = rensa.RMinHashLSH(0.5, _HASHES, _BANDS).query_duplicate_flags_matrix_one_shot(matrix)
    # The flags name every member of a pair; only the later one goes, and only if the whole signature agrees.
    index = rensa.RMinHashLSH(0.5, _HASHES, _BANDS)
    kept_signatures: list[tuple[object, ...]] = []
    for place, tokens in zip((p for p, f in zip(rest, flags, strict=True) if f), _chosen(shingles, flags), strict=True):
        signature = rensa.RMinHash(_HASHES, _SEED)
        signature.update(tokens)
        digest = np.asarray(signature.digest())
        met = (kept_signatures[key][1] for key in index.query(signature))
        if any(np.mean(digest == other) >= resemblance for other in met):
            near[place] = True
        else:
            index.insert(len(kept_signatures), signature)
            kept_signatures.append((place, digest))
    return exact, near


def _chosen(shingles: list[list[str]], flags: Sequence[bool]) -> list[list[str]]:
    return [tokens for tokens, flag in zip(shingles, flags, strict=True) if flag]
