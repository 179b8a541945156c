"""The shape of a model: its parameters, the arithmetic of a token, and the shape that a size asks for."""

import math

from myna.cluster.types import Shape

HEAD = 128
"""Channels of an attention head."""


def layer_params(shape: Shape) -> float:
    """Weights of one layer's matrices."""
    kv = shape.hidden * shape.kv_heads / shape.heads
    return shape.hidden * (2 * shape.hidden + 2 * kv) + (3 if shape.gated else 2) * shape.hidden * shape.ffn


def params(shape: Shape) -> float:
    """All weights. The head is its own where the layer is gated, as in Llama, else the embedding's, as in GPT-3."""
    return shape.layers * layer_params(shape) + (2 if shape.gated else 1) * shape.vocab * shape.hidden


def layer_flops(shape: Shape, sequence: int) -> tuple[float, float]:
    """Forward operations a token takes in one layer: (of the matrices, of attention itself).

    Two a weight; attention 4 · sequence · hidden (Narayanan et al. 2021, section 5.1), half of it where causal.
    """
    return 2 * layer_params(shape), 4 * sequence * shape.hidden * (0.5 if shape.causal else 1.0)


def head_flops(shape: Shape) -> float:
    """Forward operations a token takes for its logits."""
    return 2 * shape.hidden * shape.vocab


def useful_flops(shape: Shape, sequence: int) -> float:
    """Operations a trained token needs, forward and backward (three times forward): what MFU counts, nothing twice.

    This is 6 · weights (Kaplan et al. 2020) and the attention term.
    """
    matrices, attention = layer_flops(shape, sequence)
    return 3 * (shape.layers * (matrices + attention) + head_flops(shape))


def shaped(wanted: float, vocab: int) -> Shape:
    """The shape of about this many weights: Llama's, with heads of 128, a width about 105 times the depth."""
    width = HEAD if wanted < 3e8 else 256 if wanted < 2e10 else 1024
    best: tuple[float, Shape] | None = None
    for hidden in range(width, 32768 + 1, width):
        heads = hidden // HEAD
        kv_heads = next(kv for kv in (8, 4, 2, 1) if heads % kv == 0)
        ffn = math.ceil(3.5 * hidden / 256) * 256
        one = Shape(1, hidden, heads, kv_heads, ffn, vocab)
        layers = max(1, round((wanted - 2 * vocab * hidden) / layer_params(one)))
        if layers > 8:
            layers = round(layers / 4) * 4 - (2 if wanted > 2e11 else 0)  # two places for embedding and head
        found = Shape(layers, hidden, heads, kv_heads, ffn, vocab)
        off = abs(math.log(params(found) / wanted)) * 4 + abs(math.log(hidden / layers / 105))
        if best is None or off < best[0]:
            best = (off, found)
    assert best is not None
    return best[1]
