"""Texts for the language model's benchmarks: posts of neutral folders, and a corpus with the newest held out."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from myna.corpus import Corpus, gather, train_tokenizer, vocabulary_size, write_corpus
from myna.network import WORLD, Post

_COLUMNS = ("post_id", "author_id", "created_at", "text", "lang", "reply_to_post", "repost_of")


def folders(data: Path | None) -> list[Path]:
    """What --data says; else Congress, world leaders and Reddit of MYNA_DATA; else nothing, for a simulated network."""
    if data is not None:
        return [data]
    home = Path(os.environ.get("MYNA_DATA", "../shared/data"))
    names = ("congress_tweets_2016", "world_leaders_tweets_2017", "reddit_top_2013")
    return [home / name for name in names if (home / name).exists()]


def posts(data: Path | None, most: int) -> list[Post]:
    """At most `most` posts of each folder, spread evenly over its time; simulated ones where there is no folder."""
    found = [post for place, folder in enumerate(folders(data)) for post in _read(folder, most, f"b{place}")]
    if found:
        return found
    from myna.world import generate

    facts = (fact for batch in generate(max(most // 40, 2), most).batches() for fact in batch)
    return [fact for fact in facts if isinstance(fact, Post)]


def _read(folder: Path, most: int, source: str) -> list[Post]:
    paths = sorted(folder.glob("posts*.parquet")) if folder.is_dir() else [folder]
    frame = pl.concat([pl.read_parquet(path) for path in paths], how="vertical_relaxed")
    if "text" not in frame.columns:
        # Reddit's: a title, and a body that may be empty; the community stands for the author.
        parts = [pl.col(name).fill_null("") for name in ("title", "body")]
        text = pl.concat_str(parts, separator="\n").str.strip_chars()
        frame = frame.with_columns(text.alias("text"), pl.col("subreddit").alias("author_id"))
    if frame["created_at"].dtype == pl.Datetime:
        frame = frame.with_columns(frame["created_at"].dt.timestamp("ms").alias("created_at"))
    frame = frame.select([name for name in _COLUMNS if name in frame.columns]).sort("created_at")
    every = max(frame.height / most, 1.0)
    frame = frame[[int(place * every) for place in range(min(frame.height, most))]]
    made = []
    for row in frame.iter_rows(named=True):
        near = {
            name: f"{WORLD}:{source}-{row[name]}" if row.get(name) else "" for name in ("reply_to_post", "repost_of")
        }
        made.append(
            Post(
                f"{WORLD}:{source}-{row['post_id']}",
                f"{WORLD}:{source}-{row.get('author_id', '')}",
                int(row["created_at"] or 0),
                row["text"] or "",
                row.get("lang") or "",
                near["reply_to_post"],
                near["repost_of"],
            )
        )
    return made


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
