"""What a network's posts are about, in words that many of its people use: for control tokens (controls.py).

Hashtags first, then words that come in clusters: fewer people use them than would if they were strewn over all posts,
as function words are (residual inverse document frequency, with people as the documents: Church & Gale 1995, "Poisson
mixtures"). No dictionary and no list of stop words, so that every language written with spaces is treated alike; in
those written without, hashtags alone are topics.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from myna.network import Post

AUTHORS = 20
"""People who must have used a topic: nobody's own words, nor a few people's, become one."""
_MOST, _MOST_TAGS = 48, 24
_SHORTEST, _LONGEST = 3, 40
_COMMON, _COMMON_TAG = 0.05, 0.5
"""Share of posts, in its language, from which a word says nothing of them; and of posts from which a hashtag does."""
_CLUSTERED = 0.5
"""Bits of residual inverse document frequency of a word at least: seven tenths of the authors one would expect."""
_READ, _TOGETHER = 50_000, 50_000
"""Posts, spread evenly over all, from which topics are found; and posts that are looked through at once."""
_PLACEHOLDER, _TERM = r"<\|\w+\|>", r"#?\w+"
_TAG, _WORD = r"^#.*\p{L}", r"^\p{L}\w*$"
_UNSPACED = r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Han}\p{Hiragana}\p{Katakana}]"


def find_topics(posts: Sequence[Post], texts: Sequence[str], languages: Sequence[str]) -> dict[str, int]:
    """The topics of these posts, 48 at most, and how many authors used each: 20 or more.

    texts: cleaned. Half of the topics at most are hashtags; words are shared out among languages by their posts.
    """
    every = -(-len(posts) // _READ) or 1
    authors = [post.author_id for post in posts[::every]]
    read = pl.DataFrame({"author": authors, "lang": languages[::every]}, {"author": pl.Categorical, "lang": pl.String})
    read = read.with_columns(
        pl.col("author").to_physical(), pl.col("lang").str.to_lowercase().str.extract(r"^([^_-]*)")
    ).with_row_index("post")
    terms = _terms(texts[::every])
    counts = terms.group_by("term").agg(pl.len().alias("posts"))
    is_tag = pl.col("term").str.contains(_TAG)
    # What is nowhere near a topic goes first: most of all terms, and the most common ones, most of what is said.
    most = pl.when(is_tag).then(_COMMON_TAG).otherwise(_COMMON) * len(read)
    likely = counts.filter(pl.col("posts").is_between(AUTHORS, most), pl.col("term").str.len_chars() <= _LONGEST)
    terms = terms.join(likely.select("term"), "term").join(read, "post")
    used = terms.group_by("term").agg(pl.col("author").n_unique().alias("authors"))
    used = used.filter(pl.col("authors") >= AUTHORS)
    tags = used.filter(is_tag).with_columns(pl.col("term").str.slice(1))
    tags = tags.join(counts, "term", "left").filter(pl.col("posts").fill_null(0) <= _COMMON * len(read))
    topics = _most_used(tags, _MOST_TAGS)
    room = _MOST - len(topics)
    words = used.filter(pl.col("term").str.contains(_WORD), ~pl.col("term").str.contains(_UNSPACED))
    words = words.filter(pl.col("term").str.len_chars() >= _SHORTEST).join(tags, "term", "anti")
    terms = terms.join(words.select("term"), "term")
    for (lang,), wrote in read.group_by("lang", maintain_order=True):
        found = _clustered(terms.filter(pl.col("lang") == lang), wrote["author"])
        # A word of two languages is one topic.
        topics = _most_used(found, round(room * len(wrote) / len(read))) | topics
    return topics


def topics_of(texts: Sequence[str], topics: Mapping[str, int]) -> list[str]:
    """The rarest of these topics that each cleaned text is of, by its hashtags or words; empty for none. topics: with
    the number of authors each has."""
    found = [""] * len(texts)
    ranked = sorted(topics, key=lambda topic: (topics[topic], topic))
    rank = pl.DataFrame({"term": ranked, "rank": range(len(ranked))}, {"term": pl.String, "rank": pl.Int64})
    for start in range(0, len(texts) if topics else 0, _TOGETHER):
        part = pl.Series(texts[start : start + _TOGETHER], dtype=pl.String)
        # Looking for all of them at once is ten times as quick as taking every text apart.
        some = part.str.to_lowercase().str.contains_any(ranked).arg_true()
        terms = _terms(part.gather(some)).with_columns(pl.col("term").str.strip_prefix("#"))
        rarest = terms.join(rank, "term").group_by("post").agg(pl.col("rank").min())
        for post, place in rarest.iter_rows():
            found[start + some[post]] = ranked[place]
    return found


def _terms(texts: Sequence[str] | pl.Series) -> pl.DataFrame:
    """A row for each different hashtag (`#tag`) and word of each text: its number, and the term in small letters."""
    term = pl.col("term").str.replace_all(_PLACEHOLDER, " ").str.to_lowercase().str.extract_all(_TERM)
    table = pl.DataFrame({"term": texts}, {"term": pl.String}).with_row_index("post")
    return table.with_columns(term.list.unique()).explode("term").drop_nulls()


def _most_used(found: pl.DataFrame, most: int) -> dict[str, int]:
    """The terms that most authors use, with how many."""
    return dict(
        found.sort("authors", "term", descending=[True, False]).head(most).select("term", "authors").iter_rows()
    )


def _clustered(terms: pl.DataFrame, wrote: pl.Series) -> pl.DataFrame:
    """The words of a language that come in clusters. terms: its posts' terms; wrote: its posts' authors."""
    sizes, counts = np.unique(wrote.value_counts()["count"].to_numpy(), return_counts=True)
    used = terms.group_by("term").agg(pl.len().alias("posts"), pl.col("author").n_unique().alias("authors"))
    used = used.filter(pl.col("authors") >= AUTHORS, pl.col("posts") <= _COMMON * len(wrote))
    share = used["posts"].to_numpy()[:, None] / len(wrote)
    expected = ((1 - (1 - share) ** sizes) * counts).sum(1)
    return used.filter(pl.Series(np.log2(expected / used["authors"].to_numpy()) >= _CLUSTERED, dtype=pl.Boolean))
