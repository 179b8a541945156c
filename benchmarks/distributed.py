"""Training on several processes, and training that is killed: is it the same training?

One process, two under torchrun, and one that is killed (-9) while it saves and goes on, all from the same plan. What is
asked: two processes end within 1e-4 bits a byte of one, in float32; the killed run's weights are those of the whole
run, bit for bit. In bfloat16, sums made in another order round apart, and that is shown beside it. The speed of two
processes on one machine's cores is reported as it is: it is not what they are for.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from result import Row

from myna.corpus import Corpus, gather, train_tokenizer, write_corpus
from myna.model import new_model, shape_of
from myna.network import Post
from myna.training import (
    Family,
    Keeping,
    Plan,
    Size,
    Trainer,
    joined,
    load_checkpoint,
    make_plan,
    read_curve,
    set_threads,
)

_FAMILY = Family(shape_of, new_model)


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured. The text is always simulated: the question is not what is learned."""
    steps = 20 if quick else 200
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        corpus = _corpus(home, 2000 if quick else 20_000)
        size = Size(64, 2, 128) if quick else Size(128, 4, 128)
        plan = make_plan(size, _FAMILY, corpus.vocabulary, 1 << 40, 16, 1.0, 1.0, 1.0, "float32")
        plan = replace(plan, steps=steps, warmup=2, cooldown=steps * 2 // 3)
        one, two, killed = (home / name for name in ("one", "two", "killed"))
        for precision, asked in (("bfloat16", None), ("float32", 1e-4)):
            for where, processes in ((one, 1), (two, 2)):
                _finish(_start(where, corpus, replace(plan, precision=precision), processes))
            apart = abs(_bits(one) - _bits(two))
            what = f"one process and two end apart by, after {steps} steps in {precision}"
            yield Row(what, "bits/byte", apart, asked=asked, more_is_better=False)
            if precision == "bfloat16":
                for where in (one, two):
                    shutil.rmtree(where)
        seconds = [read_curve(where / "curve.jsonl")[-1]["seconds"] for where in (one, two)]
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        yield Row(f"two processes on {cores} cores", "times one's speed", seconds[0] / max(seconds[1], 1e-9))
        deaths = _kill_and_go_on(killed, corpus, plan, 3 if quick else 20)
        same = float(_fingerprint(killed) == _fingerprint(one))
        yield Row(f"killed {deaths} times while saving: the same weights", "1 yes, 0 no", same, asked=1.0)


def _corpus(home: Path, posts: int) -> Corpus:
    from myna.world import generate

    facts = (fact for batch in generate(max(posts // 20, 2), posts).batches() for fact in batch)
    gathered = gather([fact for fact in facts if isinstance(fact, Post)])
    texts = [passage.text for document in gathered.documents for passage in document.passages]
    return write_corpus(gathered, train_tokenizer(texts, 2048), home / "corpus")


def _start(where: Path, corpus: Corpus, plan: Plan, processes: int = 1, every: int = 5) -> subprocess.Popen[bytes]:
    where.mkdir(exist_ok=True)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(launcher if processes > 1 else []), __file__]
    arguments = [str(corpus.directory), str(where), json.dumps(plan.to_dict()), str(every)]
    source = str(Path(sys.modules["myna"].__file__ or "").parents[1])
    environment = os.environ | {"PYTHONPATH": f"{source}{os.pathsep}{Path(__file__).parent}", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.PIPE)


def _finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors.decode()[-2000:])


def _kill_and_go_on(where: Path, corpus: Corpus, plan: Plan, times: int) -> int:
    deaths = 0
    while not (where / "bits").exists():
        process = _start(where, corpus, plan, every=1)
        aim = _reached(where) + max(plan.steps // (times + 1), 1)
        while process.poll() is None and (deaths >= times or _reached(where) < aim):
            time.sleep(0.01)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            deaths += 1
        process.communicate()
    return deaths


def _reached(where: Path) -> int:
    curve = read_curve(where / "curve.jsonl")
    return int(curve[-1]["step"]) if curve else 0


def _bits(where: Path) -> float:
    return float((where / "bits").read_text())


def _fingerprint(where: Path) -> str:
    state = load_checkpoint(where) or {"model": {}}
    digest = hashlib.sha256()
    for tensor in state["model"].values():
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _work(folder: str, where: str, plan: str, every: str) -> None:
    set_threads(1)
    with joined() as processes:
        directory = Path(where)
        made = Plan.from_dict(json.loads(plan))
        trainer = Trainer(
            *(made, _FAMILY, Corpus(Path(folder)), directory, "cpu", processes), keeping=Keeping(steps=int(every))
        )
        bits = trainer.run()
        if processes.first:
            (directory / "bits").write_text(repr(bits))


if __name__ == "__main__":
    torch.set_num_threads(1)
    _work(*sys.argv[1:])
