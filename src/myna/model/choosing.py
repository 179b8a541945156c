"""From logits to a token: the likeliest, or one drawn from the nucleus (Holtzman et al. 2020, arXiv 1904.09751)."""

from collections.abc import Sequence

import numpy as np

from myna.model.types import Blocks

Array = np.ndarray


def choose(
    logits: Array,
    temperature: float,
    top_p: float,
    chance: np.random.Generator,
    history: Sequence[int] = (),
    blocks: Blocks | None = None,
) -> int:
    """One id of logits (vocabulary,); those of ids not to be written are -inf, and what `blocks` forbids after the
    history is made so. A number is drawn from `chance` for each try: what a seed writes depends on nothing else.
    """
    id = _drawn(logits, temperature, top_p, chance)
    while blocks is not None and blocks(history, id):
        logits[id] = -np.inf
        id = _drawn(logits, temperature, top_p, chance)
    return id


def _drawn(logits: Array, temperature: float, top_p: float, chance: np.random.Generator) -> int:
    if temperature <= 0:
        return int(logits.argmax())
    chances = np.exp((logits - logits.max()) / np.float32(temperature))
    total = float(chances.sum(dtype=np.float64))
    if top_p >= 1:
        ids, kept = None, chances.cumsum(dtype=np.float64)
    else:
        # All tokens below this make up less than 1 - top_p together: none is in the nucleus, and few need sorting.
        ids = np.flatnonzero(chances >= total * (1 - top_p) / len(chances))
        ids = ids[np.argsort(-chances[ids], kind="stable")]
        kept = chances[ids].cumsum(dtype=np.float64)
        # The first token that reaches top_p is still in.
        kept = kept[: int(np.searchsorted(kept, top_p * total)) + 1]
    place = int(np.searchsorted(kept, chance.random() * kept[-1], side="right"))
    place = min(place, len(kept) - 1)
    return place if ids is None else int(ids[place])
