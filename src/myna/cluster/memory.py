"""Memory of the fullest device, from closed forms.

Activations: Korthikanti et al. 2022 (arXiv 2205.05198), table 2 and section 4; states: ZeRO (Rajbhandari et al. 2020),
bf16 weights, fp32 gradients and Adam with fp32 master weights, as Megatron-LM keeps them.
"""

import math

from myna.cluster.shapes import layer_params
from myna.cluster.types import Layout, Memory, Shape

OTHER = 4e9
"""Bytes for the driver, the communication buffers and what the allocator cannot use."""


def stage_layers(shape: Shape, pipeline: int) -> int:
    """Layers of the fullest stage; where they divide only with embedding and head counted as layers, so it is done."""
    if shape.layers % pipeline and (shape.layers + 2) % pipeline == 0:
        return (shape.layers + 2) // pipeline
    return math.ceil(shape.layers / pipeline)


def layer_activations(shape: Shape, tokens: float, sequence: float, layout: Layout) -> float:
    """Bytes that a layer keeps for the backward pass, of a micro batch of `tokens` on this device."""
    wide, tensor = tokens * shape.hidden, layout.tensor
    split = tensor if layout.sequence_parallel else 1
    if layout.recompute == "full":
        return 2 * wide / split
    if shape.gated:
        # As in Llama: no dropout, so no masks; few keys and values; of SwiGLU the two factors, not their product.
        outer = 8.0
        inner = 4 + 4 * shape.kv_heads / shape.heads + 4 * shape.ffn / shape.hidden
    else:
        # 34 bytes a channel, of which 10 lie outside of the matrices that tensor parallelism splits.
        outer = 10.0
        inner = 8 + 4 * shape.ffn / shape.hidden
    kept = wide * (outer / split + inner / tensor)
    if layout.recompute == "none" and not shape.flash:
        kept += 5 * shape.heads * sequence * tokens / tensor
    return kept


def memory(shape: Shape, sequence: int, layout: Layout, microbatches: int) -> Memory:
    """Bytes by what they are for, on a device of the first stage, which keeps most micro batches in flight."""
    layers = stage_layers(shape, layout.pipeline)
    held = (layers * layer_params(shape) + shape.vocab * shape.hidden) / layout.tensor
    if layout.pipeline == 1 and shape.gated:
        held += shape.vocab * shape.hidden / layout.tensor
    shards = layout.data * layout.context
    tokens = layout.micro * sequence / layout.context
    flight: float = min(layout.pipeline, microbatches)
    if layout.chunks > 1:
        flight = flight * (1 + (layout.pipeline - 1) / (layout.pipeline * layout.chunks))
    one = layer_activations(shape, tokens, sequence, layout)
    kept = one * layers * flight
    if layout.recompute == "full":  # one layer is there whole while it is computed again
        again = Layout(layout.tensor, 1, 1, 1, recompute="none", sequence_parallel=layout.sequence_parallel)
        kept += layer_activations(shape, tokens, sequence, again)
    if layout.pipeline == 1:
        kept += 6 * tokens * shape.vocab / layout.tensor  # logits in bf16 and fp32
    working = 2 * held
    gradients = 4 * held
    if layout.sharded:
        # Two layers are gathered at a time: the one computed and the next.
        gathered = 2 * layer_params(shape) / layout.tensor
        working, gradients = 2 * held / shards + 2 * gathered, 4 * held / shards + 2 * gathered
    return Memory(working, gradients, 12 * held / shards, kept, OTHER)
