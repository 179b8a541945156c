"""How well a model predicts after the same time: ours by its dial, and the peers of the same size on the same tokens.

Congress, world leaders and 100,000 posts of Reddit, the last tenth of each one's time held out. MYNA_BENCH_MINUTES
(10) and MYNA_BENCH_SEEDS (1) say how long and how often; `MYNA_BENCH_MINUTES=10,30 MYNA_BENCH_SEEDS=3` takes seven
hours. Beside them PPMd of order 8 and xz, having read the training text first.
"""

import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from result import Row

from lm.peers import PEERS, Loop
from lm.text import corpus_of, posts
from myna.app.language import allocator_environment
from myna.corpus import Corpus
from myna.model import new_model, shape_of
from myna.training import Family, Order, Processes, Trainer, calibrated_plan, held_out, set_threads, threads_here

_FAMILY = Family(shape_of, new_model)


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Bits per byte by time, ours and the peers'."""
    minutes = [0.05] if quick else [float(part) for part in os.environ.get("MYNA_BENCH_MINUTES", "10").split(",")]
    seeds = 1 if quick else int(os.environ.get("MYNA_BENCH_SEEDS", "1"))
    with tempfile.TemporaryDirectory() as folder:
        corpus = corpus_of(posts(data, 2_000 if quick else 100_000), Path(folder))
        compressors = _compressors(corpus)
        for budget in minutes:
            found: dict[str, list[float]] = {}
            for seed in range(seeds):
                for name in ("ours", *PEERS):
                    found.setdefault(name, []).append(_trained(corpus, name, budget, seed))
            medians = {name: statistics.median(bits) for name, bits in found.items()}
            ours = medians.pop("ours")
            what = f"held-out text after {budget:g} minutes, {seeds} seeds"
            yield Row(what, "bits/byte", ours, medians, min(medians.values()) - 0.1, more_is_better=False)
            yield Row(
                f"the same after {budget:g} minutes", "bits/byte", ours, compressors, min(compressors.values()), False
            )


def _trained(corpus: Corpus, name: str, minutes: float, seed: int) -> float:
    environment = os.environ | allocator_environment() | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, __file__, str(corpus.directory), name, str(minutes), str(seed)]
    return float(json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout))


def _train(directory: str, name: str, minutes: str, seed: str) -> float:
    corpus = Corpus(Path(directory))
    seconds, began = float(minutes) * 60, time.monotonic()
    plan = calibrated_plan(_FAMILY, corpus, seconds, float(minutes), int(seed), "cpu", Processes())
    if name == "ours":
        # Its own calibration counts.
        trainer = Trainer(plan, _FAMILY, corpus)
        trainer.run(until=lambda: time.monotonic() - began > seconds * 1.05)
        read = trainer.step * plan.batch * plan.context
        print(f"ours: {plan.width} wide, {plan.layers} layers, {read:,} tokens", file=sys.stderr)
        return trainer.bits_per_byte() or 0.0
    import torch

    torch.manual_seed(int(seed))
    set_threads(threads_here())
    shape = _FAMILY.shape(plan.width, plan.layers, plan.vocabulary, plan.context)
    # The same windows, of the newest text too.
    order = Order(corpus, plan.seed, plan.context, plan.intended if plan.newest else 0)
    loop = Loop(PEERS[name](shape).train(), order, plan.batch, plan.precision, compiled=seconds > 120)
    print(f"{name}: {loop.train(seconds):,} tokens", file=sys.stderr)
    return loop.bits_per_byte(corpus, plan.context)


def _compressors(corpus: Corpus) -> dict[str, float]:
    """Bits for a byte of the same text: placeholders and ends cost something and count for nothing, as for a model."""
    border = corpus.train_documents
    train, test = (
        "\n".join(text.replace("<|user|>", "\x01").replace("<|url|>", "\x02") for _, text, _ in said).encode()
        for said in (corpus.said(0, border), corpus.said(border, corpus.description.documents))
    )
    size = held_out(corpus, 1 << 20)[2]
    ways: dict[str, Callable[[bytes], bytes]] = {
        "xz-9e": lambda content: lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
    }
    try:
        import pyppmd

        ways["PPMd7 order 8"] = lambda content: bytes(pyppmd.Ppmd7Encoder(8, 1 << 30).encode(content))
    except ImportError:
        print("pyppmd is not installed: no row for PPMd (pip install pyppmd)", file=sys.stderr)
    return {name: 8 * (len(way(train + b"\n" + test)) - len(way(train))) / size for name, way in ways.items()}


if __name__ == "__main__":
    print(json.dumps(_train(*sys.argv[1:])))
