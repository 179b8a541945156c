"""What it costs to train in time order, slice by slice, instead of on all of the text shuffled: same steps, same model.

In return a post can be forgotten to the last bit by going back to the border before it. Asked: at most 0.02 bits a
byte.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import torch
from result import Row

from myna.corpus import gather, train_tokenizer, write_corpus
from myna.model import new_model, shape_of
from myna.network import Post
from myna.training import Family, Size, Trainer, make_plan

_FAMILY = Family(shape_of, new_model)


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    torch.set_num_threads(1)
    gathered = gather(_posts(data, 2000 if quick else 12_000))
    texts = [passage.text for document in gathered.documents for passage in document.passages if not passage.context]
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(gathered, train_tokenizer(texts, 1024 if quick else 2048), Path(folder))
        size = Size(64, 2, 64) if quick else Size(96, 3, 128)
        tokens = int(corpus.documents[corpus.train_documents])
        plan = make_plan(size, _FAMILY, corpus.vocabulary, tokens, 16, 1.0, 1.0, 1.0, "float32")
        steps = 2 * tokens // (16 * size.context)
        plan = replace(plan, steps=steps, warmup=10, cooldown=steps * 2 // 3)
        shuffled = Trainer(plan, _FAMILY, corpus).run() or float("nan")
        for count in (4,) if quick else (4, 16):
            bits = Trainer(replace(plan, slices=count), _FAMILY, corpus).run() or float("nan")
            what = f"{count} slices in time order, 2 epochs of {tokens / 1e3:.0f}k tokens: over shuffled"
            peers = {"shuffled, bits/byte": shuffled, "sliced, bits/byte": bits}
            yield Row(what, "bits/byte", bits - shuffled, peers, asked=0.02, more_is_better=False)


def _posts(data: Path | None, most: int) -> list[Post]:
    if data is None and os.environ.get("MYNA_DATA"):
        data = Path(os.environ["MYNA_DATA"]) / "congress_tweets_2016"
    if data is None or not data.exists():
        from myna.world import generate

        facts = (fact for batch in generate(max(most // 40, 2), most).batches() for fact in batch)
        return [fact for fact in facts if isinstance(fact, Post)]
    frame = pl.read_parquet(data / "posts.parquet").sample(most, seed=0).sort("created_at")
    times = frame["created_at"]
    if times.dtype == pl.Datetime:
        frame = frame.with_columns(times.dt.timestamp("ms").alias("created_at"))
    found = frame.select("post_id", "author_id", "created_at", "text").iter_rows()
    return [Post(f"c:{id}", f"c:{who}", at or 0, text or "") for id, who, at, text in found]
