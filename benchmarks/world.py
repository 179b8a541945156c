"""How fast a simulated network is made, what memory it needs, and whether people in it act as its truth says.

Each size is made in a process of its own on one thread, so that the memory is its own; speed is posts per second of CPU
time, texts, readers and all. There is no peer: no simulator of a network with texts in several languages and a truth
that can be asked is known to us.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from result import Row

_MEASURE = """
import json, resource, sys, time
import numpy as np
from myna.world import generate
from myna.world import law
people, posts = int(sys.argv[1]), int(sys.argv[2])
began = time.process_time()
world = generate(people, posts, seed=1)
seconds = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
some = np.arange(min(len(world.seen), 1_000_000))
p = world.truth.probabilities(some)[:, law.KINDS.index("like")]
liked = world.actions.seen[world.actions.kind == 1]
gap = abs((liked < len(some)).sum() - p.sum()) / np.sqrt((p * (1 - p)).sum())
print(json.dumps({"seconds": seconds, "peak": peak, "gap": float(gap), "counts": world.counts()}))
"""


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """Makes worlds of the demo's size and larger; `data` is not used, since everything is made."""
    sizes = [(1_000, 40_000), (5_000, 200_000)] if quick else [(1_000, 40_000), (20_000, 1_000_000)]
    for people, posts in sizes:
        found = _measured(people, posts)
        name = f"{people:,} people, {posts:,} posts"
        yield Row(f"{name}: made", "posts/s of CPU", round(posts / found["seconds"]), asked=20_000)
        yield Row(f"{name}: peak memory", "GiB", round(found["peak"], 2), asked=4.0, more_is_better=False)
        yield Row(f"{name}: actions", "actions", found["counts"]["actions"])
        yield Row(
            f"{name}: likes against the truth",
            "standard errors",
            round(found["gap"], 2),
            asked=4.0,
            more_is_better=False,
        )


def _measured(people: int, posts: int) -> dict:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    source = str(Path(__file__).parents[1] / "src")
    path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(people), str(posts)],
        env={**os.environ, **threads, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)
