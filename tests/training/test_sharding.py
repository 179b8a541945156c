import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from myna.corpus import Corpus
from myna.training import Family, Plan, Trainer, checkpoints, load_checkpoint, read_curve

_SCRIPT = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from myna.corpus import Corpus
from myna.model import new_model, shape_of
from myna.training import Family, Plan, Trainer, joined
corpus, directory, plan = Corpus(Path(sys.argv[1])), Path(sys.argv[2]), Plan.from_dict(json.loads(sys.argv[3]))
stop = int(sys.argv[4])
with joined() as processes:
    trainer = Trainer(plan, Family(shape_of, new_model), corpus, directory, "cpu", processes, shard=True)
    assert all(p.to_local().numel() < p.numel() for p in trainer.model.parameters() if p.ndim == 2)
    bits = trainer.run(until=lambda: trainer.step >= stop)
    if processes.first and bits is not None:
        (directory / "bits").write_text(repr(bits))
"""


def _run_sharded(folder: Path, corpus: Corpus, plan: Plan, stop: int) -> None:
    script = folder / "script.py"
    script.write_text(_SCRIPT)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    arguments = [str(corpus.directory), str(folder), json.dumps(plan.to_dict()), str(stop)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *launcher, *arguments], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]


def test_a_model_divided_among_two_trains_as_one_and_its_checkpoints_go_on_at_any_number(
    plan: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    # Rows and pieces that do not come out even, on purpose.
    plan = dataclasses.replace(plan, steps=24, batch=7, micro=2)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    bits = Trainer(plan, family, corpus, whole).run()
    # Two, then one, then two again, from each other's checkpoints.
    _run_sharded(parts, corpus, plan, 10)
    assert checkpoints(parts)[0].is_dir()
    one = Trainer(plan, family, corpus, parts)
    assert one.step == 10
    one.run(until=lambda: one.step >= 16)
    _run_sharded(parts, corpus, plan, 1 << 40)
    assert float((parts / "bits").read_text()) == pytest.approx(bits, abs=1e-6)
    losses = [[point["loss"] for point in read_curve(f / "curve.jsonl") if "loss" in point] for f in (whole, parts)]
    assert losses[1] == pytest.approx(losses[0], abs=2e-4)
    states = [load_checkpoint(folder) for folder in (whole, parts)]
    assert states[0] is not None and states[1] is not None
    assert checkpoints(parts)[0].name == "00000024"
    for name, tensor in states[0]["model"].items():
        assert torch.allclose(tensor, states[1]["model"][name], atol=1e-4)
