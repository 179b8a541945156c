"""Peers of the language model: transformers' Llama, and a plain loop in the shape of nanoGPT, written for this.

Both as their authors would run them on a CPU: bf16 autocast where this processor is faster at it, torch's attention
kernel, fused AdamW, compiled where that is asked for. They read the same windows; what belongs to another document they
may look at, as is usual there.
"""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from myna.model import Shape
from myna.training import IGNORED, Order, Text, held_out


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows, time, width = x.shape
        q, k, v = self.qkv(self.before_attention(x)).view(rows, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, time, width))
        out: Tensor = x + self.down(F.gelu(self.up(self.before_mlp(x))))
        return out


class Nano(nn.Module):
    """GPT-2's block at our width, depth and context, with learned positions and tied embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.places = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(_Block(shape.width, shape.heads) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                spread = 0.02 / math.sqrt(2 * shape.layers) if name.endswith(("out.weight", "down.weight")) else 0.02
                nn.init.normal_(parameter, std=spread)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (rows, time, vocabulary)."""
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.norm(x) @ self.tokens.weight.t()
        return logits


class Llama(nn.Module):
    """transformers' Llama at our width, depth, heads and context, tied embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        from transformers import LlamaConfig, LlamaForCausalLM

        self.inner = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=shape.vocabulary,
                hidden_size=shape.width,
                intermediate_size=shape.hidden,
                num_hidden_layers=shape.layers,
                num_attention_heads=shape.heads,
                num_key_value_heads=shape.kv_heads,
                head_dim=shape.head_width,
                max_position_embeddings=shape.context,
                tie_word_embeddings=shape.tied,
                attn_implementation="sdpa",
            )
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (rows, time, vocabulary)."""
        logits: Tensor = self.inner(ids, use_cache=False).logits
        return logits


PEERS: dict[str, Callable[[Shape], nn.Module]] = {"transformers Llama": Llama, "nanoGPT shape": Nano}


class Loop:
    """A peer and its AdamW, stepped over an Order's windows."""

    def __init__(
        self, model: nn.Module, order: Order, batch: int, precision: str, compiled: bool = True, rate: float = 2e-3
    ) -> None:
        self.model, self.rate, self._half = model, rate, precision == "bfloat16"
        self._order, self._batch, self._step = order, batch, 0
        decayed = [p for p in model.parameters() if p.ndim == 2]
        others = [p for p in model.parameters() if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)
        self._loss = torch.compile(self._plain) if compiled else self._plain

    def _plain(self, ids: Tensor, targets: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            logits = self.model(ids)
        return F.cross_entropy(
            logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )  # fmt: skip

    def advance(self, factor: float = 1.0) -> None:
        """One step at this share of the learning rate."""
        ids, targets, count = self._order.batch(self._step, self._batch)
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate * factor
        loss = self._loss(torch.from_numpy(ids), torch.from_numpy(targets)) / max(count, 1)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._step += 1

    def train(self, seconds: float) -> int:
        """Steps for this long, the rate rising over a fiftieth of it and falling in a cosine to a tenth. Returns how
        many tokens were read."""
        began = time.monotonic()
        while (done := (time.monotonic() - began) / seconds) < 1:
            self.advance(min(done * 50 + 0.02, 1.0) * (0.55 + 0.45 * math.cos(math.pi * done)))
        return self._step * self._batch * self._order.context

    @torch.no_grad()
    def bits_per_byte(self, text: Text, context: int) -> float:
        """On the held-out documents, as Trainer.bits_per_byte measures."""
        ids, targets, size = held_out(text, context)
        nats = 0.0
        for begin in range(0, len(ids), 64):
            rows = slice(begin, begin + 64)
            longest = int((targets[rows] != IGNORED).any(0).nonzero()[0].max(initial=0)) + 1
            nats += float(self._plain(torch.from_numpy(ids[rows, :longest]), torch.from_numpy(targets[rows, :longest])))
        return nats / math.log(2) / max(size, 1)
