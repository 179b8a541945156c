"""Vectors of posts: how fast, and how often the other post of a thread is the nearest among a thousand.

Pairs are replies and quotes of the last third of all such, both posts written after everything that was learned from.
Candidates are what they answer, filled up to a thousand with other posts of that time; other posts of the same thread
are neither right nor wrong. Peers see the text as people wrote it, with its mentions and links; ours sees it cleaned.

--data takes a folder with the `posts.parquet` of the documented layout; without it MYNA_DATA's congress_tweets_2016,
else a simulated network.
"""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from result import Row
from scipy.sparse import csr_array

from lm.network import posts_of
from myna.corpus import clean, gather, has_words, ties, train_tokenizer, vocabulary_size, write_corpus
from myna.model import PREFIXES, Embedder, fit_embedder, new_model, shape_of
from myna.network import Post
from myna.training import Family, Size, Trainer, make_plan

_CANDIDATES = 1000
_LATER = 1 / 3
_WORDS = re.compile(r"\w+")
_ASKED_OF_TF_IDF = 2.0


@dataclass(frozen=True)
class Task:
    """What was written before, and pairs of posts written after it. candidates: (candidates,), answers first."""

    before: list[Post]
    asked: list[Post]
    places: np.ndarray
    """(asked,) of the answer among the candidates."""
    candidates: list[Post]
    others: np.ndarray
    """(asked, candidates) bool: of the same thread, and not the answer."""


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    torch.set_num_threads(1)
    task = make_task(posts_of(data, 6_000 if quick else 40_000)[1])
    began = time.process_time()
    embedder = _fitted(task.before, 20 if quick else 150, 40 if quick else 250)
    yield Row("embedding: model trained and vectors fitted in", "CPU-s", time.process_time() - began, {}, None, False)
    texts = [post.text for post in task.before[-5000:]]
    began = time.process_time()
    embedder(texts)
    yield Row("embedding: speed", "posts/CPU-s", len(texts) / (time.process_time() - began), asked=5000)
    peers = {"TF-IDF": measure(task, tf_idf(task.before)), "BM25": measure(task, bm25(task.before))}
    for length in reversed(PREFIXES):
        ours = measure(task, embedder.cut(length))
        for place, name in enumerate(("the nearest", "in the first ten")):
            found = {peer: values[place] for peer, values in peers.items()}
            of = f"{name} of {len(task.candidates)}, {length} dimensions"
            what = f"other post of a thread, {len(task.asked)} later pairs: {of}"
            asked = _ASKED_OF_TF_IDF * found["TF-IDF"] if place == 0 and length == PREFIXES[-1] else None
            yield Row(what, "share", ours[place], found, asked)


def make_task(posts: Sequence[Post], seed: int = 0) -> Task:
    """The task of posts in time order. Raises ValueError where they hold no replies or quotes."""
    there = {post.id: post for post in posts}
    pairs = [(there[a], there[b]) for a, b in ties(posts)[0] if a != b]
    if not pairs:
        raise ValueError("no post here answers or quotes another that is here too")
    border = sorted(post.created_at for post, _ in pairs)[int(len(pairs) * (1 - _LATER))]
    threads = _threads(pairs)
    later = [(a, b) for a, b in pairs if min(a.created_at, b.created_at) >= border and _fit(a) and _fit(b)]
    later = [(a, b) for a, b in later if clean(a.text) != clean(b.text)]
    random = np.random.default_rng(seed)
    later = [later[place] for place in random.permutation(len(later))[:_CANDIDATES]]
    answers = {b.id: b for _, b in later}
    rest = [post for post in posts if post.created_at >= border and post.id not in answers and _fit(post)]
    filled = [rest[place] for place in random.permutation(len(rest))[: max(_CANDIDATES - len(answers), 0)]]
    candidates = [*answers.values(), *filled]
    places = {post.id: place for place, post in enumerate(candidates)}
    right = np.array([places[b.id] for _, b in later])
    of = np.array([threads.get(post.id, -1) for post in candidates])
    others = np.array([threads[a.id] for a, _ in later])[:, None] == of[None]
    others[np.arange(len(later)), right] = False
    before = [post for post in posts if post.created_at < border]
    return Task(before, [a for a, _ in later], right, candidates, others)


def _fit(post: Post) -> bool:
    return has_words(clean(post.text)) and not post.text.startswith("RT @")


def _threads(pairs: Sequence[tuple[Post, Post]]) -> dict[str, int]:
    """Post id -> number of its thread: whatever is connected."""
    up: dict[str, str] = {}

    def top(id: str) -> str:
        while up.setdefault(id, id) != id:
            id = up[id]
        return id

    for a, b in pairs:
        up[top(a.id)] = top(b.id)
    numbers = {id: number for number, id in enumerate(up)}
    return {id: numbers[top(id)] for id in list(up)}


Vectors = Callable[[Sequence[str]], np.ndarray]


def measure(task: Task, vectors: Vectors | Callable[[Sequence[str]], csr_array]) -> tuple[float, float]:
    """How often the answer is the nearest, and among the first ten. Ties count against whoever is asked."""
    scores = vectors([post.text for post in task.asked]) @ vectors([post.text for post in task.candidates]).T
    scores = scores if isinstance(scores, np.ndarray) else scores.toarray()
    own = scores[np.arange(len(scores)), task.places][:, None]
    ranks = ((scores >= own) & ~task.others).sum(1)
    return float(np.mean(ranks <= 1)), float(np.mean(ranks <= 10))


def _fitted(before: Sequence[Post], steps: int, pair_steps: int) -> Embedder:
    gathered = gather(before)
    texts = [passage.text for document in gathered.documents for passage in document.passages if not passage.context]
    tokenizer = train_tokenizer(texts, vocabulary_size(sum(len(text.encode()) for text in texts)))
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(gathered, tokenizer, Path(folder))
        family = Family(shape_of, new_model)
        plan = make_plan(Size(128, 4, 128), family, corpus.vocabulary, 1 << 40, 16, 1.0, 1.0, 1.0, "float32")
        plan = replace(plan, steps=steps, warmup=min(20, steps // 10), cooldown=steps * 2 // 3)
        trainer = Trainer(plan, family, corpus)
        while trainer.step < steps:
            trainer.advance()
        border, all = corpus.train_documents, corpus.description.documents
        known, held_out = corpus.said(0, border), corpus.said(border, all)
        answers, follows = ties(before)
        model = trainer.model
        fit = fit_embedder(  # type: ignore[arg-type]
            model, tokenizer, clean, known, held_out, answers=answers, follows=follows, steps=pair_steps
        )
        return fit[0]


def tf_idf(posts: Sequence[Post]) -> Callable[[Sequence[str]], csr_array]:
    """Cosine of (1 + log tf) idf, idf of the posts given."""
    held = Counter(word for post in posts for word in set(_words(post.text)))
    rarity = {word: np.log((1 + len(posts)) / (1 + count)) + 1 for word, count in held.items()}
    places = {word: place for place, word in enumerate(rarity)}

    def vectors(texts: Sequence[str]) -> csr_array:
        found = _counted(texts, places, lambda word, count, _: (1 + np.log(count)) * rarity[word])
        lengths = np.sqrt(np.asarray(found.multiply(found).sum(1)))
        return csr_array(found.multiply(1 / np.maximum(lengths, 1e-12)[:, None]))

    return vectors


def bm25(posts: Sequence[Post], k1: float = 1.2, b: float = 0.75) -> Callable[[Sequence[str]], csr_array]:
    """Both sides weighed as BM25 weighs a document, the square root of the rarity on each: symmetric."""
    held = Counter(word for post in posts for word in set(_words(post.text)))
    usual = float(np.mean([len(_words(post.text)) for post in posts]))
    rarity = {word: np.log(1 + (len(posts) - count + 0.5) / (count + 0.5)) for word, count in held.items()}
    places = {word: place for place, word in enumerate(rarity)}

    def weigh(word: str, count: int, length: int) -> float:
        return float(np.sqrt(rarity[word]) * count * (k1 + 1) / (count + k1 * (1 - b + b * length / usual)))

    return lambda texts: _counted(texts, places, weigh)


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def _counted(texts: Sequence[str], places: dict[str, int], weigh: Callable[[str, int, int], float]) -> csr_array:
    bounds, columns, values = [0], [], []
    for text in texts:
        words = _words(text)
        for word, count in Counter(words).items():
            if word in places:
                columns.append(places[word])
                values.append(weigh(word, count, len(words)))
        bounds.append(len(columns))
    return csr_array((values, columns, bounds), (len(texts), len(places)))


if __name__ == "__main__":
    for row in rows(None, True):
        print(row.what, row.unit, round(row.ours, 3), {peer: round(value, 3) for peer, value in row.peers.items()})
