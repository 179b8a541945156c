import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from myna.corpus import Corpus
from myna.model import load_model, save_model
from myna.network import Problem
from myna.training import (
    IGNORED,
    Family,
    Plan,
    Processes,
    Saver,
    Trainer,
    calibrated_plan,
    checkpoint_path,
    checkpoints,
    held_out,
    load_checkpoint,
    read_curve,
    save_checkpoint,
)

_SCRIPT = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from myna.corpus import Corpus
from myna.model import new_model, shape_of
from myna.training import Family, Keeping, Plan, Trainer, joined
corpus, directory, plan = Corpus(Path(sys.argv[1])), Path(sys.argv[2]), Plan.from_dict(json.loads(sys.argv[3]))
keeping = Keeping(steps=int(sys.argv[4]))
with joined() as processes:
    trainer = Trainer(plan, Family(shape_of, new_model), corpus, directory, "cpu", processes, keeping=keeping)
    bits = trainer.run()
    if processes.first:
        (directory / "bits").write_text(repr(bits))
"""


def _start(folder: Path, corpus: Corpus, plan: Plan, every: int = 5, processes: int = 1) -> subprocess.Popen[bytes]:
    """A real process, or two under torchrun, that trains into `folder`."""
    folder.mkdir(exist_ok=True)
    script = folder / "script.py"
    script.write_text(_SCRIPT)
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(several if processes > 1 else []), str(script)]
    arguments = [str(corpus.directory), str(folder), json.dumps(plan.to_dict()), str(every)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.PIPE)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    state = load_checkpoint(folder)
    assert state is not None
    found: dict[str, torch.Tensor] = state["model"]
    return found


def test_training_learns_and_the_curve_says_so(plan: Plan, family: Family, corpus: Corpus, tmp_path: Path) -> None:
    trainer = Trainer(plan, family, corpus, tmp_path)
    untrained = trainer.bits_per_byte()
    seen: list[tuple[int, int]] = []
    trained = trainer.run(lambda done, total: seen.append((done, total)))
    assert untrained is not None and trained is not None
    assert trained < 0.7 * untrained
    assert seen[-1] == (30, 30)
    curve = read_curve(tmp_path / "curve.jsonl")
    assert [point["step"] for point in curve] == sorted(point["step"] for point in curve)
    assert curve[-1]["bits_per_byte"] == round(trained, 4)
    assert curve[-1]["tokens"] == plan.tokens
    losses = [point["loss"] for point in curve if "loss" in point]
    assert losses[-1] < losses[0]


def test_an_untrained_model_is_as_surprised_as_its_vocabulary_is_large(
    plan: Plan, family: Family, corpus: Corpus
) -> None:
    trainer = Trainer(dataclasses.replace(plan, neighbours=False), family, corpus)
    _, targets, size = held_out(corpus, plan.context)
    rows = trainer.model.lm_head.weight.shape[0]
    wanted = (targets != IGNORED).sum() * math.log2(rows) / size
    assert trainer.bits_per_byte() == pytest.approx(wanted, rel=0.02)


def test_a_run_stopped_and_resumed_ends_in_the_same_bits(
    plan: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    Trainer(plan, family, corpus, whole).run()
    for stop in (7, 18, 10**6):
        trainer = Trainer(plan, family, corpus, parts)
        trainer.run(until=lambda trainer=trainer, stop=stop: trainer.step >= stop)  # type: ignore[misc]
    assert all(torch.equal(a, b) for a, b in zip(_weights(whole).values(), _weights(parts).values(), strict=True))
    steps = [point["step"] for point in read_curve(parts / "curve.jsonl")]
    assert steps == [point["step"] for point in read_curve(whole / "curve.jsonl")]


def test_killed_runs_and_two_processes_train_the_same_model_as_one(plan: Plan, corpus: Corpus, tmp_path: Path) -> None:
    plan = dataclasses.replace(plan, steps=40)
    whole, killed, two = (tmp_path / name for name in ("whole", "killed", "two"))
    _finish(_start(whole, corpus, plan))
    deaths = 0
    while not (killed / "bits").exists():
        # Saving without pause, so that some kills fall into a save.
        process = _start(killed, corpus, plan, every=1)
        before = _step(killed)
        while process.poll() is None and (deaths >= 2 or _step(killed) < before + 12):
            time.sleep(0.01)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            deaths += 1
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
    assert deaths == 2
    assert (whole / "bits").read_text() == (killed / "bits").read_text()
    assert all(torch.equal(a, b) for a, b in zip(_weights(whole).values(), _weights(killed).values(), strict=True))

    _finish(_start(two, corpus, plan, processes=2))
    bits = [float((folder / "bits").read_text()) for folder in (whole, two)]
    assert abs(bits[0] - bits[1]) <= 1e-5
    losses = [[point["loss"] for point in read_curve(f / "curve.jsonl") if "loss" in point] for f in (whole, two)]
    # The curve of two has the mean over both.
    assert losses[1] == pytest.approx(losses[0], abs=1e-3)


def _finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()


def _step(folder: Path) -> int:
    curve = read_curve(folder / "curve.jsonl")
    return int(curve[-1]["step"]) if curve else 0


def test_a_step_in_several_pieces_is_the_step_in_one(plan: Plan, family: Family, corpus: Corpus) -> None:
    whole, pieces = (
        Trainer(dataclasses.replace(plan, micro=micro), family, corpus) for micro in (plan.batch, 3)
    )  # fmt: skip
    for _ in range(3):
        assert whole.advance() == pytest.approx(pieces.advance(), abs=1e-4)


def test_training_goes_on_from_a_checkpoint_that_transformers_wrote(
    plan: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    first = Trainer(plan, family, corpus)
    first.run()
    save_model(first.model, tmp_path, corpus.end, corpus.pad)  # type: ignore[arg-type]
    peer = AutoModelForCausalLM.from_pretrained(tmp_path)
    peer.save_pretrained(tmp_path / "peer")
    second = Trainer(plan, family, corpus, start=load_model(tmp_path / "peer"))
    assert second.advance() < 0.7 * Trainer(plan, family, corpus).advance()


def test_bfloat16_learns_as_float32_does(plan: Plan, family: Family, corpus: Corpus) -> None:
    bits = [
        Trainer(dataclasses.replace(plan, precision=kind), family, corpus).run() for kind in ("float32", "bfloat16")
    ]
    assert bits[0] == pytest.approx(bits[1], rel=0.03)


def test_the_dial_gives_a_plan_that_runs_here(family: Family, corpus: Corpus) -> None:
    plan = calibrated_plan(family, corpus, 0.5, 0.01, 0, "cpu", Processes())
    assert Trainer(plan, family, corpus).advance() > 0


def test_a_broken_checkpoint_is_passed_over_and_all_broken_say_what_to_do(tmp_path: Path) -> None:
    for step in (5, 10):
        save_checkpoint(tmp_path, step, {"step": step})
    checkpoint_path(tmp_path, 10).write_bytes(b"PK\x03\x04 cut short")
    assert load_checkpoint(tmp_path) == {"step": 5}
    checkpoint_path(tmp_path, 5).write_bytes(b"")
    with pytest.raises(Problem, match="Remove them"):
        load_checkpoint(tmp_path)


def test_the_newest_two_checkpoints_stay_and_half_written_ones_go(tmp_path: Path) -> None:
    unfinished = tmp_path / "checkpoints" / "00000007"
    unfinished.mkdir(parents=True)
    (unfinished / "__0_0.distcp").write_bytes(b"half")
    for step in (5, 10, 15):
        save_checkpoint(tmp_path, step, {"step": step})
    assert [path.name for path in checkpoints(tmp_path)] == ["00000015.pt", "00000010.pt"]
    assert not unfinished.exists()


def test_what_is_being_written_is_the_state_when_it_was_given(tmp_path: Path) -> None:
    weight = torch.zeros(1 << 20)
    saver = Saver(tmp_path)
    for step in range(1, 4):
        saver.save(step, {"weight": weight, "step": step})
        weight += 1
    saver.close()
    state = load_checkpoint(tmp_path)
    assert saver.step == 3
    assert state is not None
    assert state["step"] == 3
    assert torch.equal(state["weight"], torch.full_like(weight, 2))


def test_a_disk_that_takes_no_checkpoint_stops_the_run(
    plan: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    with pytest.raises(Problem, match="could not be written"):
        Trainer(plan, family, corpus, tmp_path).run()
