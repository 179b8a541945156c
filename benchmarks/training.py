"""The language model: cleaning, tokens, training, resuming, writing, vectors, memory, reactions; each with its peers.

    myna bench training                 # all parts, about an hour
    MYNA_BENCH_PARTS=speed,generation myna bench training

Each part is a file of benchmarks/lm and says there what it measures. --data takes a folder of the neutral format;
without it MYNA_DATA's congress_tweets_2016 (and, where a part says so, more of it), else a simulated network.
"""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

from result import Row

from myna.network import Problem

PARTS = (
    *("cleaning", "tokenizer", "speed", "equal_clock", "scaling", "resume"),
    *("slices", "controls", "generation", "embeddings", "memorisation", "reactions"),
)


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    chosen = [part for part in os.environ.get("MYNA_BENCH_PARTS", "").split(",") if part] or PARTS
    if unknown := set(chosen) - set(PARTS):
        raise Problem(f"There is no part {', '.join(sorted(unknown))}; MYNA_BENCH_PARTS takes {', '.join(PARTS)}.")
    for part in chosen:
        yield from importlib.import_module(f"lm.{part}").rows(data, quick)
