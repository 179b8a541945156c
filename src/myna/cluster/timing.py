"""Seconds of one optimizer step, from closed forms.

Matrix products run at a share of the best that was measured on the device; what is not a product moves its bytes
through memory; rings move (n - 1) / n of a message for a gather or scatter and twice that for an all-reduce; a
pipeline of p stages, m micro batches and v chunks idles (p - 1) / (m v) of its time (Narayanan et al. 2021). The shares
below are the only numbers taken from runs: they are one for all devices, models and layouts.
"""

from dataclasses import dataclass

from myna.cluster.memory import stage_layers
from myna.cluster.shapes import head_flops, layer_flops, layer_params, params, useful_flops
from myna.cluster.types import Device, Layout, Shape, Step


@dataclass(frozen=True, slots=True)
class Shares:
    """How much a training run gets of what a device can do. matmul: of the best product measured; attention: of the
    same, by a fused kernel; memory, inside, outside: of the bandwidths; exposed: of the gradients' exchange, what is
    not hidden behind the backward pass.

    matmul, memory, inside and exposed were chosen on a coarse grid by the mean error over the 18 Megatron runs of
    `published.py`; BLOOM, Llama 3 and llm-foundry had no part in that.
    """

    matmul: float = 0.84
    attention: float = 0.55
    memory: float = 0.80
    inside: float = 0.65
    outside: float = 0.75
    exposed: float = 0.5


SHARES = Shares()
_FP8 = 0.6
"""Of the peak in fp8, what the best product reaches; attention and the head stay in bf16."""


def step(
    shape: Shape,
    sequence: int,
    batch: float,
    layout: Layout,
    device: Device,
    precision: str = "bf16",
    shares: Shares = SHARES,
) -> Step:
    """One step. batch: sequences of all devices together."""
    tensor, pipeline, context, data = layout.tensor, layout.pipeline, layout.context, layout.data
    microbatches = batch / (data * layout.micro)
    tokens = layout.micro * sequence / context
    layers = stage_layers(shape, pipeline)
    split = tensor if layout.sequence_parallel else 1
    inside = (device.inside if tensor <= device.domain else device.outside) * shares.inside
    outside = device.outside * shares.outside
    product = device.achieved * shares.matmul
    fast = max(product, device.fp8 * _FP8 * shares.matmul) if precision == "fp8" else product

    # One layer, one micro batch. Backward is twice forward; what is recomputed is forward once more.
    matrices, attention = (tokens * each / tensor for each in layer_flops(shape, sequence))
    again = {"none": (0, 0), "selective": (0, 0 if shape.flash else 1), "full": (1, 1)}[layout.recompute]
    kernel = device.achieved * shares.attention if shape.flash else product
    layer_matmul = (3 + again[0]) * matrices / fast + (3 + again[1] + 0.5 * shape.flash) * attention / kernel
    wide = 2 * tokens * shape.hidden
    feed = 2 * tokens * shape.ffn * (2 if shape.gated else 1)
    scores = 0.0 if shape.flash else 2 * tokens * shape.heads * sequence
    passes = 3 + again[0]
    moved = passes * (10 * wide / split + 3 * feed / tensor) + (3 + again[1]) * 6 * scores / tensor
    layer_elementwise = moved / (device.memory_speed * shares.memory)
    # Two all-reduces forward and two backward, or as many gathers and scatters of the same volume.
    reduces = 4 + 2 * again[0]
    layer_tensor = reduces * 2 * (tensor - 1) / tensor * wide / inside
    kv = 2 * 2 * tokens * context * shape.hidden * shape.kv_heads / shape.heads / tensor
    far = inside if tensor * context <= device.domain else outside
    layer_context = 3 * (context - 1) / context * kv / far

    # The last stage computes the logits; where embedding and head stand for layers, it has a layer less.
    head = 3 * tokens * head_flops(shape) / tensor / product
    layer = layer_matmul + layer_elementwise + layer_tensor + layer_context
    if pipeline > 1 and shape.layers % pipeline and (shape.layers + 2) % pipeline == 0:
        head = max(0.0, head - layer)
    hop = 0.0
    if pipeline > 1:
        hop = 2 * layout.chunks * wide / tensor / outside  # to the next stage and back, once for each chunk
    stage = layers * layer + head + hop
    bubble = (pipeline - 1) / layout.chunks * (layers * layer + head)

    held = (layers * layer_params(shape) + shape.vocab * shape.hidden) / tensor
    group = data * context
    wire = inside if tensor * pipeline * group <= device.domain else outside
    around = (group - 1) / group
    if layout.sharded:
        # Weights are gathered forward and backward, gradients scattered, for each micro batch, behind the arithmetic.
        exchange = around * held * (2 + 2 + 4) / wire * microbatches
        exposed = max(0.1 * exchange, exchange - 0.9 * microbatches * stage)
    else:
        exchange = around * held * (4 + 2) / wire
        exposed = shares.exposed * exchange
    update = 30 * held / group / (device.memory_speed * shares.memory) if group else 0.0
    return Step(
        microbatches * (layers * layer_matmul + head),
        microbatches * layers * layer_elementwise,
        microbatches * layers * layer_tensor,
        microbatches * layers * layer_context,
        microbatches * hop,
        bubble,
        exposed,
        update,
    )


def mfu(shape: Shape, sequence: int, batch: float, layout: Layout, device: Device, seconds: float) -> float:
    """Model FLOP utilisation: useful operations over what the devices could have done at their bf16 peak."""
    return useful_flops(shape, sequence) * batch * sequence / (seconds * layout.devices * device.bf16)


def checkpoint_bytes(shape: Shape) -> float:
    """Bytes of a full checkpoint: bf16 weights, and fp32 master weights with Adam's two moments."""
    return 14 * params(shape)
