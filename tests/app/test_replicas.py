"""`myna train --lighthouse`: several commands on one home, of which the one that writes is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from myna.training import read_curve

_TRAIN = "train --tokens 1000000 --layers 2 --width 64 --context 32 --batch 32 --json".split()


def _start(home: Path, lighthouse: str, name: str) -> subprocess.Popen[bytes]:
    with (home.parent / name).open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "myna", *_TRAIN, "--home", str(home), "--lighthouse", lighthouse],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "MYNA_THREADS": "1", "MYNA_COMPILE": "0"},
        )


def test_when_the_replica_that_writes_is_killed_another_writes_on_and_publishes_once(
    small_home: Path, lighthouse: str
) -> None:
    shutil.rmtree(small_home / "models" / "language")
    curve = small_home / "models" / "language" / "run" / "curve.jsonl"
    plan = curve.with_name("manifest.json")

    def until(holds, *running: str) -> None:  # type: ignore[no-untyped-def]
        deadline = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < deadline, [(small_home.parent / name).read_text()[-3000:] for name in running]
            time.sleep(0.05)

    first = _start(small_home, lighthouse, "first")
    started = [first]
    try:
        until(plan.exists, "first")
        second = _start(small_home, lighthouse, "second")
        started.append(second)
        until(lambda: any(point.get("replicas") == 2 for point in read_curve(curve)), "first", "second")
        first.send_signal(signal.SIGKILL)
        first.wait()
        killed = time.time() * 1000
        third = _start(small_home, lighthouse, "third")
        started.append(third)
        until(lambda: any(point["at"] > killed for point in read_curve(curve)), "second")
        for process, name in ((second, "second"), (third, "third")):
            assert process.wait(300) == 0, (small_home.parent / name).read_text()[-3000:]
    finally:
        for process in started:
            process.kill()
            process.wait()
    (published,) = (small_home / "models" / "language").glob("myna-*/myna.json")
    told = json.loads(published.read_text())
    assert told["bits_per_byte"] is not None
    points = read_curve(published.with_name("curve.jsonl"))
    steps = [point["step"] for point in points]
    assert steps == sorted(steps) and steps[-1] == told["plan"]["steps"]
    late = [point["replicas"] for point in points if point["at"] > killed]
    assert 1 in late and 2 in late, "the second went on alone, and the third joined it"
    printed = [(small_home.parent / name).read_text().splitlines()[-1] for name in ("second", "third")]
    assert {json.loads(line)["language"]["version"] for line in printed} == {told["version"]}
