"""Forecast of reactions: how well the order of later posts' likes and reposts is told from earlier ones alone.

Each data set is split by time: the oldest four fifths teach everything (the language model whose vectors are used, the
forecast, the peers), the newest fifth is forecast. Measured is Spearman's correlation over all later posts, and within
authors of 20 later posts or more, weighed by their number. Peers on the same posts: each author's mean of training
time, the same kept up to date, TF-IDF ridge, and TF-IDF ridge that knows the author's mean too. The forecast and
`author's latest mean` know of a later post's past what was settled a day before it; the others nothing after the split.

--data takes a folder whose `posts.parquet` has counts; without it MYNA_DATA's presidents and members of Congress.
"""

import itertools
import os
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from result import Row
from scipy.sparse import csr_matrix, hstack
from scipy.sparse.linalg import lsqr
from scipy.stats import spearmanr

from myna.corpus import clean, gather, train_tokenizer, vocabulary_size, write_corpus
from myna.model import Embedder, Transformer, fit_embedder, new_model, shape_of
from myna.model.reception import REACTIONS, Floats, Written, fit_reception, history
from myna.network import WORLD, Post
from myna.training import Family, Size, Trainer, faster_precision, make_plan

_FOLDERS = ("presidents_twitter_ratio_2017", "congress_tweets_2016")
_COUNTS = ("like_count", "repost_count", "reply_count")
_LATER = 0.2
_OWN = 20
"""Later posts from which an author's own correlation is measured."""
_QUICK_POSTS = 8000
_EPOCHS = 3


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured; none where there are no counts."""
    torch.set_num_threads(1)
    if data is not None:
        folders = [data]
    elif os.environ.get("MYNA_DATA"):
        folders = [Path(os.environ["MYNA_DATA"]) / name for name in _FOLDERS[: 1 if quick else None]]
    else:
        folders = []
    for folder in folders:
        posts, counts = _read(folder / "posts.parquet" if folder.is_dir() else folder, quick)
        if len(posts):
            yield from _measured(folder.name, posts, np.log1p(counts), quick)


def _read(path: Path, quick: bool) -> tuple[list[Written], Floats]:
    """Posts in time order, reposts left out, and their counts (posts, reactions), 0 where the data have none."""
    frame = pl.read_parquet(path)
    if "like_count" not in frame.columns:
        return [], np.zeros((0, len(REACTIONS)))
    if "repost_of" in frame.columns:
        frame = frame.filter(pl.col("repost_of").is_null())
    if frame["created_at"].dtype != pl.Int64:
        frame = frame.with_columns(pl.col("created_at").dt.timestamp("ms"))
    frame = frame.filter(pl.col("text").is_not_null()).sort("created_at")
    if quick and len(frame) > _QUICK_POSTS:
        # Whole authors, so that each keeps a past.
        name = "author_id" if "author_id" in frame.columns else "author"
        share = _QUICK_POSTS / len(frame)
        frame = frame.filter(pl.col(name).hash(1) < int(share * 2**64))
    posts = [
        Written(
            str(row.get("author_id") or row.get("author")),
            row["created_at"],
            row["text"],
            bool(row.get("reply_to_post") or row.get("reply_to_user")),
            bool(row.get("quote_of")),
            bool(row.get("has_media")),
        )
        for row in frame.iter_rows(named=True)
    ]
    held = [frame[name].fill_null(0).to_numpy() if name in frame.columns else np.zeros(len(frame)) for name in _COUNTS]
    return posts, np.stack(held, 1).astype(np.float64)


def _measured(name: str, posts: list[Written], logs: Floats, quick: bool) -> Iterator[Row]:
    border = len(posts) - int(len(posts) * _LATER)
    known, told = posts[:border], logs[:border]
    embed = _embedder(known, quick)
    vectors = embed([post.text for post in posts])
    forecast = fit_reception(known, told, vectors[:border], "benchmark")
    past = history(posts, logs, told.mean(0))
    ours = forecast(posts[border:], past[border:], vectors[border:])
    kinds = logs.shape[1]
    means = _author_means(posts, told)
    words = _tf_idf(posts, border)
    spread = np.maximum(means.std(0), 1e-9)
    with_means = csr_matrix(hstack([words, csr_matrix((means - means.mean(0)) / spread)]))
    peers = {
        "author's mean": means[border:],
        "author's latest mean": past[border:, kinds : 2 * kinds],
        "TF-IDF ridge": _ridge(words, told),
        "TF-IDF ridge + author's mean": _ridge(with_means, told),
    }
    later, truth = posts[border:], logs[border:]
    for place, kind in enumerate(REACTIONS):
        if not truth[:, place].any():
            continue
        for what, correlation in (("all later posts", _overall), ("within authors", _within)):
            others = {peer: correlation(found[:, place], truth[:, place], later) for peer, found in peers.items()}
            mine = correlation(ours[:, place], truth[:, place], later)
            asked = max(others["author's mean"], others["TF-IDF ridge"]) if what == "all later posts" else None
            yield Row(f"{name}: {kind}, {what} ({len(later)} of {len(posts)})", "Spearman", mine, others, asked)


def _embedder(known: Sequence[Written], quick: bool) -> Embedder:
    """The vectors of a language model that has read the known posts only."""
    posts = [Post(f"{WORLD}:{n}", f"{WORLD}:{post.author_id}", post.at, post.text) for n, post in enumerate(known)]
    with tempfile.TemporaryDirectory() as folder:
        gathered = gather(posts)
        texts = [passage.text for document in gathered.documents for passage in document.passages]
        tokenizer = train_tokenizer(texts, vocabulary_size(sum(len(text.encode()) for text in texts)))
        corpus = write_corpus(gathered, tokenizer, Path(folder))
        family, size = Family(shape_of, new_model), Size(128, 4, 128)
        plan = make_plan(size, family, corpus.vocabulary, 1 << 40, 16, 1.0, 1.0, 1.0, faster_precision("cpu"))
        steps = 20 if quick else min(_EPOCHS * corpus.description.train_tokens // (16 * 128), 800)
        trainer = Trainer(replace(plan, steps=steps, warmup=steps // 10, cooldown=steps * 2 // 3), family, corpus)
        while trainer.step < steps:
            trainer.advance()
        assert isinstance(trainer.model, Transformer)
        border, all = corpus.train_documents, corpus.description.documents
        embedder, _ = fit_embedder(trainer.model, tokenizer, clean, corpus.said(0, border), corpus.said(border, all))
    return embedder


def _author_means(posts: Sequence[Written], told: Floats) -> Floats:
    found: dict[str, list[Floats]] = defaultdict(list)
    for post, logs in zip(posts, told, strict=False):
        found[post.author_id].append(logs)
    typical = told.mean(0)
    means = {author: np.mean(logs, 0) for author, logs in found.items()}
    return np.array([means.get(post.author_id, typical) for post in posts])


def _tf_idf(posts: Sequence[Written], border: int) -> csr_matrix:
    """Words and pairs of words said in two known posts at least, of unit length."""
    said = [_terms(post.text) for post in posts]
    seen = Counter(term for terms in said[:border] for term in set(terms))
    place = {term: n for n, term in enumerate(term for term, count in seen.items() if count > 1)}
    rarity = np.array([np.log(border / seen[term]) + 1 for term in place])
    cells = [
        (row, place[term], (1 + np.log(count)) * rarity[place[term]])
        for row, terms in enumerate(said)
        for term, count in Counter(terms).items()
        if term in place
    ]
    lines, columns, values = (np.array(part) for part in zip(*cells, strict=True))
    found = csr_matrix((values, (lines, columns)), (len(posts), len(place)))
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(1))).ravel()
    return csr_matrix(found.multiply(1 / np.maximum(lengths, 1e-9)[:, None]))


def _terms(text: str) -> list[str]:
    words = re.findall(r"[#@]?\w+", text.lower())
    return words + [" ".join(pair) for pair in itertools.pairwise(words)]


def _ridge(columns: csr_matrix, told: Floats) -> Floats:
    """Ridge of the later posts' logarithms; the penalty is the best of three on the newest known posts, as ours is."""
    border = len(told)
    chosen = int(border * 0.85)
    found = np.zeros((columns.shape[0] - border, told.shape[1]))
    for place in range(told.shape[1]):
        mean = told[:, place].mean()
        answers = told[:, place] - mean

        def solve(end: int, penalty: float, answers: Floats = answers) -> Floats:
            weights: Floats = lsqr(columns[:end], answers[:end], damp=penalty**0.5, iter_lim=60)[0]
            return weights

        def error(penalty: float, solve: Callable[..., Floats] = solve, answers: Floats = answers) -> float:
            return float(np.sum((columns[chosen:border] @ solve(chosen, penalty) - answers[chosen:]) ** 2))

        best = min((1.0, 3.0, 10.0), key=error)
        found[:, place] = columns[border:] @ solve(border, best) + mean
    return found


def _overall(found: Floats, truth: Floats, posts: Sequence[Written]) -> float:
    return _spearman(found, truth)


def _within(found: Floats, truth: Floats, posts: Sequence[Written]) -> float:
    places: dict[str, list[int]] = defaultdict(list)
    for place, post in enumerate(posts):
        places[post.author_id].append(place)
    enough = [own for own in places.values() if len(own) >= _OWN]
    if not enough:
        return 0.0
    return float(
        np.average([_spearman(found[own], truth[own]) for own in enough], weights=[len(own) for own in enough])
    )


def _spearman(found: Floats, truth: Floats) -> float:
    """0 where one of the two is the same for all."""
    if np.ptp(found) == 0 or np.ptp(truth) == 0:
        return 0.0
    return float(spearmanr(found, truth)[0])
