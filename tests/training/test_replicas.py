"""Real replicas and a real lighthouse, in processes of their own."""

import dataclasses
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from myna.corpus import Corpus
from myna.network import Problem
from myna.training import Family, Plan, Replicas, Trainer, load_checkpoint, read_curve

_SCRIPT = """
import json, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from myna.corpus import Corpus
from myna.model import new_model, shape_of
from myna.training import Family, Keeping, Plan, Replicas, Trainer
corpus, directory, plan = Corpus(Path(sys.argv[1])), Path(sys.argv[2]), Plan.from_dict(json.loads(sys.argv[3]))
directory.mkdir(exist_ok=True)
with Replicas(sys.argv[4], directory / "lock") as replicas:
    replicas.lead()  # each has a folder and so a lock of its own: what they end with is compared
    keeping = Keeping(1 << 30, 1e9)  # no checkpoint before the end: what the late one knows is its peer's
    trainer = Trainer(plan, Family(shape_of, new_model), corpus, directory, keeping=keeping, replicas=replicas)
    def progress(done, total):
        print(done, replicas.size, flush=True)
        time.sleep(0.08 if replicas.size == 1 else 0.01)  # the late one is to come in time
    trainer.run(progress)
"""


def _until(holds, seconds: float) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


class _Replica:
    """A replica in a process of its own. steps: (step, how many took part) as far as it came."""

    def __init__(self, folder: Path, corpus: Corpus, plan: Plan, lighthouse: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "script.py").write_text(_SCRIPT)
        arguments = [str(corpus.directory), str(folder), json.dumps(plan.to_dict()), lighthouse]
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, str(folder / "script.py"), *arguments],
                stdout=out,
                stderr=err,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    @property
    def steps(self) -> list[tuple[int, int]]:
        found = re.findall(r"^(\d+) (\d+)$", (self.folder / "out").read_text(), re.M)
        return [(int(step), int(size)) for step, size in found]

    @property
    def problem(self) -> str:
        return (self.folder / "err").read_text()[-3000:]

    def weights(self) -> str:
        state = load_checkpoint(self.folder)
        assert state is not None
        digest = hashlib.sha256()
        for name in sorted(state["model"]):
            digest.update(state["model"][name].numpy().tobytes())
        return digest.hexdigest()


def test_a_replica_killed_costs_no_step_and_its_replacement_ends_with_the_same_bits(
    plan: Plan, family: Family, corpus: Corpus, tmp_path: Path, lighthouse: str
) -> None:
    # A batch that does not come out even, on purpose; and rates at which rounding does not grow.
    plan = dataclasses.replace(plan, steps=300, batch=7, matrix_rate=0.002, vector_rate=0.001, cooldown=200)
    first, second = (_Replica(tmp_path / name, corpus, plan, lighthouse) for name in ("first", "second"))
    started = [first, second]
    try:
        _until(lambda: sum(size == 2 for _, size in first.steps) >= 10, 60)
        second.process.send_signal(signal.SIGKILL)
        second.process.wait()
        at = first.steps[-1][0]
        _until(lambda: first.steps[-1][0] >= at + 5, 30)
        assert first.steps[-1][1] == 1, "it goes on alone"
        third = _Replica(tmp_path / "third", corpus, plan, lighthouse)
        started.append(third)
        for replica in (first, third):
            assert replica.process.wait(120) == 0, replica.problem
    finally:
        for replica in started:
            replica.process.kill()
            replica.process.wait()
    steps = [step for step, _ in first.steps]
    # Whichever of the two began first took its first steps alone.
    assert steps == list(range(steps[0], 301)) and steps[0] < at, "the survivor took each step once"
    assert third.steps[0][0] > at and third.steps[0][1] == 2, "the late one took its peer's step"
    assert first.weights() == third.weights()
    assert {point["replicas"] for point in read_curve(first.folder / "curve.jsonl")} >= {1, 2}
    # It is the same training as one process's, but for the order of sums.
    bits = Trainer(plan, family, corpus).run()
    told = [p["bits_per_byte"] for p in read_curve(first.folder / "curve.jsonl") if "bits_per_byte" in p][-1]
    assert told == pytest.approx(bits, abs=2e-3)


def test_a_lighthouse_that_cannot_be_asked_is_said(tmp_path: Path) -> None:
    pytest.importorskip("torchft")
    with pytest.raises(Problem, match="HOST:PORT"):
        Replicas("nowhere", tmp_path / "lock")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Problem, match="torchft_lighthouse"):
            Replicas(f"127.0.0.1:{closed.getsockname()[1]}", tmp_path / "lock")
