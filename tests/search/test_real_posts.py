"""On real posts, where they are here: the ranking is better than SQLite's FTS5, and every span is exact."""

import math
import os
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from myna.gate import ANYONE
from myna.network import Post
from myna.search import analyze

DATA = Path(os.environ.get("MYNA_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
TREC = DATA / "trec_microblog" / "trec2011.parquet"
THAI = DATA / "wisesight_thai_social"


@pytest.mark.skipif(not TREC.exists(), reason=f"no TREC Microblog posts at {TREC}")
def test_what_people_judged_relevant_ranks_higher_than_with_fts5(network) -> None:
    table = pl.read_parquet(TREC).filter(pl.col("topic") <= 16)
    posts = {}
    relevant: dict[str, set[str]] = {}
    for query, id, text, rel in table.select("query", "tweet_id", "text", "rel").iter_rows():
        posts[f"x:{id}"] = Post(f"x:{id}", "x:unknown", 0, text, lang="en")
        relevant.setdefault(query, set()).update({f"x:{id}"} if rel else ())
    network.add(*posts.values())
    peer = sqlite3.connect(":memory:")
    peer.execute("CREATE VIRTUAL TABLE posts USING fts5(text, id UNINDEXED)")
    peer.executemany("INSERT INTO posts VALUES (?, ?)", [(post.text, post.id) for post in posts.values()])

    def fts(query: str) -> list[str]:
        words = " OR ".join(f'"{term.text}"' for term in analyze(query) if not term.also)
        rows = peer.execute("SELECT id FROM posts WHERE posts MATCH ? ORDER BY bm25(posts) LIMIT 10", (words,))
        return [id for (id,) in rows]

    def ndcg(found: list[str], right: set[str]) -> float:
        gain = sum(1 / math.log2(place + 2) for place, id in enumerate(found) if id in right)
        return gain / sum(1 / math.log2(place + 2) for place in range(min(10, len(right))))

    asked = {query: right for query, right in relevant.items() if right}
    ours = sum(
        ndcg([hit.post.id for hit in network.search.search(ANYONE, query, 10).hits], right)
        for query, right in asked.items()
    )
    theirs = sum(ndcg(fts(query), right) for query, right in asked.items())
    assert ours > theirs


@pytest.mark.skipif(not THAI.exists(), reason=f"no Thai posts at {THAI}")
def test_posts_of_a_script_without_spaces_are_found_by_any_piece_of_them(network) -> None:
    path = next(THAI.glob("*.parquet"))
    texts = [text for text in pl.read_parquet(path)["text"].to_list() if text and len(text) > 12][:1500]
    network.add(*(Post(f"x:{n}", "x:unknown", n, text, lang="th") for n, text in enumerate(texts)))
    for n in range(0, len(texts), 50):
        words = [term for term in analyze(texts[n]) if not term.also]
        run = [term for term in words if term.end - term.start >= 2][:3]
        if not run:
            continue
        piece = texts[n][run[0].start : run[-1].end]
        results = network.search.search(ANYONE, f'"{piece}"', limit=100, sort="latest")
        while f"x:{n}" not in {hit.post.id for hit in results.hits}:
            assert results.cursor, "the post is not found by a piece of its own"
            results = network.search.search(ANYONE, "", limit=100, cursor=results.cursor)
