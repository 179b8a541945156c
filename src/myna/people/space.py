"""Posts as vectors, learnt from the network's own words: no model needed.

Latent semantic analysis (Deerwester et al. 1990): TF-IDF weights of words, projected on the strongest directions of
a sample of posts, each language's own, so that a small language keeps its topics beside a large one. Words that are
everybody's are a language's stop words and are learnt, not listed. Where the language model's embeddings are at hand,
half of a vector's length comes from them.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from myna.people.activity import WIDTH
from myna.people.columns import Array
from myna.people.words import words

Embed = Callable[[Sequence[str]], np.ndarray[tuple[int, int], np.dtype[np.float32]]]

WORDS = 72
"""Dimensions that words fill; the language model fills the rest."""
_SAMPLE = 12_000
"""Posts from which directions are learnt; more posts change them little."""
_MOST_WORDS = 12_000
_FEWEST_POSTS = 3
"""Of a word, for it to be known: a word of one or two posts tells of no topic and may name somebody."""
_LANGUAGE = 60
"""Posts of a language in the sample from which it has directions of its own."""
_JUDGED = 40
"""Posts with a word from which it can be told whose word it is."""
_EVERYBODYS = 0.93
"""Of the authors who would use a word if it fell on posts at random: grammar's words reach it, a topic's not."""
_SOMEBODYS = 0.8
"""From this share down a word counts in full."""
_TOO_COMMON = 0.3


@dataclass(frozen=True, slots=True)
class Space:
    """How texts become vectors.

    vocabulary: the known words. idf: (words,) float32. axes: (words, WORDS) float32. model_axes: (dimensions of the
    embedding, WIDTH - WORDS) float32, empty where no model took part; version names that model.
    """

    vocabulary: tuple[str, ...]
    idf: Array
    axes: Array
    model_axes: Array = field(default_factory=lambda: np.zeros((0, WIDTH - WORDS), np.float32))
    version: str = ""
    places: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        self.places.update({word: place for place, word in enumerate(self.vocabulary)})

    def tfidf(self, texts: Sequence[str], langs: Sequence[str]) -> sparse.csr_matrix:
        """(texts, words) sparse float32, each row of unit length."""
        starts: list[int] = [0]
        places: list[int] = []
        weights: list[float] = []
        for text, lang in zip(texts, langs, strict=True):
            counts = Counter(self.places[word] for word in words(text, lang) if word in self.places)
            row = [(1 + math.log(count)) * float(self.idf[place]) for place, count in counts.items()]
            length = math.sqrt(sum(weight * weight for weight in row)) or 1.0
            places += counts
            weights += [weight / length for weight in row]
            starts.append(len(places))
        shape = (len(texts), len(self.vocabulary))
        return sparse.csr_matrix((np.array(weights, np.float32), np.array(places, np.int32), starts), shape)

    def vectors(self, texts: Sequence[str], langs: Sequence[str], embed: Embed | None = None) -> Array:
        """(texts, WIDTH) float32 of unit length; zero for a text without known words."""
        found = np.zeros((len(texts), WIDTH), np.float32)
        found[:, :WORDS] = unit(np.asarray(self.tfidf(texts, langs) @ self.axes, np.float32))
        if embed is not None and len(self.model_axes):
            known = np.linalg.norm(found, axis=1, keepdims=True) > 0
            found[:, WORDS:] = known * unit(np.asarray(embed(texts), np.float32) @ self.model_axes)
        # As precise as a snapshot keeps them, so that a restart changes nothing.
        return np.asarray(unit(found).astype(np.float16), np.float32)


def unit(vectors: Array) -> Array:
    """Each row at length one; zero rows stay zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 1e-9, length, 1), np.float32)


def learn(
    texts: Sequence[str],
    langs: Sequence[str],
    authors: Sequence[str],
    embed: Embed | None = None,
    version: str = "",
    seed: int = 0,
) -> Space:
    """Learns a space from posts. texts, langs, authors: of one length; of more than 12,000 a seeded sample is taken."""
    rng = np.random.default_rng(seed)
    if len(texts) > _SAMPLE:
        chosen = np.sort(rng.choice(len(texts), _SAMPLE, replace=False)).tolist()
        texts, langs = [texts[i] for i in chosen], [langs[i] for i in chosen]
        authors = [authors[i] for i in chosen]
    total: Counter[str] = Counter()
    worth: dict[str, float] = {}
    for lang in sorted(set(langs)):
        posts = [
            (set(words(text, lang)), author)
            for text, own, author in zip(texts, langs, authors, strict=True)
            if own == lang
        ]
        counts = Counter(word for found, _ in posts for word in found)
        total.update(counts)
        for word, value in _worth(posts, counts).items():
            worth[word] = min(worth.get(word, 1.0), value)
    kept = [(count, word) for word, count in total.items() if count >= _FEWEST_POSTS and worth.get(word, 1.0) > 0]
    kept.sort(key=lambda pair: (-pair[0], pair[1]))
    vocabulary = tuple(sorted(word for _, word in kept[:_MOST_WORDS]))
    idf = np.array([worth.get(w, 1.0) * math.log(1 + len(texts) / total[w]) for w in vocabulary], np.float32)
    if len(vocabulary) < 8:
        return Space((), np.zeros(0, np.float32), np.zeros((0, WORDS), np.float32))
    space = Space(vocabulary, idf, np.zeros((len(vocabulary), WORDS), np.float32))
    axes = _directions(space.tfidf(texts, langs), families(langs), rng)
    if embed is None:
        return Space(vocabulary, idf, axes)
    # The model's dimensions are many and correlated: keep their strongest directions.
    embedded = np.asarray(embed(texts), np.float32)
    embedded = embedded - embedded.mean(axis=0)
    _, turned = np.linalg.eigh(embedded.T @ embedded)
    size = min(WIDTH - WORDS, embedded.shape[1])
    model_axes = np.zeros((embedded.shape[1], WIDTH - WORDS), np.float32)
    model_axes[:, :size] = turned[:, ::-1][:, :size]
    return Space(vocabulary, idf, axes, model_axes, version)


def families(langs: Sequence[str]) -> list[Array]:
    """The places of posts that are looked at together: each language with enough posts, and the others as one."""
    counts = Counter(langs)
    large = sorted((lang for lang in counts if counts[lang] >= _LANGUAGE), key=lambda lang: (-counts[lang], lang))[:12]
    own = {lang: place for place, lang in enumerate(large)}
    place = np.array([own.get(lang, len(large)) for lang in langs], np.int64)
    return [rows for family in range(len(large) + 1) if len(rows := np.flatnonzero(place == family)) >= 10]


def _directions(matrix: sparse.csr_matrix, parts: list[Array], rng: np.random.Generator) -> Array:
    """(words, WORDS): the strongest directions of each family of posts, as many as the root of its size deserves."""
    axes = np.zeros((matrix.shape[1], WORDS), np.float32)
    worth = np.sqrt([len(rows) for rows in parts])
    start = 0
    for rows, width in zip(
        parts, np.maximum(np.floor(WORDS * worth / worth.sum()), 4).astype(int).tolist(), strict=True
    ):
        part = matrix[rows]
        rank = min(width, WORDS - start, min(part.shape) - 1)
        # Posts of grammar alone have no direction.
        if rank < 1 or not part.count_nonzero():
            continue
        _, strengths, directions = svds(part, k=rank, v0=rng.standard_normal(min(part.shape)).astype(np.float32))
        axes[:, start : start + rank] = directions[np.argsort(-strengths)].T
        start += rank
    return axes


def _worth(posts: list[tuple[set[str], str]], counts: Counter[str]) -> dict[str, float]:
    """What common words tell, in [0, 1]; 0 for stop words. A topic's words are some people's more than others', while
    those of grammar are everybody's. With a single author nothing but how common they are can tell."""
    common = {word for word, count in counts.items() if count >= _JUDGED and word[0] != "#"}
    written = np.array(list(Counter(author for _, author in posts).values()))
    users: dict[str, set[str]] = {word: set() for word in common}
    for found, author in posts:
        for word in found & common:
            users[word].add(author)
    worth = {}
    for word in sorted(common):
        share = counts[word] / len(posts)
        expected = float((1 - (1 - share) ** written).sum())
        spread = len(users[word]) / expected if len(written) > 1 else 10 * share
        full = (_EVERYBODYS - spread) / (_EVERYBODYS - _SOMEBODYS)
        worth[word] = 0.0 if share > _TOO_COMMON else min(max(full, 0.0), 1.0)
    return worth
