"""Writing: tokens sampled one after another with a key-value cache, and handed out as pieces of whole characters."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from myna.model.transformer import Cache, Transformer
from myna.model.types import Tokens


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
    blocks: Callable[[Sequence[int], int], bool] | None = None,
) -> Iterator[int]:
    """Token ids that go on from the prompt, until one of `ends` or max_tokens.

    usable: ids below this are the tokenizer's, the rows beyond are padding; never: ids not to be written; blocks: told
    the history and an id, whether that one may not follow (myna.model.verbatim). temperature
    0 takes the likeliest. lock: held while computing, not between tokens, so that many can write by turns. When the
    context is full, the newer half of it is read again and the writing goes on.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device=device)
    generator.manual_seed(seed if seed is not None else torch.seed() % 2**63)
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
            logits = model(torch.tensor([fresh], device=device), cache)[0, -1, :usable].float()
            logits[list(never)] = float("-inf")
            id = _choose(logits, temperature, top_p, generator)
            while blocks is not None and blocks(history, id):
                logits[id] = float("-inf")
                id = _choose(logits, temperature, top_p, generator)
        if id in ends:
            return
        history.append(id)
        yield id


def _choose(logits: Tensor, temperature: float, top_p: float, generator: torch.Generator) -> int:
    """One id of logits (vocabulary,): nucleus sampling (Holtzman et al. 2020, arXiv 1904.09751)."""
    if temperature <= 0:
        return int(logits.argmax())
    chances, order = (logits / temperature).softmax(-1).sort(descending=True)
    # The first token that reaches top_p is still in.
    kept = chances.cumsum(0) - chances < top_p
    kept[0] = True
    chosen = torch.multinomial(chances * kept, 1, generator=generator)
    return int(order[chosen])


def write(
    model: Transformer,
    tokenizer: Tokens,
    prompt: str,
    max_tokens: int = 64,
    temperature: float = 0.8,
    top_p: float = 0.95,
    seed: int | None = None,
    stop: Sequence[str] = (),
    lock: AbstractContextManager[Any] | None = None,
    show: Callable[[str], str] = str,
    blocks: Callable[[Sequence[int], int], bool] | None = None,
) -> Iterator[str]:
    """Text that goes on from a cleaned prompt, in pieces of whole characters, up to the post's end or a stop string.

    show: turns a token's text into what people are shown, placeholders above all. blocks: as for `sample`.
    """
    ids = [tokenizer.end, *tokenizer.encode(prompt)]
    stream = tokenizer.streaming()
    held = ""
    longest = max((len(text) for text in stop), default=0)
    ends = (tokenizer.end, tokenizer.reply)
    drawn = sample(
        model, ids, len(tokenizer), ends, max_tokens, temperature, top_p, seed, lock, (tokenizer.pad,), blocks
    )  # fmt: skip
    for id in drawn:
        held += show(stream.push(id))
        if cut := _first(held, stop):
            yield held[: cut - 1]
            return
        # What could be the beginning of a stop string waits for its end.
        if len(held) > longest:
            ready = len(held) - max(longest - 1, 0)
            yield held[:ready]
            held = held[ready:]
    held += stream.finish()
    cut = _first(held, stop)
    if text := held[: cut - 1] if cut else held:
        yield text


def _first(text: str, stop: Sequence[str]) -> int:
    """One more than where the first stop string begins; 0 where there is none."""
    return min((text.find(word) + 1 for word in stop if word and word in text), default=0)
