"""The posts that the benchmarks of the language model read."""

import os
from pathlib import Path

import polars as pl

from myna.network import WORLD, Post

_COUNTS = ("like_count", "repost_count", "reply_count")
_NAMES = {
    "author_id": ("author_id", "author", "subreddit"),
    "lang": ("lang", "lang_guess"),
    "reply_to": ("reply_to_post",),
    "repost_of": ("repost_of",),
    "quote_of": ("quote_of",),
}


def posts_of(data: Path | None, most: int, default: str = "congress_tweets_2016") -> tuple[str, list[Post]]:
    """Where the posts are from, and the newest `most` in the order of time: of a folder in the documented layout or of
    a file, of MYNA_DATA's `default`, or of a simulated network."""
    if data is None and os.environ.get("MYNA_DATA"):
        data = Path(os.environ["MYNA_DATA"]) / default
    if data is None or not data.exists():
        from myna.world import generate

        facts = (fact for batch in generate(max(most // 40, 2), most).batches() for fact in batch)
        return "simulated network", [fact for fact in facts if isinstance(fact, Post)]
    files = sorted(data.glob("posts*.parquet")) if data.is_dir() else [data]
    frame = pl.concat([pl.read_parquet(path) for path in files])
    time = frame["created_at"]
    if time.dtype != pl.Int64:
        frame = frame.with_columns(time.dt.timestamp("ms").alias("created_at"))
    frame = frame.filter(pl.col("created_at").is_not_null()).sort("created_at").tail(most)
    columns = {
        name: frame[found].to_list()
        for name, names in _NAMES.items()
        if (found := next((n for n in names if n in frame.columns), None))
    }
    counts = {name: frame[name].to_list() for name in _COUNTS if name in frame.columns}
    texts = frame["text"] if "text" in frame.columns else frame["title"] + "\n" + frame["body"].fill_null("")
    posts = []
    for place, (id, at, text) in enumerate(
        zip(frame["post_id"].to_list(), frame["created_at"].to_list(), texts.to_list(), strict=True)
    ):
        said = {name: column[place] or "" for name, column in columns.items()}
        reactions = {name: column[place] or 0 for name, column in counts.items()}
        named = {name: f"{WORLD}:{value}" if value and name != "lang" else value for name, value in said.items()}
        posts.append(Post(f"{WORLD}:{id}", named.pop("author_id", WORLD), at, text or "", **named, **reactions))
    return data.name, posts
