"""Token ids from the transformer itself, one text at a time, on whatever device it lies.

`Engine` writes many at once on a CPU; this is for models on another device, and to compare with.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch

from myna.model.choosing import choose
from myna.model.transformer import Cache, Transformer
from myna.model.types import Blocks, Sampling


def sample(
    model: Transformer,
    prompt: Sequence[int],
    usable: int,
    ends: Sequence[int],
    max_tokens: int = 64,
    temperature: float = 0.8,
    top_p: float = 0.95,
    seed: int | None = None,
    lock: AbstractContextManager[Any] | None = None,
    never: Sequence[int] = (),
    blocks: Blocks | None = None,
) -> Iterator[int]:
    """Token ids that go on from the prompt, until one of `ends` or max_tokens.

    usable: ids below this are the tokenizer's, the rows beyond are padding; never: ids not to be written; blocks: told
    the history and an id, whether that one may not follow (myna.model.guarding). temperature
    0 takes the likeliest. lock: held while computing, not between tokens, so that many can write by turns. When the
    context is full, the newer half of it is read again and the writing goes on.
    """
    device = next(model.parameters()).device
    chance = np.random.Generator(np.random.PCG64(None if seed is None else seed % 2**64))
    context = model.shape.context
    history = list(prompt)
    cache: Cache | None = None
    for _ in range(max_tokens):
        with lock or nullcontext(), torch.inference_mode():
            if cache is None or cache.length + 1 > context:
                kept = history[-(context // 2 if cache is not None else context - 1) :]
                cache = Cache.empty(model.shape, 1, context, model.model.norm.weight)
                fresh = kept
            else:
                fresh = history[-1:]
            logits = model(torch.tensor([fresh], device=device), cache)[0, -1, :usable].float().cpu().numpy()
        logits[list(never)] = -np.inf
        id = choose(logits, temperature, top_p, chance, history, blocks)
        if id in ends:
            return
        history.append(id)
        yield id


class Alone:
    """A `Sampler` over `sample`: texts take turns, token by token."""

    def __init__(self, model: Transformer, usable: int) -> None:
        self._model, self._usable = model, usable
        self._lock = threading.Lock()

    def __call__(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        ends: Sequence[int] = (),
        never: Sequence[int] = (),
        blocks: Blocks | None = None,
    ) -> "Turns":
        """The ids to come, computed as they are asked for."""
        how = (sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed)
        ids = sample(self._model, prompt, self._usable, ends, *how, self._lock, never, blocks)
        return Turns(ids, sampling.max_tokens)


class Turns:
    """The ids of one text. finish: empty until the last id is taken; then "stop" or "length"."""

    def __init__(self, ids: Iterator[int], most: int) -> None:
        self.finish = ""
        self._ids, self._left = ids, most
        self._cancelled = False

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if not self.finish and not self._cancelled:
            for id in self._ids:
                self._left -= 1
                return id
        self.finish = self.finish or ("stop" if self._left else "length")
        raise StopIteration

    def cancel(self) -> None:
        """Nobody waits for more. From any thread."""
        self._cancelled = True
