"""Search: how fast, how fresh, how good, with SQLite's FTS5 on the same posts in the same run.

With TREC Microblog and TweetQA (--data, or MYNA_DATA) relevance is measured on their judgements; without them, on a
simulated network, only speed and freshness are. Posts that a collection did not judge count as not relevant, for us and
for the peer. Words alone: no embedding takes part.
"""

import math
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl
from result import Row

from myna.decisions import DecisionLog
from myna.gate import ANYONE, Reader
from myna.network import HOME, Deletion, Post, now_ms
from myna.network.store import Store
from myna.search import Search, analyze
from myna.search.stopwords import STOPWORDS


class Engines:
    """Our search and FTS5 over the same posts."""

    def __init__(self, home: Path, posts: Sequence[Post]) -> None:
        self.store = Store(f"sqlite:///{home}/network.db")
        for start in range(0, len(posts), 10_000):
            self.store.append(posts[start : start + 10_000], checked=True)
        self.search = Search(home / "search", Reader(self.store), DecisionLog(self.store))
        start_cpu = time.process_time()
        self.search.follow()
        self.seconds = time.process_time() - start_cpu
        start_cpu = time.process_time()
        self.peer = sqlite3.connect(home / "fts.db")
        self.peer.execute("PRAGMA journal_mode = WAL")
        self.peer.execute("CREATE VIRTUAL TABLE posts USING fts5(text, id UNINDEXED, tokenize = 'unicode61')")
        with self.peer:
            self.peer.executemany("INSERT INTO posts VALUES (?, ?)", [(post.text, post.id) for post in posts])
        self.peer_seconds = time.process_time() - start_cpu

    def ours(self, text: str) -> list[str]:
        """The ids of the first ten."""
        return [hit.post.id for hit in self.search.search(ANYONE, text, 10).hits]

    def fts(self, text: str) -> list[str]:
        """The ids of FTS5's first ten for any of the words."""
        words = [term.text for term in analyze(text) if not term.also and term.text.isalnum()]
        if not words:
            return []
        match = " OR ".join(f'"{word}"' for word in words)
        rows = self.peer.execute("SELECT id FROM posts WHERE posts MATCH ? ORDER BY bm25(posts) LIMIT 10", (match,))
        return [id for (id,) in rows]

    def close(self) -> None:
        """Lets go of both."""
        self.search.close()
        self.store.close()
        self.peer.close()


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """The rows, as they are measured."""
    folder = data or (Path(os.environ["MYNA_DATA"]) if "MYNA_DATA" in os.environ else None)
    for year in (2011,) if quick else (2011, 2012):
        path = folder / "trec_microblog" / f"trec{year}.parquet" if folder else None
        if path is not None and path.exists():
            with tempfile.TemporaryDirectory() as home:
                yield from _trec(Path(home), path, year, speed=year == 2011)
    path = folder / "tweetqa" / "train.parquet" if folder else None
    if path is not None and path.exists():
        with tempfile.TemporaryDirectory() as home:
            yield from _tweetqa(Path(home), path, 300 if quick else 2000)
    if folder is None or not (folder / "trec_microblog").exists():
        with tempfile.TemporaryDirectory() as home:
            yield from _simulated(Path(home), 5_000 if quick else 40_000)


def _trec(home: Path, path: Path, year: int, speed: bool) -> Iterator[Row]:
    table = pl.read_parquet(path)
    posts: dict[str, Post] = {}
    relevant: dict[str, dict[str, int]] = {}
    for row in table.select("query", "tweet_id", "created_at", "text", "rel").iter_rows(named=True):
        id = f"x:{row['tweet_id']}"
        at = int(row["created_at"].timestamp() * 1000)
        posts.setdefault(id, Post(id, "x:unknown", at, row["text"], lang="en"))
        relevant.setdefault(row["query"], {})[id] = row["rel"]
    engines = Engines(home, list(posts.values()))
    judged = {query: rel for query, rel in relevant.items() if any(rel.values())}
    ours = statistics.mean(_ndcg(engines.ours(query), rel) for query, rel in judged.items())
    fts = statistics.mean(_ndcg(engines.fts(query), rel) for query, rel in judged.items())
    # What BM25 with k1 0.9, b 0.4 and Porter stems reached on the same files.
    asked = {2011: 0.572, 2012: 0.419}[year]
    yield Row(f"TREC Microblog {year}, {len(judged)} topics", "nDCG@10", ours, {"FTS5 bm25": fts}, asked)
    if speed:
        yield from _speed(engines, list(posts.values()))
    engines.close()


def _tweetqa(home: Path, path: Path, questions: int) -> Iterator[Row]:
    table = pl.read_parquet(path)
    texts: dict[str, str] = {}
    asked: list[tuple[str, str, list[str]]] = []
    for row in table.iter_rows(named=True):
        id = f"x:{row['tweet_id']}"
        texts[id] = row["text"]
        asked.append((row["question"], id, row["answers"]))
    draw = random.Random(1)
    asked = draw.sample(asked, min(questions, len(asked)))
    # Every third answer's tweet is left out, so that the right answer to those questions is none.
    absent = {id for _, id, _ in asked[::3]}
    posts = [Post(id, "x:unknown", 0, text, lang="en") for id, text in texts.items() if id not in absent]
    engines = Engines(home, posts)
    present = [entry for entry in asked if entry[1] not in absent]
    gone = [entry for entry in asked if entry[1] in absent]
    ours = statistics.mean(_ndcg(engines.ours(question), {id: 1}) for question, id, _ in present)
    fts = statistics.mean(_ndcg(engines.fts(question), {id: 1}) for question, id, _ in present)
    yield Row(
        f"TweetQA, {len(present)} questions of {len(posts)} tweets", "nDCG@10", ours, {"FTS5 bm25": fts}, 0.619
    )  # fmt: skip
    first = answered = verbatim = cited = 0
    scores: list[tuple[float, bool]] = []
    for question, _, wanted in present:
        answer = engines.search.ask(ANYONE, question)
        scores.append((_best(engines.search, answer.decision), True))
        answered += not answer.abstained
        first += bool(answer.citations) and _contains(answer.citations[0].text, wanted)
        cited += len(answer.citations)
        verbatim += sum(c.text == texts[c.post.id][c.start : c.end] for c in answer.citations)
    abstained = 0
    for question, _, _ in gone:
        answer = engines.search.ask(ANYONE, question)
        abstained += answer.abstained
        scores.append((_best(engines.search, answer.decision), False))
    top = sum(_contains(texts[found[0]], wanted) for q, _, wanted in present if (found := engines.fts(q))) / len(
        present
    )
    yield Row(
        "TweetQA: an answer string in the first citation", "share", first / len(present), {"FTS5 first post": top}
    )
    yield Row("TweetQA: citations that stand in their post verbatim", "share", verbatim / max(1, cited), {}, 1.0)
    yield Row("TweetQA: answered where the tweet is there", "share", answered / len(present))
    yield Row("TweetQA: no answer given where the tweet is not there", "share", abstained / max(1, len(gone)))
    yield Row("TweetQA: score tells whether the tweet is there", "AUROC", _auroc(scores))
    engines.close()


def _simulated(home: Path, number: int) -> Iterator[Row]:
    from myna.world import generate

    world = generate(max(100, number // 40), number, 1)
    posts = [fact for batch in world.batches() for fact in batch if isinstance(fact, Post)]
    engines = Engines(home, posts)
    yield from _speed(engines, posts)
    engines.close()


def _speed(engines: Engines, posts: Sequence[Post]) -> Iterator[Row]:
    rate, peer_rate = len(posts) / engines.seconds, len(posts) / engines.peer_seconds
    yield Row(f"indexing {len(posts)} posts through the gate, CPU time", "posts/s", rate, {"FTS5": peer_rate})
    draw = random.Random(2)
    queries: list[str] = []
    while len(queries) < 300:
        words = [t.text for t in analyze(draw.choice(posts).text) if not t.also and t.text not in STOPWORDS]
        if words:
            start = draw.randrange(len(words))
            queries.append(" ".join(words[start : start + draw.randint(1, 4)]))
    ours, fts = _latencies(engines.ours, queries), _latencies(engines.fts, queries)
    for name, place in (("median", 0.5), ("99th percentile", 0.99)):
        yield Row(
            f"a query, {name}, with gate, ranking, highlights and decision log; the peer: ids only",
            "ms",
            _quantile(ours, place),
            {"FTS5": _quantile(fts, place)},
            more_is_better=False,
        )
    fresh: list[float] = []
    gone: list[float] = []
    for place in range(30):
        word = f"zq{place}xv{draw.randrange(10**6)}"
        id = f"{HOME}:bench{place}"
        start = time.perf_counter()
        engines.store.append([Post(id, f"{HOME}:someone", now_ms(), f"a canary named {word}", lang="en")])
        engines.search.follow()
        found = engines.ours(word)
        fresh.append((time.perf_counter() - start) * 1000)
        start = time.perf_counter()
        engines.store.append([Deletion(id, "post", now_ms())])
        engines.search.follow()
        left = engines.ours(word)
        gone.append((time.perf_counter() - start) * 1000)
        if found != [id] or left:
            raise RuntimeError(f"the canary {id} was not found when written or still found when deleted")
    yield Row("written, followed and found: the slowest of 30", "ms", max(fresh), {}, 1000.0, more_is_better=False)
    yield Row("deleted, followed and gone: the slowest of 30", "ms", max(gone), {}, 2000.0, more_is_better=False)


def _latencies(ask: Callable[[str], list[str]], queries: Sequence[str]) -> list[float]:
    found: list[float] = []
    for query in queries:
        start = time.perf_counter()
        ask(query)
        found.append((time.perf_counter() - start) * 1000)
    return sorted(found)


def _quantile(ordered: Sequence[float], place: float) -> float:
    return ordered[min(len(ordered) - 1, int(place * len(ordered)))]


def _ndcg(ids: Sequence[str], relevant: dict[str, int]) -> float:
    """nDCG@10 with binary gains."""
    gain = sum(1 / math.log2(place + 2) for place, id in enumerate(ids[:10]) if relevant.get(id, 0) > 0)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(10, sum(rel > 0 for rel in relevant.values()))))
    return gain / ideal


def _best(search: Search, decision: str) -> float:
    """The score of the best span of an answer, cited or not."""
    spans = search.log.get(decision).input["spans"]
    return float(spans[0][3]) if spans else 0.0


def _contains(text: str, wanted: Sequence[str]) -> bool:
    """Whether an answer stands in a text, letter case and punctuation aside."""
    plain = " ".join(term.text for term in analyze(text) if not term.also)
    return any(
        (answer := " ".join(term.text for term in analyze(each) if not term.also)) and f" {answer} " in f" {plain} "
        for each in wanted
    )


def _auroc(scores: Sequence[tuple[float, bool]]) -> float:
    """How often a question with its tweet there scores above one without; ties count half."""
    yes = [score for score, there in scores if there]
    no = [score for score, there in scores if not there]
    wins = sum((a > b) + 0.5 * (a == b) for a in yes for b in no)
    return wins / (len(yes) * len(no))
