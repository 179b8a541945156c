"""What control tokens cost a model that is asked for nothing: bits per byte of text without them, same steps and size.

Both have as many tokens; ours spends some of them, and of each step's positions, on controls.
"""

import os
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import torch
from result import Row

from myna.corpus import Document, Gathered, gather, train_tokenizer, vocabulary_of, write_corpus
from myna.model import new_model, shape_of
from myna.network import Post
from myna.training import Family, Size, Trainer, make_plan

_FAMILY = Family(shape_of, new_model)
_COLUMNS = ("post_id", "author_id", "created_at", "text", "lang", "like_count", "repost_count")


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    torch.set_num_threads(1)
    gathered = gather(_posts(data, 2000 if quick else 12_000))
    plain = replace(gathered, documents=[replace(document, controls=()) for document in gathered.documents])
    steps, seeds = (40, 1) if quick else (200, 2)
    ours, without = ([_bits(each, steps, seed) for seed in range(seeds)] for each in (gathered, plain))
    share = statistics.mean(bool(document.controls) for document in gathered.documents)
    what = f"held-out text without controls, {steps} steps, {seeds} seeds, {share:.0%} of documents with controls"
    peers = {"trained without": statistics.mean(without)}
    yield Row(what, "bits/byte", statistics.mean(ours), peers, more_is_better=False)


def _bits(gathered: Gathered, steps: int, seed: int) -> float:
    documents: list[Document] = gathered.documents
    texts = [passage.text for document in documents for passage in document.passages if not passage.context]
    controls = vocabulary_of(document.controls for document in documents)
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(gathered, train_tokenizer(texts, 1024, (), controls), Path(folder))
        tokens = int(corpus.documents[corpus.train_documents])
        plan = make_plan(Size(64, 2, 64), _FAMILY, corpus.vocabulary, tokens, 8, 1.0, 1.0, 1.0, "float32", seed)
        plan = replace(plan, steps=steps, warmup=steps // 20, cooldown=steps * 2 // 3)
        return Trainer(plan, _FAMILY, corpus).run() or float("nan")


def _posts(data: Path | None, most: int) -> list[Post]:
    if data is None and os.environ.get("MYNA_DATA"):
        data = Path(os.environ["MYNA_DATA"]) / "congress_tweets_2016"
    if data is None or not data.exists():
        from myna.world import generate

        facts = (fact for batch in generate(max(most // 40, 2), most).batches() for fact in batch)
        return [fact for fact in facts if isinstance(fact, Post)]
    frame = pl.read_parquet(data / "posts.parquet")
    if frame["created_at"].dtype == pl.Datetime:
        frame = frame.with_columns(pl.col("created_at").dt.timestamp("ms"))
    frame = frame.select([name for name in _COLUMNS if name in frame.columns]).sort("created_at").tail(most)
    return [
        Post(
            f"c:{row['post_id']}", f"c:{row['author_id']}", row["created_at"] or 0, row["text"] or "",
            row.get("lang") or "", like_count=row.get("like_count") or 0, repost_count=row.get("repost_count") or 0,
        )
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip
