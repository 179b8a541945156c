"""The order of what was found, and what to mark in it. Pure functions of texts and numbers.

Notable choices:
- The engine finds candidates; their final score is BM25 with k1 = 0.9 and b = 0.4 (Anserini's values for tweets: a
  short text repeats a word for emphasis, not for relevance), computed from the texts that the gate handed out. On TREC
  Microblog this gains 6 and 2 points of nDCG@10 over the engine's own 1.2 and 0.75.
- Recency and likes are worth less than any word: they order what is equally relevant.
- Words and meaning are joined by reciprocal rank fusion (Cormack et al. 2009), the meaning weighted by what it proved
  to be worth on this network, which may be nothing.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from myna.search.analyzer import Term, Unit
from myna.search.schema import stem

K1, B = 0.9, 0.4
_RRF = 60
"""The constant of reciprocal rank fusion, as published."""
_MARKED = 0.15
"""What a word written with the query's own marks is worth more."""
_TIE = 0.3
"""The most that recency and likes add together: below the score of one common word."""
_MONTH = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post that may be shown. words: its BM25, 0 for none; meaning: cosine, None where not asked; strict: it holds
    all that was asked for; tie: 0 to 1 for recency and likes."""

    id: str
    seq: int
    at: int
    words: float
    tie: float
    meaning: float | None = None
    strict: bool = True


@lru_cache(65_536)
def root(word: str) -> str:
    """The English stem of one word."""
    found = stem(word)
    return found[0] if found else word


def tie(at: int, likes: int, now: int) -> float:
    """How new and how liked, from 0 to 1. at and now in milliseconds."""
    recency = 1 / (1 + max(0, now - at) / _MONTH) if at else 0.0
    return 0.5 * recency + 0.5 * min(1.0, math.log10(1 + likes) / 6)


class Scorer:
    """BM25 for one query. frequency: unit -> in how many of `documents` posts it occurs."""

    def __init__(self, wanted: Sequence[Unit], frequency: Mapping[Unit, int], documents: int) -> None:
        self._wanted = wanted
        self._idf = {
            unit: math.log(1 + (max(documents, n) - n + 0.5) / (n + 0.5)) for unit, n in frequency.items()
        }  # fmt: skip

    def scores(self, texts: Sequence[Sequence[Term]], english: Sequence[bool]) -> list[float]:
        """One score per analysed text. english: whether its words are compared by stem too."""
        lengths = [sum(not term.also for term in terms) for terms in texts]
        mean = (sum(lengths) / len(lengths) if lengths else 0) or 1.0
        return [
            self._score(terms, length / mean, stems)
            for terms, length, stems in zip(texts, lengths, english, strict=True)
        ]

    def _score(self, terms: Sequence[Term], length: float, stems: bool) -> float:
        sequence = [term.text for term in terms if not term.also]
        also = {term.text for term in terms if term.also}
        counts = Counter(sequence)
        if stems:
            roots = Counter(root(word) for word in sequence)
        score = 0.0
        for unit in self._wanted:
            if len(unit.sequence) == 1:
                word = unit.sequence[0]
                found = float(roots[root(word)] if stems and unit.also else counts[word])
            elif unit.sequence:
                found = float(sum(1 for _ in places(unit.sequence, sequence)))
                if not found:
                    # Some of the parts: worth the share of them squared, so that scattered ones count for little.
                    found = 0.5 * (sum(part in counts for part in unit.sequence) / len(unit.sequence)) ** 2
            else:
                found = 0.0
            found = found or 0.8 * any(other in also or other in counts for other in unit.also)
            if found:
                worth = self._idf.get(unit, 0.0) * found * (1 + K1) / (found + K1 * (1 - B + B * length))
                score += worth * (1 + _MARKED * bool(unit.marked and unit.marked in also))
        return score


def places(sequence: Sequence[str], within: Sequence[str]) -> Iterable[int]:
    """Where a sequence begins within another."""
    first, width = sequence[0], len(sequence)
    for place, word in enumerate(within):
        if word == first and tuple(within[place : place + width]) == tuple(sequence):
            yield place


def order(candidates: Iterable[Candidate], sort: str, weight: float) -> list[tuple[Candidate, float]]:
    """The candidates in the order shown, each with its score: those that hold all that was asked first.

    sort: `latest` for newest first, else `top`. weight: of the meaning against the words; 0 leaves it out.
    """
    found = list(candidates)
    if sort == "latest":
        return [(c, float(c.at)) for c in sorted(found, key=lambda c: (not c.strict, -c.at, -c.seq))]
    relevance = {c.id: c.words + _TIE * c.tie for c in found}
    if weight > 0:
        near = sorted((c for c in found if c.meaning is not None), key=lambda c: (-(c.meaning or 0.0), -c.seq))
        worded = sorted((c for c in found if c.words > 0), key=lambda c: (-relevance[c.id], -c.seq))
        fused = dict.fromkeys(relevance, 0.0)
        for share, ranking in ((1.0, worded), (weight, near)):
            for rank, c in enumerate(ranking):
                fused[c.id] += share / (_RRF + rank + 1)
        relevance = fused
    ordered = sorted(found, key=lambda c: (not c.strict, -relevance[c.id], -c.at, -c.seq))
    return [(c, round(relevance[c.id], 6)) for c in ordered]


def highlights(terms: Sequence[Term], wanted: Sequence[Unit], english: bool = True) -> tuple[tuple[int, int], ...]:
    """The spans of a text that a query asked for, merged where they touch. terms: the text, analysed; english: whether
    words of the same stem are marked too."""
    sequence = [term for term in terms if not term.also]
    words = [term.text for term in sequence]
    spans: list[tuple[int, int]] = []
    singles = {unit.sequence[0] for unit in wanted if len(unit.sequence) == 1}
    roots = {root(unit.sequence[0]) for unit in wanted if english and len(unit.sequence) == 1 and unit.also}
    others = {text for unit in wanted for text in unit.also}
    spans += [(t.start, t.end) for t in sequence if t.text in singles or (roots and root(t.text) in roots)]
    spans += [(term.start, term.end) for term in terms if term.text in others]
    for unit in wanted:
        if len(unit.sequence) > 1:
            for place in places(unit.sequence, words):
                spans.append((sequence[place].start, sequence[place + len(unit.sequence) - 1].end))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(set(spans)):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
