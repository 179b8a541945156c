"""Tokens: how many the network's later posts cost, by language, and how fast they are made.

The peer is a byte-level BPE of the same size with the splitting pattern of GPT-2, learned from the same text: all but
the newest tenth, which both are tried on.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import rustbpe
from result import Row

from lm.network import posts_of
from myna.corpus import QUOTE, SPECIAL, Tokenizer, gather, train_tokenizer, vocabulary_size

_GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_NAMES = (*SPECIAL, QUOTE)
_PLACEHOLDERS = re.compile("|".join(map(re.escape, _NAMES)))
_ENOUGH_BYTES = 5_000


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    names = ("congress_tweets_2016",) if data or quick else ("congress_tweets_2016", "world_leaders_tweets_2017")
    for default in names:
        name, posts = posts_of(data, 15_000 if quick else 200_000, default)
        gathered = gather(posts)
        said = [(p.text, d.lang) for d in gathered.documents for p in d.passages if not p.context]
        known, later = said[: len(said) * 9 // 10], said[len(said) * 9 // 10 :]
        size = vocabulary_size(sum(len(text.encode()) for text, _ in known), gathered.languages)
        ours = train_tokenizer([text for text, _ in known], size, [lang for _, lang in known])
        peer = gpt2_like([text for text, _ in known], len(ours))
        count, speed, by_language = _tried(ours, later)
        peer_count, peer_speed, peer_by_language = _tried(peer, later)
        yield Row(
            f"tokens saved on later posts, {name}, {len(ours)} tokens",
            "% of GPT-2's",
            100 * (1 - count / peer_count),
            asked=8.0,
        )
        yield Row(f"encoding, {name}", "MB/CPU-s", speed, {"GPT-2's pattern": peer_speed})
        if len(by_language) > 1:
            yield Row(
                f"bytes per token, the worst of {len(by_language)} languages by the best, {name}",
                "ratio",
                min(by_language.values()) / max(by_language.values()),
                {"GPT-2's pattern": min(peer_by_language.values()) / max(peer_by_language.values())},
                0.5,
            )


def gpt2_like(texts: Sequence[str], size: int) -> Tokenizer:
    """A byte-level BPE split as GPT-2 does it, with our placeholders."""
    trainer = rustbpe.Tokenizer()
    parts = (_PLACEHOLDERS.sub(" ", text) for text in texts)
    trainer.train_from_iterator(parts, vocab_size=size - len(_NAMES), pattern=_GPT2)
    ranks = [bytes(token) for token, _ in sorted(trainer.get_mergeable_ranks(), key=lambda item: item[1])]
    return Tokenizer(ranks, _NAMES, _GPT2)


def _tried(tokenizer: Tokenizer, said: Sequence[tuple[str, str]]) -> tuple[int, float, dict[str, float]]:
    """Tokens in all, megabytes encoded a second, and bytes per token of each language, placeholders not counted."""
    began = time.process_time()
    counts = [len(tokenizer.encode(text)) for text, _ in said]
    seconds = time.process_time() - began
    sizes: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for (text, lang), count in zip(said, counts, strict=True):
        sizes[lang] += len(_PLACEHOLDERS.sub("", text).encode())
        tokens[lang] += count - len(_PLACEHOLDERS.findall(text))
    speed = sum(len(text.encode()) for text, _ in said) / 1e6 / seconds
    return sum(counts), speed, {lang: size / tokens[lang] for lang, size in sizes.items() if size >= _ENOUGH_BYTES}


if __name__ == "__main__":
    for row in rows(None, True):
        print(json.dumps({"what": row.what, "unit": row.unit, "ours": row.ours, "peers": row.peers}))
