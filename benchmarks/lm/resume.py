"""Training that is killed again and again: does it always go on, what is lost, and is it the same training?

One process is killed (-9) at random steps, each second time while a checkpoint is being written; one rank of two is
killed while both train, by itself and, in the full run, under torchrun, which starts both again. Asked: every kill
resumable, at most 10 steps lost, and weights that are those of the undisturbed run bit for bit at the same number of
processes. A run that changes from 1 process to 2, 4 and back ends within 1e-6 bits a byte of one that did not, in
float32.

What keeping the state costs is CPU time of steps with it over steps without, alternating in one process; the time of
the thread that writes is in it.
"""

import hashlib
import json
import multiprocessing
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from result import Row

from myna.corpus import Corpus, gather, train_tokenizer, write_corpus
from myna.model import new_model, shape_of
from myna.network import Post
from myna.training import (
    Family,
    Keeper,
    Keeping,
    Plan,
    Size,
    Trainer,
    checkpoints,
    joined,
    load_checkpoint,
    make_plan,
    set_threads,
)

_FAMILY = Family(shape_of, new_model)
_PATIENCE = 300.0


@dataclass
class _Tally:
    """What kills came to. lost: steps done and not durable, at each kill."""

    lost: list[int] = field(default_factory=list)
    resumed: int = 0
    inside_a_save: int = 0


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured. The text is always simulated: the question is not what is learned."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        corpus = _corpus(home, 600 if quick else 3000)
        plan = make_plan(Size(64, 2, 64), _FAMILY, corpus.vocabulary, 1 << 40, 16, 1.0, 1.0, 1.0, "float32")
        one, two = (replace(plan, steps=steps, warmup=5) for steps in ((40, 24) if quick else (600, 150)))
        tally = _Tally()
        alone, disturbed = home / "alone", home / "disturbed"
        _finish(_start(alone, corpus, one))
        _disturb(disturbed, corpus, one, 1, 5 if quick else 80, tally)
        same = [_fingerprint(alone) == _fingerprint(disturbed)]
        pair, halved = home / "pair", home / "halved"
        _finish(_start(pair, corpus, two, 2))
        _disturb(halved, corpus, two, 2, 1 if quick else 10, tally)
        same.append(_fingerprint(pair) == _fingerprint(halved))
        if not quick:
            restarted = home / "restarted"
            _under_torchrun(restarted, corpus, two, 10, tally)
            same.append(_fingerprint(pair) == _fingerprint(restarted))
        kills = len(tally.lost)
        what = f"{kills} kills (-9), {tally.inside_a_save} of them inside a save: resumable"
        yield Row(what, "kills", tally.resumed, asked=kills)
        yield Row("steps lost by a kill, at most", "steps", max(tally.lost), asked=10, more_is_better=False)
        yield Row("steps lost by a kill, median", "steps", statistics.median(tally.lost), more_is_better=False)
        yield Row("runs whose weights are the undisturbed run's, bit for bit", "runs", sum(same), asked=len(same))
        yield from _other_sizes(home, corpus, replace(one, steps=12 if quick else 200))
    yield _cost(quick)


def _corpus(home: Path, posts: int) -> Corpus:
    from myna.world import generate

    facts = (fact for batch in generate(max(posts // 20, 2), posts).batches() for fact in batch)
    gathered = gather([fact for fact in facts if isinstance(fact, Post)])
    texts = [passage.text for document in gathered.documents for passage in document.passages]
    return write_corpus(gathered, train_tokenizer(texts, 1024), home / f"corpus-{posts}")


def _start(where: Path, corpus: Corpus, plan: Plan, size: int = 1, stop: int = 1 << 60) -> list[BaseProcess]:
    """As many processes that train into `where`, up to a step; started from one that has read the libraries."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "myna.training", "myna.model", "myna.corpus"])
    where.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(size):
        arguments = (str(corpus.directory), str(where), json.dumps(plan.to_dict()), stop, rank, size, port)
        started.append(context.Process(target=_one_of, args=arguments, daemon=True))
        started[-1].start()
    return started


def _one_of(folder: str, where: str, plan: str, stop: int, rank: int, size: int, port: int) -> None:
    if size > 1:
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "MASTER_PORT": port}
        os.environ.update({name: str(value) for name, value in place.items()} | {"MASTER_ADDR": "127.0.0.1"})
    # One whose peer was killed ends with an error that is no news.
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    _work(folder, where, plan, stop)


def _work(folder: str, where: str, plan: str, stop: int) -> None:
    """Trains up to a step, and writes down each step when it is done, for the one who kills to read."""
    set_threads(1)
    directory = Path(where)
    with joined() as processes:
        (directory / f"pid-{processes.rank}").write_text(str(os.getpid()))
        made = Plan.from_dict(json.loads(plan))
        trainer = Trainer(made, _FAMILY, Corpus(Path(folder)), directory, "cpu", processes)
        reached = os.open(directory / "reached", os.O_RDWR | os.O_CREAT)

        def count() -> bool:
            if processes.first:
                os.pwrite(reached, trainer.step.to_bytes(8, "little"), 0)
            return trainer.step >= stop

        bits = trainer.run(until=count)
        if processes.first and bits is not None:
            (directory / "bits").write_text(repr(bits))


def _finish(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.join(_PATIENCE)
        if process.exitcode:
            raise RuntimeError(f"a training process ended with {process.exitcode}")


def _disturb(where: Path, corpus: Corpus, plan: Plan, size: int, times: int, tally: _Tally) -> None:
    """Kills one of `size` processes `times` times, then lets them finish."""
    chance = random.Random(size)
    begun = len(tally.lost)
    for kill in range(times):
        before = _durable(where)
        processes = _start(where, corpus, plan, size)
        aim = before + chance.randint(1, 14)
        inside = kill % 2 == 1
        while all(process.is_alive() for process in processes):
            if _reached(where) >= aim and (not inside or (where / "checkpoints" / "unfinished.pt").exists()):
                break
        if (where / "bits").exists():
            break
        processes[chance.randrange(size)].kill()
        for process in processes:
            # A rank whose peer is gone ends by itself, or waits for it: a scheduler would kill it as well.
            process.join(0.2)
            process.kill()
            process.join()
        _count(where, before, tally)
    _finish(_start(where, corpus, plan, size))
    tally.resumed += len(tally.lost) - begun


def _under_torchrun(where: Path, corpus: Corpus, plan: Plan, times: int, tally: _Tally) -> None:
    """Kills one rank of two, again and again; torchrun starts both anew."""
    where.mkdir()
    begun = len(tally.lost)
    launcher = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "--max-restarts",
        str(4 * times),
    ]
    arguments = [__file__, str(corpus.directory), str(where), json.dumps(plan.to_dict())]
    source = str(Path(sys.modules["myna"].__file__ or "").parents[1])
    paths = (source, str(Path(__file__).parents[1]))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        for kill in range(times):
            before = _durable(where)
            aim = before + random.Random(kill).randint(6, 13)
            while running.poll() is None and _reached(where) < aim:
                time.sleep(0.002)
            if running.poll() is not None:
                break
            os.kill(int((where / f"pid-{kill % 2}").read_text()), signal.SIGKILL)
            _count(where, before, tally)
            # Until the new ones have begun where the state was kept.
            (where / "reached").write_bytes(bytes(8))
        if running.wait(_PATIENCE) == 0:
            tally.resumed += len(tally.lost) - begun


def _count(where: Path, before: int, tally: _Tally) -> None:
    tally.lost.append(max(_reached(where), before) - _durable(where))
    tally.inside_a_save += (where / "checkpoints" / "unfinished.pt").exists()


def _reached(where: Path) -> int:
    path = where / "reached"
    return int.from_bytes(path.read_bytes()[:8], "little") if path.exists() else 0


def _durable(where: Path) -> int:
    whole = checkpoints(where)
    return int(whole[0].name.removesuffix(".pt")) if whole else 0


def _fingerprint(where: Path) -> str:
    state = load_checkpoint(where)
    digest = hashlib.sha256()
    for tensor in state["model"].values() if state else ():
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _other_sizes(home: Path, corpus: Corpus, plan: Plan) -> Iterator[Row]:
    whole, changing = home / "whole", home / "changing"
    _finish(_start(whole, corpus, plan))
    for quarter, size in enumerate((1, 2, 4, 1), 1):
        _finish(_start(changing, corpus, plan, size, plan.steps * quarter // 4))
    apart = abs(float((whole / "bits").read_text()) - float((changing / "bits").read_text()))
    what = f"1, 2, 4, 1 processes in turn, {plan.steps} steps in float32, end off one process by"
    yield Row(what, "bits/byte", apart, asked=1e-6, more_is_better=False)


def _cost(quick: bool) -> Row:
    """Steps whose state is kept against steps whose state is not, in CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = _corpus(Path(folder), 600)
        set_threads(1)
        size = Size(128, 4, 128)
        plan = make_plan(size, _FAMILY, corpus.vocabulary, 1 << 40, 8 if quick else 32, 1.0, 1.0, 1.0, "float32")
        trainer = Trainer(plan, _FAMILY, corpus, Path(folder))
        trainer.advance()
        spent = {True: [0.0], False: [0.0]}
        for block in range(4 if quick else 24):
            kept = block % 2 == 0
            began = time.process_time()
            with Keeper(trainer, Keeping()) as keeper:
                for _ in range(5):
                    trainer.advance()
                    if kept:
                        keeper.after_step()
            spent[kept].append(time.process_time() - began)
    share = sum(spent[True]) / sum(spent[False]) - 1
    step = sum(spent[False]) / (len(spent[False]) - 1) / 5
    what = f"a checkpoint every 5 steps of {step:.2f} s ({plan.parameters / 1e6:.1f}M parameters) costs"
    return Row(what, "of the time", share, asked=0.02, more_is_better=False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    _work(*sys.argv[1:], 1 << 60)
