"""A small network on disk, with its search."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.network import Fact
from myna.network.store import Store
from myna.search import Search, analyze


class Network:
    """A store, its reader and log, and searches over it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Store(f"sqlite:///{home}/network.db")
        self.reader = Reader(self.store)
        self.log = DecisionLog(self.store)
        self.opened: list[Search] = []

    def open(self, embed=None, version: str = "") -> Search:
        """Another search over the same files, as another process would have."""
        search = Search(self.home / "search", self.reader, self.log, embed, version)
        self.opened.append(search)
        return search

    @property
    def search(self) -> Search:
        """The first one opened."""
        return self.opened[0] if self.opened else self.open()

    def add(self, *facts: Fact) -> None:
        """Writes facts and follows them."""
        self.store.append(facts)
        self.search.follow()

    def close(self) -> None:
        """Lets go of all."""
        for search in self.opened:
            search.close()
        self.store.close()


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """An empty network."""
    made = Network(tmp_path)
    yield made
    made.close()


def trigrams(texts: Sequence[str]) -> np.ndarray:
    """A small real embedding: hashed character trigrams of the words, projected to 96 dimensions of unit length."""
    projection = np.random.default_rng(7).standard_normal((4096, 96)).astype(np.float32)
    rows = np.zeros((len(texts), 4096), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for term in analyze(text):
            padded = f"^{term.text}$"
            for place in range(len(padded) - 2):
                digest = hashlib.blake2b(padded[place : place + 3].encode(), digest_size=4).digest()
                row[int.from_bytes(digest, "little") % 4096] += 1
    vectors = rows @ projection
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def embed():
    """That embedding."""
    return trigrams
