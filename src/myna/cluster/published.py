"""Runs whose model, layout and speed were published: what the planner is checked against, never fitted one by one.

Sources: Korthikanti et al. 2022 (arXiv 2205.05198), tables 3 to 5; Narayanan et al. 2021 (arXiv 2104.04473), table 1;
the BLOOM training log of BigScience; Llama 3 (arXiv 2407.21783), table 4; llm-foundry's table of throughputs, of one
micro batch a step. Where a source does not say how many chunks or
sequences of a micro batch it used, `None` leaves that to the planner's search, as its authors searched too.
"""

from dataclasses import dataclass, replace

from myna.cluster.devices import device
from myna.cluster.shapes import useful_flops
from myna.cluster.timing import step
from myna.cluster.types import Layout, Shape, Step


@dataclass(frozen=True, slots=True)
class Run:
    """seconds of a step: as published, or as follows from the published FLOP/s and its source's way to count them."""

    name: str
    source: str
    gpu: str
    shape: Shape
    sequence: int
    batch: int
    layout: Layout
    seconds: float
    searched: bool = False
    chosen_on: bool = False
    """Whether the planner's shares were chosen on it."""


def _gpt(layers: int, hidden: int, heads: int, vocab: int = 51200) -> Shape:
    return Shape(layers, hidden, heads, heads, 4 * hidden, vocab, gated=False, flash=False, causal=False)


def _narayanan(shape: Shape, gpus: int, batch: int, tensor: int, pipeline: int, tflops: float) -> Run:
    # They count 96 B s l h² (1 + s / 6h + V / 16lh), activations computed twice.
    layers, hidden, sequence = shape.layers, shape.hidden, 2048
    flops = 96.0 * batch * sequence * layers * hidden**2
    flops *= 1 + sequence / (6 * hidden) + shape.vocab / (16 * layers * hidden)
    layout = Layout(tensor, pipeline, 1, gpus // (tensor * pipeline), recompute="full", sequence_parallel=False)
    billions = layers * hidden**2 * 12 / 1e9
    name = f"Megatron-LM 2021, {billions:.3g}B on {gpus}"
    return Run(
        name, "arXiv 2104.04473", "a100", shape, sequence, batch, layout, flops / (gpus * tflops * 1e12), True, True
    )


def _korthikanti(
    shape: Shape, pipeline: int, chunks: int, batch: int, micro: int, full: float, ours: float
) -> list[Run]:
    billions = shape.layers * shape.hidden**2 * 12 / 1e9
    rows = []
    for how, recompute, parallel, seconds in (
        ("full recompute", "full", False, full),
        ("sequence parallel, selective", "selective", True, ours),
    ):
        layout = Layout(8, pipeline, 1, 1, micro, chunks, recompute, parallel)
        name = f"Megatron 2022, {billions:.3g}B, {how}"
        rows.append(Run(name, "arXiv 2205.05198", "a100", shape, 2048, batch, layout, seconds, chosen_on=True))
    return rows


_LLAMA = Shape(126, 16384, 128, 8, 53248, 128256)


def _llama(name: str, sequence: int, context: int, data: int, tflops: float) -> Run:
    layout = Layout(8, 16, context, data, 1, 8, "none")
    batch = 16 * 2**20 // sequence
    seconds = useful_flops(_LLAMA, sequence) * batch * sequence / (layout.devices * tflops * 1e12)
    return Run(f"Llama 3 405B, {name}", "arXiv 2407.21783", "h100", _LLAMA, sequence, batch, layout, seconds)


def _foundry(gpus: int, tokens_per_second: float) -> Run:
    shape = Shape(80, 8192, 64, 64, 4 * 8192, 50432, gated=False)
    layout = Layout(1, 1, 1, gpus, 8, 1, "full", False, True)
    seconds = 8 * 2048 / tokens_per_second
    return Run(f"llm-foundry 65B FSDP on {gpus}", "llm-foundry", "h100", shape, 2048, 8 * gpus, layout, seconds)


RUNS: tuple[Run, ...] = (
    *_korthikanti(_gpt(48, 6144, 64), 1, 1, 4, 4, 1.42, 1.10),
    *_korthikanti(_gpt(96, 12288, 96), 8, 3, 64, 1, 18.13, 13.75),
    *_korthikanti(_gpt(105, 20480, 128), 35, 3, 280, 1, 49.05, 37.83),
    *_korthikanti(_gpt(128, 25600, 160), 64, 1, 512, 1, 94.42, 71.49),
    _narayanan(_gpt(24, 2304, 24), 32, 512, 1, 1, 137),
    _narayanan(_gpt(30, 3072, 32), 64, 512, 2, 1, 138),
    _narayanan(_gpt(36, 4096, 32), 128, 512, 4, 1, 142),
    _narayanan(_gpt(40, 6144, 48), 256, 1024, 8, 1, 135),
    _narayanan(_gpt(48, 8192, 64), 512, 1536, 8, 2, 138),
    _narayanan(_gpt(60, 10240, 80), 1024, 1792, 8, 4, 140),
    _narayanan(_gpt(80, 12288, 96), 1536, 2304, 8, 8, 148),
    _narayanan(_gpt(96, 16384, 128), 1920, 2160, 8, 16, 155),
    _narayanan(_gpt(105, 20480, 128), 2520, 2520, 8, 35, 163),
    _narayanan(_gpt(128, 25600, 160), 3072, 3072, 8, 64, 163),
    Run(
        "BLOOM 176B on 384", "BigScience training log", "a100", _gpt(70, 14336, 112, 250880), 2048, 2048,
        Layout(4, 12, 1, 8, 2, 1, "full", False), 105.0,
    ),
    _llama("8,192 GPUs", 8192, 1, 64, 430),
    _llama("16,384 GPUs", 8192, 1, 128, 400),
    _llama("16,384 GPUs, 131k context", 131072, 16, 8, 380),
    _foundry(128, 1058),
    _foundry(256, 1035),
    _foundry(512, 1007),
)  # fmt: skip


def predicted(run: Run) -> tuple[Step, Layout]:
    """Ours for a run: its step, in its layout, or in the fastest that the source leaves open."""
    tried = [run.layout]
    if run.searched:
        pipeline = run.layout.pipeline
        tried = [
            replace(run.layout, micro=micro, chunks=chunks)
            for micro in (1, 2, 4, 8)
            for chunks in ((1, 2, 3, 4) if pipeline > 1 else (1,))
            if run.batch // run.layout.data % micro == 0 and run.shape.layers // pipeline % chunks == 0
        ]
    steps = [(step(run.shape, run.sequence, run.batch, one, device(run.gpu)), one) for one in tried]
    return min(steps, key=lambda pair: pair[0].seconds)
