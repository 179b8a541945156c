"""kill -9 anywhere: what was acknowledged is there, and the next start goes on to the same network."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from myna.network import Counts
from myna.network.store import Store

DEMO = ("demo", "--people", "60", "--posts", "3000", "--seed", "9", "--minutes", "0.15", "--no-serve")


def start(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "myna", *DEMO, "--home", str(home)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ},
    )


def counts(home: Path) -> Counts:
    store = Store(f"sqlite:///{home / 'myna.db'}")
    found = store.counts()
    store.close()
    return found


def test_a_demo_killed_again_and_again_ends_as_one_never_killed(tmp_path: Path) -> None:
    begun = time.monotonic()
    whole = start(tmp_path / "whole")
    assert whole.wait(300) == 0, whole.stderr and whole.stderr.read().decode()
    usual = time.monotonic() - begun
    chance = random.Random(20261124)
    kept = Counts(0, 0, 0, 0, 0, 0)
    for _ in range(6):
        process = start(tmp_path / "killed")
        try:
            process.wait(chance.uniform(0.15, 0.8) * usual)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if (tmp_path / "killed" / "myna.db").exists():
            now = counts(tmp_path / "killed")
            assert now.posts >= kept.posts and now.actions >= kept.actions
            kept = now
    last = start(tmp_path / "killed")
    assert last.wait(300) == 0, last.stderr and last.stderr.read().decode()
    one, other = counts(tmp_path / "whole"), counts(tmp_path / "killed")
    # The simulated month ends with the hour in which the demo began, and text with dates may differ; numbers do not.
    assert (one.people, one.posts) == (other.people, other.posts)
    doctor = subprocess.run(
        [sys.executable, "-m", "myna", "doctor", "--json", "--home", str(tmp_path / "killed")],
        capture_output=True,
        timeout=120,
    )
    assert all(check["ok"] for check in json.loads(doctor.stdout)), doctor.stdout
