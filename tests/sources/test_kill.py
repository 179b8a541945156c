"""Killed at any moment, an import run again gives the same store as one that was never killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from myna.network.store import Store
from myna.sources import bring

_IMPORT = """
import sys
from myna.network.store import Store
from myna.sources import bring
print("begun", flush=True)
bring(Store(sys.argv[1]), sys.argv[2])
"""


def _network(path: Path) -> Path:
    path.mkdir()
    users = [{"user_id": str(n), "screen_name": f"u{n}"} for n in range(500)]
    posts = [
        {"post_id": str(n), "author_id": str(n % 700), "created_at": 1_577_836_800 + n, "text": f"post number {n}"}
        for n in range(30_000)
    ]
    for name, rows in (("users", users), ("posts_1", posts[:20_000]), ("posts_2", posts[20_000:])):
        (path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _facts(store: Store) -> list[Any]:
    return [
        sorted((replace(fact, seq=0) for fact in facts), key=lambda fact: fact.id)
        for facts in (store.people_after(0, 10**6), store.posts_after(0, 10**6))
    ]


def test_an_import_killed_again_and_again_ends_as_if_it_never_was(tmp_path: Path) -> None:
    network = _network(tmp_path / "net")
    reference = Store(f"sqlite:///{tmp_path / 'reference.db'}")
    bring(reference, network)
    url = f"sqlite:///{tmp_path / 'killed.db'}"
    rng = random.Random(5)
    kills = 0
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", _IMPORT, url, str(network)], stdout=subprocess.PIPE)
        assert process.stdout and process.stdout.readline() == b"begun\n"
        time.sleep(rng.uniform(0, 0.8))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
        process.stdout.close()
    assert kills
    store = Store(url)
    brought = bring(store, network)
    assert brought.new + brought.known == brought.read == 30_500
    assert _facts(store) == _facts(reference)
    assert bring(store, network).new == 0
