"""How fast a model trains: ours, transformers' Llama and a nanoGPT-shaped loop, at one shape, all cores, interleaved.

The shape costs 45.6 MFLOP a token: vocabulary 8,192, context 256, 16 windows a step, 256 wide, 6 layers, 4 heads. Each
peer stands at its best setting, compiled or not. Wall time, since that is what one waits for; the median of the steps.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from result import Row

from lm.peers import PEERS, Loop
from lm.text import corpus_of, posts
from myna.app.language import allocator_environment
from myna.corpus import Corpus
from myna.model import Shape, new_model
from myna.training import Family, Size, Trainer, faster_precision, make_plan, set_threads, threads_here

_BATCH, _CONTEXT, _VOCABULARY = 16, 256, 8192


def shape(width: int, layers: int, vocabulary: int, context: int) -> Shape:
    """The measured shape: as many heads for keys as for queries, as the peers have."""
    return Shape(vocabulary, width, layers, width // 64, width // 64, 64, 688, context)


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Tokens a second, and the share of what the machine's matrix products reach."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = corpus_of(posts(data, 4_000 if quick else 30_000), Path(folder), vocabulary=_VOCABULARY)
        # The allocator's settings must stand before the process starts.
        environment = os.environ | allocator_environment() | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, __file__, str(corpus.directory), "quick" if quick else "whole"]
        found = json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)
    rates, flops = found["rates"], found["flops"]
    ours = rates.pop("ours")
    asked = max(2 * rates["transformers Llama"], 1.75 * rates["nanoGPT shape"])
    what = f"training, {flops / 1e6:.1f} MFLOP a token, {found['threads']} threads, {found['precision']}"
    yield Row(what, "tokens/s", ours, rates, asked)
    yield Row("the same, of the measured peak of matrix products", "share", ours * flops / found["peak"], asked=0.3)
    yield Row("what that peak would allow", "tokens/s", found["peak"] / flops)


def _measure(directory: Path, quick: bool) -> dict[str, object]:
    corpus, threads, precision = Corpus(directory), threads_here(), faster_precision("cpu")
    family = Family(shape, new_model)
    # A compiler takes most of a minute for the three.
    ways = (False,) if quick else (False, True)
    timings: dict[str, list[list[float]]] = {}
    for compiled in ways:
        plan = make_plan(
            *(Size(256, 6, _CONTEXT), family, _VOCABULARY, 1 << 40, _BATCH, 1.0, 1.0, 1.0, precision),
            *(0, "cpu", threads, compiled),
        )
        trainer = Trainer(plan, family, corpus)
        described = shape(256, 6, _VOCABULARY, _CONTEXT)
        steps: dict[str, tuple[int, Callable[[], object]]] = {"ours": (1, trainer.advance)}
        for name, peer in PEERS.items():
            loop = Loop(peer(described).train(), trainer.order, _BATCH, precision, compiled)
            steps[name] = (threads, loop.advance)
        for turn in range(3 if quick else 14):
            for name, (inside, step) in steps.items():
                set_threads(inside)
                began = time.perf_counter()
                step()
                if turn == 0:
                    timings.setdefault(name, []).append([])
                else:
                    timings[name][-1].append(time.perf_counter() - began)
    best = {name: min(map(statistics.median, found)) for name, found in timings.items()}
    window = _BATCH * _CONTEXT
    return {
        "rates": {name: window / seconds for name, seconds in best.items()},
        "flops": described.flops_per_token,
        "threads": threads,
        "precision": precision,
        "peak": _peak(threads, precision),
    }


def _peak(threads: int, precision: str) -> float:
    """Operations a second of a product of the model's own kind, the best of many."""
    set_threads(threads)
    kind = getattr(torch, precision)
    a, b = torch.ones(4096, 256, dtype=kind), torch.ones(256, 1024, dtype=kind)
    taken = []
    for _ in range(60):
        began = time.perf_counter()
        torch.mm(a, b)
        taken.append(time.perf_counter() - began)
    return 2 * 4096 * 256 * 1024 / min(taken)


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]), sys.argv[2] == "quick")))
