"""Following the log: whole, and without keeping readers waiting."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from myna.gate import Reader
from myna.network import Fact, Post, Records
from myna.network.store import Store
from myna.people import Interests, following

Make = Callable[..., list[Fact]]


def test_the_size_of_a_batch_changes_nothing(
    store: Store, tmp_path: Path, network: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(network())
    found = []
    for size in (10_000, 7):
        monkeypatch.setattr(following, "_BATCH", size)
        interests = Interests(tmp_path / str(size), Reader(store), Records(store, "interests"))
        interests.follow()
        activity = interests.activity
        events = sorted(zip(*(activity.events[name].tolist() for name in ("at", "person", "kind")), strict=True))
        ids = np.argsort(activity.post_ids.ids)
        told = [(interest.topic, interest.evidence) for interest in interests.of("home:p0")]
        found.append((told, events, activity.counts["likes"][ids].tolist()))
    assert found[0] == found[1]


def test_readers_go_on_while_much_is_taken_in(
    store: Store, tmp_path: Path, network: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = threading.Event()

    def embed(texts: list[str]) -> np.ndarray:
        if slow.is_set():
            time.sleep(0.2)
        found = np.random.default_rng(3).standard_normal((len(texts), 64)).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    store.append(network())
    interests = Interests(tmp_path / "people", Reader(store), Records(store, "interests"), embed, "v1")
    interests.rebuild()
    posts = [post for post in network(seed=2) if isinstance(post, Post)]
    store.append([Post(f"{post.id}b", post.author_id, post.created_at, post.text, post.lang) for post in posts[:300]])
    monkeypatch.setattr(following, "_BATCH", 30)
    slow.set()
    taking_in = threading.Thread(target=interests.follow)
    began = time.monotonic()
    taking_in.start()
    longest = 0.0
    while taking_in.is_alive():
        asked = time.monotonic()
        assert interests.of("home:p0")
        longest = max(longest, time.monotonic() - asked)
    assert time.monotonic() - began > 2.0
    assert longest < 1.0
