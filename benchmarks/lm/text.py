"""Texts for the language model's benchmarks: posts of neutral folders, and a corpus with the newest held out."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lm.network import posts_of
from myna.corpus import Corpus, gather, train_tokenizer, vocabulary_size, write_corpus
from myna.network import Post


def folders(data: Path | None) -> list[Path]:
    """What --data says; else Congress, world leaders and Reddit of MYNA_DATA; else nothing, for a simulated network."""
    if data is not None:
        return [data]
    home = Path(os.environ.get("MYNA_DATA", "../shared/data"))
    names = ("congress_tweets_2016", "world_leaders_tweets_2017", "reddit_top_2013")
    return [home / name for name in names if (home / name).exists()]


def posts(data: Path | None, most: int) -> list[Post]:
    """At most `most` of the newest posts of each folder; simulated ones where there is no folder."""
    found = folders(data)
    if len(found) <= 1:
        return posts_of(found[0] if found else Path("/nowhere"), most)[1]
    return [_apart(post, place) for place, folder in enumerate(found) for post in posts_of(folder, most)[1]]


def _apart(post: Post, place: int) -> Post:
    """Ids of several sources must not meet."""
    names = ("id", "author_id", "reply_to", "repost_of", "quote_of")
    return replace(post, **{name: f"b{place}-{id}" for name in names if (id := getattr(post, name))})


def corpus_of(found: Sequence[Post], folder: Path, held_out: float = 0.1, vocabulary: int | None = None) -> Corpus:
    """A corpus of these posts, with the last `held_out` of the documents of each source for measuring.

    Sources lie years apart; each one's own time counts as the share of it that has passed.
    """
    times: dict[str, list[int]] = {}
    for post in found:
        times.setdefault(_source(post), []).append(post.created_at)
    spans = {source: (min(at), max(max(at) - min(at), 1)) for source, at in times.items()}
    aligned = []
    for post in found:
        first, length = spans[_source(post)]
        aligned.append(replace(post, created_at=(post.created_at - first) * 1_000_000 // length))
    gathered = gather(aligned)
    texts = [passage.text for document in gathered.documents for passage in document.passages if not passage.context]
    size = vocabulary or vocabulary_size(sum(len(text.encode()) for text in texts))
    border = round(len(texts) * (1 - held_out))
    corpus = write_corpus(gathered, train_tokenizer(texts[:border], size), folder)
    train = max(round((len(corpus.documents) - 1) * (1 - held_out)), 1)
    described = replace(corpus.description, train_documents=train, train_tokens=int(corpus.documents[train]))
    (corpus.directory / "corpus.json").write_text(json.dumps(described.to_dict()), encoding="utf-8")
    return Corpus(corpus.directory)


def _source(post: Post) -> str:
    return post.author_id.partition("-")[0]
