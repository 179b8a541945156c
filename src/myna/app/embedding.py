"""One embedding for all parts, that forgets nothing it will be asked again while a network is being made."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import xxhash

from myna.app.language import Language

_BATCH = 256


class Embedding:
    """The language model's vectors. Index, interests and draft guard each embed every post when a network is made;
    inside `remembering` a text is embedded once. Afterwards nothing is kept: a vector would outlive a deletion.
    """

    def __init__(self, language: Language) -> None:
        self._language = language
        self._kept: dict[bytes, np.ndarray] | None = None
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (texts, d) float32 of unit length."""
        kept = self._kept
        if kept is None:
            return self._language.embed(texts)
        keys = [xxhash.xxh3_128_digest(text.encode(errors="surrogatepass")) for text in texts]
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in kept}
        wanted = list(fresh.items())
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            for (key, _), vector in zip(batch, self._language.embed([text for _, text in batch]), strict=True):
                kept[key] = vector
        if not keys:
            return self._language.embed([])
        return np.stack([kept[key] for key in keys])

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Keeps vectors in memory meanwhile: 1 kB a post at 256 dimensions."""
        with self._lock:
            self._kept = {}
            try:
                yield
            finally:
                self._kept = None
