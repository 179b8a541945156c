"""Writing: tokens a second of our decoder against transformers' generate, at one text and at 32.

Both take the likeliest token, in fp32 on one thread, from the same saved weights and prompts, by turns; seconds are of
CPU time. A row counts only where the tokens are the same: where they differ it says so and shows what was measured.
Prompts are beginnings of real posts.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from result import Row

from lm.network import posts_of
from myna.corpus import Tokenizer, clean, train_tokenizer
from myna.model import Decoder, Shape, new_model, save_model, shape_of

_PROMPT = 16
_ASKED = 3.0


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Two rows a setting, tokens a second and the ratio, and the peer's last."""
    try:
        import transformers
    except ImportError:
        return
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    texts = [clean(post.text) for post in posts_of(data, 5_000 if quick else 50_000)[1] if post.text]
    tokenizer = train_tokenizer(texts, 2048 if quick else 8192)
    prompts = _prompts(tokenizer, texts)
    sizes = ((128, 4),) if quick else ((128, 4), (256, 4), (256, 6))
    for width, layers in sizes:
        shape = shape_of(width, layers, 8192, 512)
        with tempfile.TemporaryDirectory() as folder:
            _save(shape, Path(folder))
            peer = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
            decoder = Decoder.load(Path(folder), shape.vocabulary)
        for texts_at_once in (1, 32):
            for tokens in (64,) if quick else (64, 256):
                yield from _compare(decoder, peer, prompts[:texts_at_once], tokens, 3)


def _compare(decoder: Decoder, peer: Any, prompts: np.ndarray, tokens: int, rounds: int) -> Iterator[Row]:
    ways: dict[str, Callable[[], np.ndarray]] = {
        "ours": lambda: _ours(decoder, prompts, tokens),
        "theirs": lambda: _theirs(peer, prompts, tokens),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    written: dict[str, np.ndarray] = {}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            began = time.process_time()
            written[name] = way()
            if turn:
                seconds[name].append(time.process_time() - began)
    ours, theirs = (len(prompts) * tokens / statistics.median(seconds[name]) for name in ("ours", "theirs"))
    ratio = statistics.median(b / a for a, b in zip(seconds["ours"], seconds["theirs"], strict=True))
    same = float((written["ours"] == written["theirs"]).mean())
    size = f"{decoder.shape.parameters / 1e6:.1f}M parameters, {len(prompts)} at once, {tokens} tokens"
    note = "" if same == 1 else f" (only {same:.1%} of the tokens are the same)"
    yield Row(f"writing, {size}{note}", "tokens/CPU-s", ours, {"transformers generate": theirs})
    yield Row(f"the same, as a ratio{note}", "times", ratio, {"transformers generate": 1.0}, _ASKED)


def _ours(decoder: Decoder, prompts: np.ndarray, tokens: int) -> np.ndarray:
    decoder.texts = 0
    logits = decoder.read({decoder.join(): prompt for prompt in prompts.tolist()})
    chosen = [logits.argmax(1)]
    while len(chosen) < tokens:
        chosen.append(decoder.step(chosen[-1].tolist()).argmax(1))
    return np.stack(chosen, 1)


def _theirs(peer: Any, prompts: np.ndarray, tokens: int) -> np.ndarray:
    ids = torch.from_numpy(prompts)
    asked = {"max_new_tokens": tokens, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    with torch.inference_mode():
        out = peer.generate(ids, attention_mask=torch.ones_like(ids), **asked)
    found: np.ndarray = out[:, prompts.shape[1] :].numpy()
    return found


def _save(shape: Shape, folder: Path) -> None:
    """An untrained model whose layers all say something: as new ones start, they would add nothing."""
    model = new_model(shape, 1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    save_model(model, folder, 0, 1)


def _prompts(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """32 beginnings of posts, of _PROMPT tokens each: (32, _PROMPT) int64."""
    encoded = ([tokenizer.end, *tokenizer.encode(text)] for text in texts)
    return np.array(list(islice((ids[:_PROMPT] for ids in encoded if len(ids) >= _PROMPT), 32)))


if __name__ == "__main__":
    import sys

    for row in rows(None, "--quick" in sys.argv):
        print(f"{row.what}: {row.ours:,.1f} {row.unit}, {row.peers}, {row.holds}", flush=True)
