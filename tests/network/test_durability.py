"""What was acknowledged is there, whatever happens to the writer."""

import os
import signal
import subprocess
import sys
import time

from myna.network import Post
from myna.network.store import Store

_WRITER = """
import sys
from myna.network import Post
from myna.network.store import Store
store, who, count = Store(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for n in range(count):
    store.append([Post(f"home:{who}-{n}-{k}", "home:p", n, "x" * 50) for k in range(3)])
    print(n, flush=True)
"""


def _writer(url: str, who: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, url, who, str(count)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}
    )


def test_a_killed_writer_loses_nothing_it_acknowledged_and_keeps_no_half_batch(database_url: str) -> None:
    store = Store(database_url)
    for trial, wait in enumerate((0.0, 0.03, 0.11)):
        writer = _writer(database_url, f"w{trial}", 100_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(wait)
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = 1 + len(writer.stdout.read().splitlines())
        writer.wait()
        store.append([Post(f"home:after{trial}", "home:q", 1, "")])  # waits until the database let go of the dead
        kept = [post for post in store.posts_by("home:p", limit=10**6) if post.id.startswith(f"home:w{trial}-")]
        assert len(kept) in (3 * acknowledged, 3 * acknowledged + 3)  # the last may have been kept and not yet said
    store.close()


def test_two_processes_that_write_at_once_lose_nothing_and_seq_grows_with_commits(database_url: str) -> None:
    store = Store(database_url)
    writers = [_writer(database_url, who, 60) for who in "ab"]
    seq, seen = 0, []
    while any(writer.poll() is None for writer in writers) or store.last_seq()["posts"] > seq:
        for post in store.posts_after(seq):
            assert post.seq > seq
            seq = post.seq
            seen.append(post.id)
        time.sleep(0.002)
    assert [writer.wait() for writer in writers] == [0, 0]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    assert sorted(seen) == sorted(f"home:{who}-{n}-{k}" for who in "ab" for n in range(60) for k in range(3))
    store.close()
