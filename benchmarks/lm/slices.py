"""What it costs to train in time order, slice by slice, instead of on all of the text shuffled: same steps, same model.

In return a post can be forgotten to the last bit by going back to the border before it. Asked: at most 0.02 bits a
byte.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from result import Row

from lm.network import posts_of
from myna.corpus import gather, train_tokenizer, write_corpus
from myna.model import new_model, shape_of
from myna.training import Family, Size, Trainer, make_plan

_FAMILY = Family(shape_of, new_model)


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    torch.set_num_threads(1)
    gathered = gather(posts_of(data, 2000 if quick else 12_000)[1])
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
