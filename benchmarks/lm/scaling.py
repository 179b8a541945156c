"""Whether more compute helps as it should: the loss against compute, and the dial's choice against its neighbours.

Compute is what is fixed, so that a busy machine changes nothing: steps are counted, not timed.
"""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from result import Row

from lm.text import corpus_of, posts
from myna.corpus import Corpus
from myna.model import new_model, shape_of
from myna.training import (
    Family,
    Size,
    Trainer,
    batch_of,
    choose_size,
    faster_precision,
    make_plan,
    threads_here,
)

_FAMILY = Family(shape_of, new_model)
_SWEEP = ((64, 2), (96, 3), (128, 4), (192, 5), (256, 6))


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """The straightness of the line, its slope, and what the dial's choice costs."""
    budgets = [5e10, 1.5e11, 5e11] if quick else [2e12, 8e12, 3.2e13, 1.28e14]
    with tempfile.TemporaryDirectory() as folder:
        corpus = corpus_of(posts(data, 1_500 if quick else 60_000), Path(folder))
        tokens = int(corpus.documents[corpus.train_documents])
        sizes = [choose_size(flops, tokens, corpus.vocabulary, _FAMILY) for flops in budgets]
        losses = [_bits(corpus, size, flops) for size, flops in zip(sizes, budgets, strict=True)]
        x, y = np.log(budgets), np.log(losses)
        slope = float(np.polyfit(x, y, 1)[0])
        straight = float(np.corrcoef(x, y)[0, 1] ** 2)
        what = f"log loss against log compute, {len(budgets)} sizes ({', '.join(f'{bits:.3f}' for bits in losses)})"
        yield Row(what, "R²", straight, asked=0.98)
        yield Row("the loss falls by, for ten times the compute", "%", 100 * (1 - 10**slope))
        if quick:
            return
        chosen = sizes[2]
        sweep = {chosen: losses[2]}
        place = _SWEEP.index((chosen.width, chosen.layers))
        for width, layers in _SWEEP[max(place - 1, 0) : place + 2]:
            size = Size(width, layers, chosen.context)
            if size not in sweep:
                sweep[size] = _bits(corpus, size, budgets[2])
        named = {f"{size.width} wide, {size.layers} layers": bits for size, bits in sweep.items() if size != chosen}
        best = min(sweep.values())
        what = f"the dial's choice ({chosen.width} wide, {chosen.layers} layers) beside its neighbours"
        yield Row(what, "bits/byte", losses[2], named, best * 1.01, more_is_better=False)


def _bits(corpus: Corpus, size: Size, flops: float) -> float:
    tokens = int(corpus.documents[corpus.train_documents])
    shape = size.shape(_FAMILY, corpus.vocabulary)
    batch = batch_of(flops, tokens, size, shape)
    steps = flops / (shape.flops_per_token * batch * size.context)
    plan = make_plan(
        *(size, _FAMILY, corpus.vocabulary, tokens, batch, math.floor(steps), 1.0, 1.0, faster_precision("cpu")),
        *(0, "cpu", threads_here()),
    )
    trainer = Trainer(plan, _FAMILY, corpus)
    while trainer.step < plan.steps:
        trainer.advance()
    return trainer.bits_per_byte() or math.nan
