"""Whether meaning helps on this network: measured, and left out until it does.

Queries whose answer is known are made from the network's own posts: a few words of a post should find the post (known
item), and a reply should find what it answers. The weight of meaning is chosen on one half of them and judged on the
other half; it stays 0 unless neither kind loses there. Measured elsewhere, fusing with a weak embedding by default cost
up to 20 points of nDCG@10, so the default is off.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from myna.network import Post
from myna.search.analyzer import analyze
from myna.search.stopwords import STOPWORDS

WEIGHTS = (0.0, 0.15, 0.3, 0.6, 1.0)
LEAST = 40
"""Queries of a kind below which nothing can be concluded about it."""
_MOST = 300


@dataclass(frozen=True, slots=True)
class Probe:
    """A query with its one right answer. kind: `known item` or `reply`. asker: a post that must not be the answer."""

    kind: str
    text: str
    answer: str
    asker: str = ""


@dataclass(frozen=True, slots=True)
class Fusion:
    """What meaning is worth. weight 0: nothing. ndcg: kind -> (words alone, with meaning) on the held-out half."""

    version: str
    weight: float = 0.0
    queries: int = 0
    ndcg: tuple[tuple[str, float, float], ...] = ()


def probes(posts: Sequence[Post], parents: dict[str, Post], seed: int = 0) -> list[Probe]:
    """Queries with known answers. parents: reply id -> the post it answers."""
    draw = random.Random(seed)
    found: list[Probe] = []
    for post in draw.sample(list(posts), min(len(posts), 4 * _MOST)):
        words = _content(post.text)
        if len(words) >= 6 and sum(probe.kind == "known item" for probe in found) < _MOST:
            # Words in the order of the post, as a person half remembers it.
            kept = sorted(draw.sample(range(len(words)), draw.choice((2, 3, 4))))
            found.append(Probe("known item", " ".join(words[place] for place in kept), post.id))
    replies = [post for post in posts if post.id in parents]
    for post in draw.sample(replies, min(len(replies), 4 * _MOST)):
        words = _content(post.text)
        if len(words) >= 3 and sum(probe.kind == "reply" for probe in found) < _MOST:
            found.append(Probe("reply", " ".join(words[:12]), parents[post.id].id, post.id))
    return found


def judge(found: Sequence[Probe], rank: Callable[[Probe, float], int | None], version: str) -> Fusion:
    """The weight that the probes justify. rank(probe, weight): the place of the answer from 0, None if not found."""
    kinds = sorted({p.kind for p in found if sum(other.kind == p.kind for other in found) >= LEAST})
    tuned = {kind: [p for p in found if p.kind == kind][0::2] for kind in kinds}
    held = {kind: [p for p in found if p.kind == kind][1::2] for kind in kinds}

    def ndcg(asked: Sequence[Probe], weight: float) -> float:
        gains = (rank(probe, weight) for probe in asked)
        return sum(1 / math.log2(place + 2) for place in gains if place is not None and place < 10) / len(asked)

    if not kinds:
        return Fusion(version)
    base = {kind: ndcg(tuned[kind], 0.0) for kind in kinds}
    best, gain = 0.0, 0.0
    for weight in WEIGHTS[1:]:
        gains = [ndcg(tuned[kind], weight) - base[kind] for kind in kinds]
        if min(gains) >= 0 and sum(gains) > gain:
            best, gain = weight, sum(gains)
    figures = tuple((kind, ndcg(held[kind], 0.0), ndcg(held[kind], best)) for kind in kinds)
    if any(after < before for _, before, after in figures):
        best = 0.0
    return Fusion(version, best, sum(len(asked) for asked in held.values()), figures)


def _content(text: str) -> list[str]:
    """The words that carry a post's subject, in order, each once."""
    terms = (term.text for term in analyze(text) if not term.also)
    return list(dict.fromkeys(word for word in terms if len(word) > 2 and word not in STOPWORDS))
