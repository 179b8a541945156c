"""The model of risk: its parts, what it says of a text, and how it is kept.

logit = base + signals · their weights + words · theirs + embedding · theirs, then Platt's slope and shift. What a
decision logs is the signals, and the words' and the embedding's sums as one number each: enough to compute the
probability again, nothing to read the text from. The small part of every version (`risk-VERSION.json`) is therefore
kept for good, the large one (`risk-VERSION.npz`) of the newest only.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from myna.drafts.logistic import Floats, sigmoid
from myna.drafts.ngrams import BUCKETS, composed, counted, ngrams
from myna.drafts.signals import BASE, SIGNALS, Span
from myna.network import NotFound

Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]

PRIOR = "prior-1"
"""The version that nothing was trained for: the signals with the weights set by hand."""
PROBES = ("The weather is fine today.", "Hôm nay trời đẹp.", "You said that yesterday already!")
"""Texts whose vectors tell whether an embedding is still the one that the weights were fitted to."""
NAMES = tuple(signal.name for signal in SIGNALS)


@dataclass(frozen=True, slots=True)
class Head:
    """The small part of a version: all that is needed to go from logged features to a probability."""

    version: str
    base: float
    weights: dict[str, float]
    slope: float = 1.0
    shift: float = 0.0
    threshold: float = 0.5
    metrics: dict[str, float] = field(default_factory=dict)

    def logit(self, features: dict[str, float], words: float, meaning: float) -> float:
        """The calibrated logit. words, meaning: the sums of the words' and of the embedding's parts."""
        total = self.base + words + meaning
        for name, value in sorted(features.items()):
            total += self.weights.get(name, 0.0) * value
        return self.slope * total + self.shift

    def probability(self, features: dict[str, float], words: float, meaning: float) -> float:
        """The chance that at least one of twenty readers minds, rounded to 4 places."""
        return round(float(sigmoid(np.array([self.logit(features, words, meaning)]))[0]), 4)


PRIOR_HEAD = Head(PRIOR, BASE, {signal.name: signal.weight for signal in SIGNALS})


@dataclass(frozen=True, slots=True)
class Model:
    """A head with the weights of words and embedding. words: (buckets,) of the rows' scaled counts, idf folded in."""

    head: Head = PRIOR_HEAD
    words: npt.NDArray[np.float32] | None = None
    idf: npt.NDArray[np.float32] | None = None
    meaning: npt.NDArray[np.float32] | None = None
    probe: npt.NDArray[np.float32] | None = None

    def fits(self, probe: npt.NDArray[np.float32] | None) -> bool:
        """Whether the embedding that gave these vectors of the probes is the one that the weights were fitted to."""
        if self.meaning is None or probe is None or self.probe is None or probe.shape != self.probe.shape:
            return False
        # Unit vectors. Arithmetic in bf16 moves them by some 1e-3, another training by far more.
        return bool((probe * self.probe).sum(axis=1).min() > 0.99)

    def word_scores(self, texts: Sequence[str]) -> Floats:
        """(texts,) the words' part of each logit."""
        if self.words is None or self.idf is None:
            return np.zeros(len(texts))
        found: Floats = scaled(counted(texts), self.idf) @ self.words.astype(np.float64)
        return found

    def meaning_scores(self, vectors: npt.NDArray[np.float32]) -> Floats:
        """(texts,) the embedding's part of each logit, of vectors (texts, d)."""
        if self.meaning is None:
            return np.zeros(len(vectors))
        return np.asarray(vectors, np.float64) @ self.meaning.astype(np.float64)

    def telling_words(self, text: str, most: int = 3, least: float = 0.15) -> list[tuple[Span, float]]:
        """The words that raise the risk most: their (start, end) in the text and their part of the logit."""
        if self.words is None or self.idf is None or not text.strip():
            return []
        _, buckets, starts, ends = ngrams([text])
        whole, places = composed(text)
        row = scaled(counted([text]), self.idf)
        at = np.searchsorted(row.indices, buckets)
        times = np.bincount(at, minlength=len(row.indices))
        part = row.data[at] * self.words[buckets] / times[at]  # an n-gram that occurs twice is shared out
        gains = np.zeros(len(whole) + 1)
        for start, end, gain in zip(starts, np.minimum(ends, len(whole)), part, strict=True):
            if end > start:
                gains[start:end] += gain / (end - start)
        found: list[tuple[Span, float]] = []
        start = 0
        for place in range(len(whole) + 1):
            if place == len(whole) or whole[place].isspace():
                if place > start and (gain := float(gains[start:place].sum())) >= least:
                    found.append(((places[start], places[place]), gain))
                start = place + 1
        found.sort(key=lambda word: -word[1])
        return [word for word in found[:most] if word[1] >= found[0][1] / 4]


def scaled(counts: sparse.csr_matrix, idf: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    """Counts times idf, each row of length 1."""
    values = counts.data * idf[counts.indices]
    squares = np.add.reduceat(np.r_[values * values, 0.0], counts.indptr[:-1]) if counts.shape[0] else np.zeros(0)
    lengths = np.where(np.diff(counts.indptr) > 0, np.sqrt(squares), 1.0)
    lengths[lengths == 0] = 1.0
    values = (values / np.repeat(lengths, np.diff(counts.indptr))).astype(np.float32)
    return sparse.csr_matrix((values, counts.indices, counts.indptr), counts.shape)


def save(directory: Path, model: Model) -> Model:
    """Keeps the model as the newest, atomically; returns it with the version it was given."""
    body = {name: getattr(model.head, name) for name in Head.__slots__ if name != "version"}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode())
    for array in (model.words, model.meaning):
        if array is not None:
            digest.update(array.tobytes())
    version = f"{PRIOR if model.words is None else 'risk'}-{digest.hexdigest()[:12]}"
    head = Head(version=version, **body)
    directory.mkdir(parents=True, exist_ok=True)
    if model.words is not None and model.idf is not None:
        used = np.flatnonzero(model.words)
        arrays: dict[str, Any] = {
            "used": used.astype(np.int32),
            "words": model.words[used],
            "idf": model.idf.astype(np.float16),
        }
        if model.meaning is not None and model.probe is not None:
            arrays |= {"meaning": model.meaning, "probe": model.probe}
        _write(directory / f"{version}.npz", lambda file: np.savez(file, **arrays))
    _write(directory / f"{version}.json", lambda file: file.write(json.dumps(body, sort_keys=True).encode()))
    _write(directory / "newest", lambda file: file.write(version.encode()))
    for old in directory.glob("risk-*.npz"):
        if old.stem != version:
            old.unlink(missing_ok=True)
    return Model(head, model.words, model.idf, model.meaning, model.probe)


def newest(directory: Path) -> str:
    """The version kept as the newest; the prior's where there is none."""
    path = directory / "newest"
    return path.read_text().strip() if path.exists() else PRIOR


def forget(directory: Path) -> None:
    """From now on the newest is the prior; what earlier versions decided can still be replayed."""
    (directory / "newest").unlink(missing_ok=True)


def load(directory: Path) -> Model:
    """The newest model; the prior where nothing was trained yet."""
    version = newest(directory)
    head = load_head(directory, version)
    path = directory / f"{version}.npz"
    if version.startswith(PRIOR):
        return Model(head)
    if not path.exists():
        if newest(directory) != version:  # another process has just trained
            return load(directory)
        raise NotFound(f"The draft model {path} is missing; train again with `myna train`, or restore a backup.")
    with np.load(path) as arrays:
        words = np.zeros(BUCKETS, np.float32)
        words[arrays["used"]] = arrays["words"]
        meaning = arrays.get("meaning")
        probe = arrays.get("probe")
        return Model(head, words, arrays["idf"].astype(np.float32), meaning, probe)


def load_head(directory: Path, version: str) -> Head:
    """The small part of any version there ever was. Raises NotFound."""
    if version == PRIOR:
        return PRIOR_HEAD
    path = directory / f"{version}.json"
    if not path.exists():
        raise NotFound(f"The draft model {version!r} is not in {directory}; restore that folder from a backup.")
    return Head(version=version, **json.loads(path.read_text()))


def _write(path: Path, fill: Callable[[Any], object]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
