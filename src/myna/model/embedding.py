"""A post as a vector: the sum of what its tokens and words weigh in, of unit length. Needs numpy and scipy only.

The table starts as the language model's own token embeddings, whitened, and is then drawn together over the network's
own pairs (myna.model.contrast). Averages of the hidden layers were measured first and are worse on models of this
size (docs/model.md), and a sum of rows embeds thousands of posts in the time one forward pass takes.

Notable choices:
- Beside its tokens, each word counts by a hash of its lower-case form (as in fastText, arXiv 1607.04606): a word the
  tokenizer cuts in pieces keeps a row of its own, and one never seen before still meets itself. A hashtag of several
  words counts by each of them too, and a longer word by its first five letters, which its other forms begin with.
- Any prefix of a vector is a vector: learned so (Kusupati et al. 2022, "Matryoshka representation learning", arXiv
  2205.13147), and made so by `Embedder.cut`.
- What a text was is not remembered from one call to the next: only words that are a single token, which the model's
  vocabulary spells out anyway.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import xxhash
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.sparse import csr_array

from myna.model.types import Tokens
from myna.network import Problem

DIMENSIONS = 256
PREFIXES = (64, 128, 256)
"""Lengths a vector can be cut to with little loss: those it was learned at."""
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_UNITS = re.compile(rf"[{_UNSPACED}]{{1,2}}|[^\s{_UNSPACED}]+")
"""What white space parts; in scripts that write without it (Thai, Lao, Burmese, Khmer, Chinese, Japanese), pairs."""
_WORDS = re.compile(r"[^\W_]+")
_JOINED = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
"""The words of a hashtag written in CamelCase."""
_PLACEHOLDERS = re.compile(r"<\|\w+\|>")
_BEGINNING = 5
"""Letters of a longer word that count by themselves."""
_MOST_FEATURES = 4096
_BATCH = 512

Unit = tuple[str, tuple[int, ...]]
"""A word as it is written, and its rows."""


class Features:
    """From text to rows of the table: its tokens' ids, and after these `buckets` rows for hashed words.

    clean: what is done to a text as people write it before it is tokens. beginnings: whether longer words count by
    their first letters too; tables from before that was so have no rows for it.
    """

    def __init__(
        self, tokenizer: Tokens, buckets: int, clean: Callable[[str], str] = str, beginnings: bool = True
    ) -> None:
        self._tokenizer = tokenizer
        self._clean = clean
        self.buckets = buckets
        self.beginnings = beginnings
        self.rows = len(tokenizer) + buckets
        self._known: dict[str, tuple[int, ...]] = {}

    def units(self, cleaned: Sequence[str]) -> list[list[Unit]]:
        """The units of cleaned texts, each with its rows."""
        found = self._found(cleaned)
        return [[(unit, rows[unit]) for unit in words] for words, rows in found]

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """The rows of texts as people write them; none is empty."""
        found = self._found([self._clean(text) for text in texts])
        listed = [[row for unit in words for row in rows[unit]] for words, rows in found]
        return [rows[:_MOST_FEATURES] or [self._tokenizer.end] for rows in listed]

    def _found(self, cleaned: Sequence[str]) -> list[tuple[list[str], dict[str, tuple[int, ...]]]]:
        """The units of each text, and the rows of all of them."""
        parted = [_UNITS.findall(_PLACEHOLDERS.sub(" ", text) if "<|" in text else text) for text in cleaned]
        rows: dict[str, tuple[int, ...]] = {}
        for unit in {unit for units in parted for unit in units}:
            rows[unit] = self._known.get(unit) or self._rows(unit)
        return [(units, rows) for units in parted]

    def _rows(self, unit: str) -> tuple[int, ...]:
        tokens = self._tokenizer.encode(" " + unit)
        rows = (*tokens, *(len(self._tokenizer) + place for place in self._hashed(unit)))
        if len(tokens) == 1:
            self._known[unit] = rows
        return rows

    def _hashed(self, unit: str) -> list[int]:
        words = _WORDS.findall(unit.lower())
        if unit[0] == "#":
            parts = _JOINED.findall(unit)
            words += [part.lower() for part in parts] if len(parts) > 1 else []
        if self.beginnings:
            words += [f"{word[:_BEGINNING]}-" for word in words if len(word) > _BEGINNING]
        return [xxhash.xxh3_64_intdigest(word.encode()) % self.buckets for word in words]


class Embedder:
    """Texts to vectors. table: (rows, d) float32, each row times its weight."""

    def __init__(self, features: Features, table: np.ndarray) -> None:
        self.features = features
        self.table = table

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, d) float32, each of unit length; the same text always gives the same vector."""
        out = np.empty((len(texts), self.table.shape[1]), np.float32)
        for begin in range(0, len(texts), _BATCH):
            out[begin : begin + _BATCH] = pooled(self.table, self.features.of(texts[begin : begin + _BATCH]))
        return out

    def cut(self, dimensions: int) -> "Embedder":
        """The same embedding with vectors of these first dimensions only: smaller, faster, and less exact.

        Raises Problem outside of 1 to all.
        """
        if not 1 <= dimensions <= self.table.shape[1]:
            raise Problem(
                f"Vectors of this model can have 1 to {self.table.shape[1]} dimensions, not {dimensions}.", 422
            )
        return Embedder(self.features, np.ascontiguousarray(self.table[:, :dimensions]))

    def save(self, directory: Path) -> None:
        """Writes `embedding.safetensors`, half precision."""
        about = {"beginnings": "yes"} if self.features.beginnings else {}
        save_file({"table": self.table.astype(np.float16)}, directory / "embedding.safetensors", about)

    @classmethod
    def load(
        cls,
        directory: Path,
        tokenizer: Tokens,
        clean: Callable[[str], str] = str,
        dimensions: int | None = None,
    ) -> "Embedder":
        """Reads what `save` wrote, cut to `dimensions` where given. Raises Problem where it cannot."""
        path = directory / "embedding.safetensors"
        try:
            with safe_open(path, "numpy") as file:
                table = file.get_tensor("table").astype(np.float32)
                beginnings = "beginnings" in (file.metadata() or {})
        except (OSError, SafetensorError, KeyError) as error:
            raise Problem(f"The embedding {path} cannot be read: {error}. Train again with `myna train`.") from error
        whole = cls(Features(tokenizer, len(table) - len(tokenizer), clean, beginnings), table)
        return whole if dimensions is None else whole.cut(dimensions)


def pooled(table: np.ndarray, rows: Sequence[Sequence[int]]) -> np.ndarray:
    """(texts, d) float32, unit length: the sums of each text's rows. table: (rows, d) float32."""
    bounds = np.cumsum([0, *(len(found) for found in rows)])
    flat = np.fromiter((row for found in rows for row in found), np.int64, bounds[-1])
    # A sparse matrix of ones adds a text's rows up one after the other, whoever stands beside it.
    summed = csr_array((np.ones(len(flat), np.float32), flat, bounds), (len(rows), len(table))) @ table
    unit: np.ndarray = summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    return unit
