"""A real network with a few people and posts, and the API on it."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from myna import api
from myna.app import Myna
from myna.network import Action, ActionKind, Edge, EdgeKind, Person, Post, Purpose, Visibility, now_ms
from myna.settings import Settings

EVERYTHING = [purpose for purpose in Purpose if purpose is not Purpose.EXPORT]


@dataclass
class Served:
    """A network, its API and keys: the operator's, lan's, and one that may only search."""

    myna: Myna
    app: FastAPI
    client: TestClient
    operator: dict[str, str]
    lan: dict[str, str]
    searcher: dict[str, str]

    def get(self, path: str, key: dict[str, str] | None = None, **more: Any) -> Any:
        return self.client.get(f"/api/v1{path}", headers=key, **more)

    def post(self, path: str, body: Any, key: dict[str, str] | None = None) -> Any:
        return self.client.post(f"/api/v1{path}", json=body, headers=key)

    def put(self, path: str, body: Any, key: dict[str, str] | None = None) -> Any:
        return self.client.put(f"/api/v1{path}", json=body, headers=key)

    def delete(self, path: str, key: dict[str, str] | None = None) -> Any:
        return self.client.delete(f"/api/v1{path}", headers=key)


def people_and_posts() -> list[Any]:
    now = now_ms()
    people = [Person(f"home:p{n}", handle, handle.title(), lang="en") for n, handle in enumerate(("lan", "minh", "an"))]
    words = ("The bridge is open again", "Birds sing over the river", "Rain is coming to the valley", "Bread at dawn")
    posts = [
        Post(f"home:{n}", f"home:p{n % 3}", now - 3_600_000 + n * 60_000, f"{words[n % 4]}, number {n}", "en")
        for n in range(24)
    ]
    private = Post("home:secret", "home:p1", now - 1000, "Only for followers", visibility=Visibility.FOLLOWERS)
    answer = Post("home:answer", "home:p1", now - 900, "Since when?", reply_to="home:0")
    far = Post("mastodon:https://far.example/users/a/statuses/1", "home:p2", now - 800, "From afar")
    return [
        *people, *posts, private, answer, far,
        Edge("home:p0", "home:p2", EdgeKind.FOLLOW, 1),
        *(Action(f"home:a{n}", "home:p0", f"home:{n}", ActionKind.LIKE, now - 500) for n in range(2, 20, 3)),
    ]  # fmt: skip


def serve(home: Path, demo: bool = False) -> Served:
    myna = Myna(Settings(home=home, demo=demo))
    app = FastAPI(title="Myna", version="0")
    api.install(app, myna)

    def key(**more: Any) -> dict[str, str]:
        secret, _ = myna.keys.make("test", more.pop("purposes", EVERYTHING), **{"write": True, **more})
        return {"Authorization": f"Bearer {secret}"}

    person = myna.people(1)
    operator = key(operator=True)
    lan = key(on_behalf_of=person[0].id) if person else {}
    searcher = key(purposes=[Purpose.SEARCH])
    return Served(myna, app, TestClient(app, raise_server_exceptions=False), operator, lan, searcher)


def _small(home: Path) -> Iterator[Served]:
    myna = Myna(Settings(home=home))
    myna.store.append(people_and_posts())
    myna.close()
    found = serve(home)
    found.myna.follow()
    yield found
    found.myna.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API on a network of three people that has no language model."""
    yield from _small(tmp_path_factory.mktemp("api") / "home")


@pytest.fixture
def received(tmp_path: Path) -> Iterator[Served]:
    """The API on a network of two people that knows what is liked there: otters."""
    myna = Myna(Settings(home=tmp_path / "home"))
    topics, likes = ("otters", "rain", "tea"), (30, 6, 5)
    posts = [
        Post(f"home:{n}", f"home:p{n % 2}", n * 43_200_000, f"{topics[topic]} {n % 7}", like_count=likes[topic] + n % 3)
        for n, topic in enumerate(np.random.default_rng(0).integers(3, size=600).tolist())
    ]
    myna.store.append([Person("home:p0", "lan"), Person("home:p1", "minh"), *posts])
    myna.reception.train()
    myna.close()
    found = serve(tmp_path / "home")
    yield found
    found.myna.close()


@pytest.fixture(scope="module")
def trained(small_network: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API on a simulated network with a language model of its own."""
    home = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(small_network, home, symlinks=True)
    found = serve(home)
    yield found
    found.myna.close()


@pytest.fixture(scope="module")
def address(trained: Any) -> Iterator[str]:
    """Where the API is served."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    server = uvicorn.Server(uvicorn.Config(trained.app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
