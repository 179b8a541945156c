"""The gate: microseconds of one decision with ten thousand consents in force, and posts a second read through it.

The peer of the reading is the store without the gate, in the same run: what asking costs.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from result import Row

from myna.gate import MYNA, Actor, ActorKind, Reader, person_actor
from myna.network import Consent, Edge, EdgeKind, Person, Post, Purpose, Visibility
from myna.network.store import Store

_CONSENTS = 10_000


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """Made-up posts: the gate looks at ids, authors and visibility, never at a text. --data and --file are not used."""
    count = 20_000 if quick else 100_000
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/gate.db")
        authors = [f"x:p{n}" for n in range(2000)]
        kinds = list(Visibility)
        store.append([Person(id, id[2:]) for id in authors])
        chosen = rng.choice(4, count, p=[0.9, 0.04, 0.04, 0.02])
        posts = [
            Post(f"{'home' if n % 2 else 'x'}:{n}", authors[n % 2000], n, "a text " * 12, visibility=kinds[chosen[n]])
            for n in range(count)
        ]
        for start in range(0, count, 5000):
            store.append(posts[start : start + 5000])
        purposes = list(Purpose)
        subjects = [posts[int(at)].id for at in rng.integers(0, count, _CONSENTS - 1000)] + authors[:1000]
        consents = []
        for n, subject in enumerate(subjects):
            author = subject if subject in authors else posts[int(subject.split(":")[1])].author_id
            by = "operator" if n % 3 == 0 else author
            consents.append(Consent(subject, purposes[n % 7], bool(rng.random() < 0.5), by, n))
        store.append(consents)
        store.append([Edge(authors[0], other, EdgeKind.FOLLOW, 1) for other in authors[1:500]])
        store.append([Edge(other, authors[0], EdgeKind.BLOCK, 1) for other in authors[500:520]])
        reader = Reader(store)
        program = Actor(ActorKind.PROGRAM, "key:1", frozenset({Purpose.TRAIN}))
        for name, actor, purpose in (
            ("a person reading", person_actor(authors[0]), Purpose.READ),
            ("a program training", program, Purpose.TRAIN),
        ):
            times = _decisions(reader, actor, purpose, posts[:20_000])
            for part in (50, 99):
                what = f"decide, {name}, {_CONSENTS:,} consents: p{part}"
                yield Row(what, "us", round(float(np.percentile(times, part)), 2), more_is_better=False)
        begun = time.process_time()
        for _ in range(200):
            reader.scope(person_actor(authors[0]), Purpose.READ)
        spent = 1e6 * (time.process_time() - begun) / 200
        yield Row("opening the gate for a request (519 edges)", "us CPU", round(spent, 1), more_is_better=False)
        through, bare = _through(reader, count), _bare(store, count)
        yield Row(
            "posts read through the gate, for training", "posts/CPU s", round(through), {"store alone": round(bare)}
        )
        store.close()


def _decisions(reader: Reader, actor: Actor, purpose: Purpose, posts: list[Post]) -> np.ndarray:
    scope = reader.scope(actor, purpose)
    times = np.empty(len(posts))
    for at, post in enumerate(posts):
        begun = time.perf_counter_ns()
        scope.decide(post)
        times[at] = time.perf_counter_ns() - begun
    return times / 1000


def _through(reader: Reader, count: int) -> float:
    begun, seq = time.process_time(), 0
    while True:
        _, after = reader.posts_after(MYNA, Purpose.TRAIN, seq)
        if after == seq:
            return count / (time.process_time() - begun)
        seq = after


def _bare(store: Store, count: int) -> float:
    begun, seq = time.process_time(), 0
    while batch := store.posts_after(seq):
        seq = batch[-1].seq
    return count / (time.process_time() - begun)
