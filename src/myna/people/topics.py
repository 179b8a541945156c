"""Topics of the network: clusters of its posts, named by their telling words.

Spherical k-means (Dhillon & Modha 2001) over the vectors of `space.py`, seeded. A topic learnt anew keeps the id of
the old topic whose telling words it shares, so that what a person hid stays hidden after a rebuild.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from myna.people.activity import TOPICS_OF_A_POST, WIDTH
from myna.people.columns import Array
from myna.people.space import WORDS, Embed, Space, families, learn, unit
from myna.people.words import words

TELLING = 12
"""Words kept of each topic; the first three name it."""
_SAME = 0.2
"""Share of telling words in common from which an old and a new topic are one."""
_NEAR = 0.25
"""Cosine below which a post does not belong to a topic."""


@dataclass(frozen=True, slots=True)
class Topics:
    """What the network talks about.

    ids, telling: of each topic, its id and its telling words, the most telling first. centres: (topics, WIDTH) float32
    of unit length. posts: how many there were when these were learnt.
    """

    space: Space
    ids: tuple[str, ...]
    telling: tuple[tuple[str, ...], ...]
    centres: Array
    posts: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def name(self, topic: int) -> str:
        """A few telling words: `match, goal, #football`."""
        return ", ".join(_distinct(self.telling[topic])[:3])

    def of(self, vectors: Array) -> tuple[Array, Array]:
        """The nearest topics of vectors: (n, 3) int16, -1 for none, and their weights (n, 3) float32, summing to 1."""
        n = len(vectors)
        topic = np.full((n, TOPICS_OF_A_POST), -1, np.int16)
        weight = np.zeros((n, TOPICS_OF_A_POST), np.float32)
        if not len(self) or not n:
            return topic, weight
        likeness = vectors @ self.centres.T
        width = min(TOPICS_OF_A_POST, len(self))
        best = np.argsort(-likeness, axis=1, kind="stable")[:, :width]
        # Cubed, so that a post has one topic unless others are nearly as near.
        close = np.take_along_axis(likeness, best, axis=1)
        strength = np.where(close >= _NEAR, close, 0) ** 3
        strength[strength < 0.3 * strength.max(axis=1, keepdims=True)] = 0
        total = strength.sum(axis=1, keepdims=True)
        weight[:, :width] = strength / np.where(total > 0, total, 1)
        topic[:, :width] = np.where(weight[:, :width] > 0, best, -1)
        return topic, weight

    def matching(self, wanted: Sequence[str]) -> list[int]:
        """The topics meant by words or ids that a person typed: all whose id, name or telling words they are."""
        found = []
        for topic, (id, telling) in enumerate(zip(self.ids, self.telling, strict=True)):
            known = {word.lstrip("#") for word in telling}
            for text in wanted:
                asked = {word.lstrip("#") for word in words(text)} | {text.strip().lower().lstrip("#")}
                if text == id or text == self.name(topic) or asked & known:
                    found.append(topic)
                    break
        return found


def _distinct(telling: Sequence[str]) -> list[str]:
    """Without the syllables that a pair before them holds: `bóng đá` says what `bóng` and `đá` would."""
    kept: list[str] = []
    for word in telling:
        stem = word.lstrip("#")
        if not any(stem in other.lstrip("#").split(" ") or stem == other.lstrip("#") for other in kept):
            kept = [other for other in kept if other not in word.split(" ")] + [word]
    return kept


def _none(space: Space, posts: int) -> Topics:
    return Topics(space, (), (), np.zeros((0, WIDTH), np.float32), posts)


NONE = _none(Space((), np.zeros(0, np.float32), np.zeros((0, WORDS), np.float32)), 0)


def discover(
    texts: Sequence[str],
    langs: Sequence[str],
    authors: Sequence[str],
    embed: Embed | None = None,
    version: str = "",
    before: Topics = NONE,
    total: int = 0,
    seed: int = 0,
) -> Topics:
    """Learns the topics of these posts. before: those known, whose ids are kept where they are the same.

    total: how many posts the network has, where these are a sample.
    """
    total = total or len(texts)
    space = learn(texts, langs, authors, embed, version, seed)
    if not space.vocabulary:
        return _none(space, total)
    rng = np.random.default_rng(seed)
    vectors = space.vectors(texts, langs, embed)
    said = np.flatnonzero(np.linalg.norm(vectors, axis=1) > 0)
    if len(said) < 10:
        return _none(space, total)
    texts, langs = [texts[i] for i in said.tolist()], [langs[i] for i in said.tolist()]
    counts = space.tfidf(texts, langs)
    centres: list[Array] = []
    telling: list[tuple[str, ...]] = []
    for rows in families(langs):
        wanted = int(np.clip(round(len(rows) ** 0.5 / 2.5), 3, 50))
        found, member = _cluster(vectors[said[rows]], wanted, rng)
        words_ = _telling(counts[rows], member, len(found), space.vocabulary)
        kept = [k for k in range(len(found)) if words_[k]]
        centres += [found[k] for k in kept]
        telling += [words_[k] for k in kept]
    if not centres:
        return _none(space, total)
    return _named(space, telling, np.array(centres, np.float32), before, total)


def _cluster(vectors: Array, k: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Centres (k, WIDTH) and the centre of each vector, by k-means++ and at most 25 rounds."""
    sample = vectors[rng.choice(len(vectors), min(len(vectors), 3000), replace=False)]
    centres = sample[[int(rng.integers(len(sample)))]]
    nearest = 1 - sample @ centres[0]
    while len(centres) < k:
        odds = np.clip(nearest, 1e-6, None).astype(np.float64)
        pick = sample[int(rng.choice(len(sample), p=odds / odds.sum()))]
        centres = np.vstack([centres, pick])
        nearest = np.minimum(nearest, 1 - sample @ pick)
    member = np.zeros(len(vectors), np.int64)
    for turn in range(25):
        new = np.argmax(vectors @ centres.T, axis=1)
        if turn and (new == member).mean() > 0.999:
            break
        member = new
        sums = np.zeros_like(centres)
        np.add.at(sums, member, vectors)
        empty = np.bincount(member, minlength=len(centres)) == 0
        centres = np.where(empty[:, None], centres, unit(sums))
    alive = np.flatnonzero(np.bincount(member, minlength=len(centres)) >= 3)
    centres = centres[alive]
    return centres, np.argmax(vectors @ centres.T, axis=1)


def _telling(
    counts: sparse.csr_matrix, member: Array, clusters: int, vocabulary: Sequence[str]
) -> list[tuple[str, ...]]:
    """Each cluster's words by their share of it against their share elsewhere, weighted by how common they are."""
    pick = sparse.csr_matrix(
        (np.ones(len(member), np.float32), (member, np.arange(len(member)))), (clusters, len(member))
    )
    inside = np.asarray((pick @ (counts > 0).astype(np.float32)).todense())
    size = np.bincount(member, minlength=clusters)[:, None]
    outside = inside.sum(axis=0, keepdims=True) - inside
    rate = inside / np.maximum(size, 1)
    other = (outside + 0.5) / np.maximum(len(member) - size + 1, 1)
    score = np.where(inside >= 3, rate * np.log(np.maximum(rate, 1e-9) / other), 0)
    telling = []
    for row in score:
        best = [place for place in np.argsort(-row, kind="stable")[:TELLING] if row[place] > 0]
        telling.append(tuple(vocabulary[place] for place in best))
    return telling


def _named(space: Space, telling: list[tuple[str, ...]], centres: Array, before: Topics, total: int) -> Topics:
    """Gives ids: the old one where the telling words are mostly the same, else one made of the words."""
    ids: list[str] = [""] * len(telling)
    if len(before) and telling:
        shared = np.array([[likeness(new, old) for old in before.telling] for new in telling])
        for new, old in zip(*linear_sum_assignment(-shared), strict=True):
            if shared[new, old] >= _SAME:
                ids[new] = before.ids[old]
    taken = {id for id in ids if id}
    for place, topic in enumerate(telling):
        salt = 0
        while not ids[place]:
            id = "t" + hashlib.sha256(f"{' '.join(topic)}{salt or ''}".encode()).hexdigest()[:8]
            if id not in taken:
                ids[place] = id
                taken.add(id)
            salt += 1
    return Topics(space, tuple(ids), tuple(telling), centres, total)


def likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """How far two topics share their telling words: Jaccard, in [0, 1]."""
    a, b = set(one), set(other)
    return len(a & b) / len(a | b) if a or b else 0.0
