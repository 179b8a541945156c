"""What control tokens cost a model that is asked for nothing: bits per byte of text without them, same steps and size.

Both have as many tokens; ours spends some of them, and of each step's positions, on controls.
"""

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from result import Row

from lm.network import posts_of
from myna.corpus import Document, Gathered, gather, train_tokenizer, vocabulary_of, write_corpus
from myna.model import new_model, shape_of
from myna.training import Family, Size, Trainer, make_plan

_FAMILY = Family(shape_of, new_model)


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    torch.set_num_threads(1)
    gathered = gather(posts_of(data, 2000 if quick else 12_000)[1])
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
