"""The transformer, decoder-only, in Qwen3's shape: one file to read from tokens to logits.

RMSNorm before each half of a layer, rotary positions, an RMSNorm on each head's queries and keys, grouped-query
attention, SwiGLU, embeddings tied to the output head. Names and shapes of the parameters are those of Hugging Face's
`Qwen3ForCausalLM`, so that a checkpoint of either is one of the other (Qwen3 technical report, arXiv 2505.09388).

It knows nothing of devices, ranks or optimizers; precision is the caller's autocast.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from myna.model.config import Shape

_EXPLICIT_UP_TO = 512
"""On a CPU, attention written out is faster up to this length than the fused kernel, whose backward pass is slow."""


class RMSNorm(nn.Module):
    """Scales each vector to a root mean square of 1, then by a learned weight (arXiv 1910.07467)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., width)."""
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.epsilon)


@dataclass
class Cache:
    """Keys and values of the tokens read: (layers, batch, kv_heads, positions, head_width), filled up to length."""

    keys: Tensor
    values: Tensor
    length: int = 0

    @classmethod
    def empty(cls, shape: Shape, batch: int, positions: int, like: Tensor) -> "Cache":
        """Room for `positions` tokens, on the device and in the precision of `like`."""
        size = (shape.layers, batch, shape.kv_heads, positions, shape.head_width)
        return cls(like.new_zeros(size), like.new_zeros(size))


class Attention(nn.Module):
    """Grouped-query attention with normalised queries and keys (arXiv 2305.13245)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width = shape.heads, shape.kv_heads, shape.head_width
        self.q_proj = nn.Linear(shape.width, shape.heads * shape.head_width, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.kv_heads * shape.head_width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.kv_heads * shape.head_width, bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.head_width, shape.width, bias=False)
        self.q_norm = RMSNorm(shape.head_width, shape.epsilon)
        self.k_norm = RMSNorm(shape.head_width, shape.epsilon)

    def forward(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor, cache: Cache | None, layer: int
    ) -> Tensor:
        """x: (batch, time, width); mask: (batch or 1, 1, time, positions) bool, True where one may look."""
        batch, time, _ = x.shape
        q = self.q_norm(self.q_proj(x).view(batch, time, self.heads, self.head_width)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(batch, time, self.kv_heads, self.head_width)).transpose(1, 2)
        v = self.v_proj(x).view(batch, time, self.kv_heads, self.head_width).transpose(1, 2)
        q, k = rotate(q, *rotation), rotate(k, *rotation)
        if cache is not None:
            cache.keys[layer, :, :, cache.length : cache.length + time] = k
            cache.values[layer, :, :, cache.length : cache.length + time] = v
            k = cache.keys[layer, :, :, : cache.length + time]
            v = cache.values[layer, :, :, : cache.length + time]
        out: Tensor = self.o_proj(attend(q, k, v, mask).transpose(1, 2).reshape(batch, time, -1))
        return out


class MLP(nn.Module):
    """SwiGLU (arXiv 2002.05202)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down_proj = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, time, width)."""
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """Attention and MLP, each added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = MLP(shape)
        self.input_layernorm = RMSNorm(shape.width, shape.epsilon)
        self.post_attention_layernorm = RMSNorm(shape.width, shape.epsilon)

    def forward(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor, cache: Cache | None, layer: int
    ) -> Tensor:
        """x: (batch, time, width)."""
        x = x + self.self_attn(self.input_layernorm(x), rotation, mask, cache, layer)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Trunk(nn.Module):
    """The layers between token ids and the last hidden state."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width, shape.epsilon)

    def forward(
        self, ids: Tensor, mask: Tensor, positions: Tensor, cache: Cache | None = None, layers: int | None = None
    ) -> Tensor:
        """Hidden states (batch, time, width) of ids (batch, time): after all layers and the last norm, or, where
        `layers` is given, after that many and without it. mask: (batch or 1, 1, time, positions) bool."""
        x: Tensor = self.embed_tokens(ids)
        rotation = rotations(positions, self.shape.head_width, self.shape.rope_theta)
        for place, layer in enumerate(self.layers):
            if place == layers:
                return x
            x = layer(x, rotation, mask, cache, place)
        if cache is not None:
            cache.length += ids.shape[1]
        return x if layers is not None else self.norm(x)


class Transformer(nn.Module):
    """The language model."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Trunk(shape)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        if shape.tied:
            self.lm_head.weight = self.model.embed_tokens.weight

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Random weights: normal with 1/sqrt(fan in), what is added to the residual stream starting at zero, so that
        the untrained model is the identity and the first steps are stable (muP-like; nanochat does the same)."""
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if parameter.ndim < 2:
                parameter.fill_(1.0)
            elif name.endswith(("o_proj.weight", "down_proj.weight")):
                parameter.zero_()
            else:
                spread = 0.02 if "embed_tokens" in name or "lm_head" in name else parameter.shape[1] ** -0.5
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)

    def hidden(self, ids: Tensor, end: int) -> Tensor:
        """Hidden states (batch, time, width) of windows of packed documents, each beginning with `end` and reading
        itself only. ids: (batch, time)."""
        mask, positions = document_mask(ids, end)
        states: Tensor = self.model(ids, mask, positions)
        return states

    def forward(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """Logits (batch, time, vocabulary) of what follows each of ids (batch, time), after what the cache holds."""
        start = cache.length if cache is not None else 0
        time = ids.shape[1]
        positions = torch.arange(start, start + time, device=ids.device)
        seen = torch.arange(start + time, device=ids.device)
        mask = (seen[None, :] <= positions[:, None])[None, None]
        logits: Tensor = self.lm_head(self.model(ids, mask, positions, cache))
        return logits


def new_model(shape: Shape, seed: int) -> Transformer:
    """An untrained model of this shape."""
    model = Transformer(shape)
    model.initialise(seed)
    return model


def rotations(positions: Tensor, head_width: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines (..., time, head_width) of rotary positions (..., time) (arXiv 2104.09864)."""
    exponents = torch.arange(0, head_width, 2, device=positions.device, dtype=torch.float32) / head_width
    angles = positions[..., None].float() * (1.0 / theta**exponents)
    angles = torch.cat((angles, angles), -1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns each pair (i, i + half) of x: (batch, heads, time, head_width)."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), -1)
    return x * cos.to(x.dtype) + turned * sin.to(x.dtype)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Softmax attention. q: (batch, heads, time, width); k, v: (batch, kv_heads, positions, width)."""
    batch, heads, time, width = q.shape
    if q.device.type == "cpu" and k.shape[2] <= _EXPLICIT_UP_TO:
        groups = heads // k.shape[1]
        # Heads that share keys are stacked along time: one larger product instead of copies of the keys.
        q = q.reshape(batch, k.shape[1], groups * time, width)
        scores = (q @ k.transpose(-1, -2)).view(batch, heads, time, -1) * width**-0.5
        weights = scores.masked_fill(~mask, float("-inf")).softmax(-1).to(v.dtype)
        mixed: Tensor = weights.view(batch, k.shape[1], groups * time, -1) @ v
        return mixed.view(batch, heads, time, width)
    # Repeated, since not every fused kernel takes groups and a mask together.
    k, v = (part.repeat_interleave(heads // part.shape[1], 1) for part in (k, v))
    return F.scaled_dot_product_attention(q, k, v, mask)


def document_mask(ids: Tensor, end: int) -> tuple[Tensor, Tensor]:
    """For windows of packed documents: who may look at whom, and positions that begin anew with each document.

    ids: (batch, time). Returns (batch, 1, time, time) bool and (batch, 1, time): one head's dimension for both.
    """
    time = ids.shape[1]
    begins = ids == end
    document = begins.cumsum(1)
    place = torch.arange(time, device=ids.device)
    causal = place[:, None] >= place[None, :]
    mask = (document[:, :, None] == document[:, None, :]) & causal
    start = torch.where(begins, place, 0).cummax(1).values
    return mask[:, None], (place - start)[:, None]
