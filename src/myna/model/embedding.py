"""A post as a vector: the sum of what its tokens and words weigh in, of unit length. Needs numpy only.

The table starts as the language model's own token embeddings, whitened, and is then drawn together over the network's
own pairs (myna.model.contrast). Averages of the hidden layers were measured first and are worse on models of this
size (docs/model.md), and a sum of rows embeds a thousand posts in the time one forward pass takes.

Beside its tokens, each word counts by a hash of its lower-case form (as in fastText, arXiv 1607.04606): a word the
tokenizer cuts in pieces keeps a row of its own, and one never seen before still meets itself.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import xxhash
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from myna.model.types import Tokens
from myna.network import Problem

DIMENSIONS = 256
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_UNITS = re.compile(rf"[{_UNSPACED}]{{1,2}}|[^\s{_UNSPACED}]+")
"""What white space parts; in scripts that write without it (Thai, Lao, Burmese, Khmer, Chinese, Japanese), pairs."""
_WORDS = re.compile(r"[^\W_]+")
_PLACEHOLDERS = re.compile(r"<\|\w+\|>")
_REMEMBERED = 200_000
_MOST_FEATURES = 4096
_ROWS = 4096


class Features:
    """From text to rows of the table: its tokens' ids, and after these `buckets` rows for hashed words.

    clean: what is done to a text as people write it before it is tokens.
    """

    def __init__(self, tokenizer: Tokens, buckets: int, clean: Callable[[str], str] = str) -> None:
        self._tokenizer = tokenizer
        self._clean = clean
        self.buckets = buckets
        self.rows = len(tokenizer) + buckets
        self._known: dict[str, tuple[int, ...]] = {}

    def units(self, cleaned: str) -> list[tuple[str, tuple[int, ...]]]:
        """The units of a cleaned text, each with its rows."""
        words = _UNITS.findall(_PLACEHOLDERS.sub(" ", cleaned) if "<|" in cleaned else cleaned)
        return [(word, self._rows(word)) for word in words]

    def of(self, text: str) -> list[int]:
        """The rows of a text as people write it; never empty."""
        found = [row for _, rows in self.units(self._clean(text)) for row in rows]
        return found[:_MOST_FEATURES] or [self._tokenizer.end]

    def _rows(self, unit: str) -> tuple[int, ...]:
        rows = self._known.get(unit)
        if rows is None:
            words = _WORDS.findall(unit.lower())
            hashed = (xxhash.xxh3_64_intdigest(word.encode()) % self.buckets for word in words)
            rows = (*self._tokenizer.encode(" " + unit), *(len(self._tokenizer) + place for place in hashed))
            if len(self._known) < _REMEMBERED:
                self._known[unit] = rows
        return rows


class Embedder:
    """Texts to vectors. table: (rows, d) float32, each row times its weight."""

    def __init__(self, features: Features, table: np.ndarray) -> None:
        self.features = features
        self.table = table

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, d) float32, each of unit length; the same text always gives the same vector."""
        out = np.empty((len(texts), self.table.shape[1]), np.float32)
        for begin in range(0, len(texts), _ROWS):
            rows = [self.features.of(text) for text in texts[begin : begin + _ROWS]]
            starts = np.cumsum([0, *(len(found) for found in rows[:-1])])
            flat = np.fromiter((row for found in rows for row in found), np.int64)
            # One text at a time adds up in one order, whoever stands beside it.
            out[begin : begin + _ROWS] = np.add.reduceat(self.table[flat], starts, axis=0)
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        unit: np.ndarray = out / np.maximum(lengths, 1e-12)
        return unit

    def save(self, directory: Path) -> None:
        """Writes `embedding.safetensors`, half precision."""
        save_file({"table": self.table.astype(np.float16)}, directory / "embedding.safetensors")

    @classmethod
    def load(cls, directory: Path, tokenizer: Tokens, clean: Callable[[str], str] = str) -> "Embedder":
        """Reads what `save` wrote. Raises Problem where it cannot."""
        path = directory / "embedding.safetensors"
        try:
            table = load_file(path)["table"].astype(np.float32)
        except (OSError, SafetensorError, KeyError) as error:
            raise Problem(f"The embedding {path} cannot be read: {error}. Train again with `myna train`.") from error
        return cls(Features(tokenizer, len(table) - len(tokenizer), clean), table)
