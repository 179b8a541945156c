"""A training run of the language model: from what is asked to a published version, resumable at every stage.

home/models/language/run/run.json        what was asked, and how far it is
home/models/language/run/manifest.json   what the run does, exactly: enough to do it again to the same bits
"""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myna.app.boards import FOLDER as BOARD
from myna.app.boards import Board
from myna.app.conversations import build_conversations
from myna.app.forgetting import begin_again_without
from myna.app.manifest import described_machine, keep, read_manifest, source_hash
from myna.app.publishing import Publisher, keep_to_permitted
from myna.decisions import DecisionLog, new_id
from myna.gate import Reader
from myna.network import Problem, Progress, now_ms, part, quiet

if TYPE_CHECKING:
    from myna.corpus import Corpus, OpenTokenizer
    from myna.training import Dial, Family, Plan, Processes, Replicas, Trainer

Tell = Callable[[dict[str, Any]], None]
"""Given each point of the curve as it is made, and {"stage": ...} when another kind of work begins."""

_TRAINED = 1000
"""Units of progress: corpus up to _READ, calibration up to _PLANNED, training up to _LEARNED, then planted
secrets and the embedding."""
_READ, _PLANNED, _LEARNED = 80, 110, 860
_AFTER_SHARE, _AFTER_READING = 0.15, 2.0
"""Kept for what follows the steps: a share of the time asked for, and so many times what building the corpus took,
since measuring, planted secrets and the embedding's tables grow with the text too. The embedding's fit takes what is
left of it. The training steps get at least _TRAINING_LEAST."""
_TRAINING_LEAST = 0.4
_SAMPLE_TOKENS = 24
_PLANNING_SECONDS = 1.0
"""Between two looks of a replica at whether the first has planned the run."""
_BEGINNING_SECONDS = 120.0
"""In which the first puts away what it found of an older run, having looked through what it was given."""
_TUNING_RATE = 0.2
"""Of a new model's learning rates, for one that learns to answer."""
_OPEN_RATE = 0.02
"""And for one that somebody trained on far more text than there is here."""
_OPEN_CONTEXT = 512
"""Positions read at once of such a model, unless others are asked for: threads are shorter."""


def unheard(point: dict[str, Any]) -> None:
    """A `Tell` for which nobody listens."""


class TrainingRun:
    """One run, by all of these processes; the first one writes and tells."""

    def __init__(
        self,
        root: Path,
        corpora: Path,
        reader: Reader,
        log: DecisionLog,
        processes: "Processes",
        progress: Progress = quiet,
        tell: Tell = unheard,
        began: float | None = None,
        replicas: "Replicas | None" = None,
    ) -> None:
        """began: the monotonic time from which a budget of time counts; now without it. replicas: to train with."""
        self._root, self._corpora, self._reader, self._log = root, corpora, reader, log
        self._processes, self._replicas = processes, replicas
        self._progress = progress if processes.first else quiet
        self._tell = tell
        self._run = root / "run"
        self._state: dict[str, Any] = {}
        self._began = time.monotonic() if began is None else began

    def train(
        self,
        dial: "Dial",
        manifest: Path | None = None,
        chat: bool = False,
        examples: Path | None = None,
        forget: Sequence[str] = (),
        init: Path | None = None,
        lora: int = 0,
        folder: Path | None = None,
    ) -> None:
        """All stages that are left. chat: learns answers only, from threads and `examples`, starting from the version
        in use. init: a folder of open weights to start from. lora: the rank of adapters to train instead of all
        weights; 0 for all, where there is memory for it. folder: of documents as Parquet, instead of all posts.
        Raises Problem where there is nothing to train on."""
        from myna.training import Trainer, merge, peak_flops, pick_device, set_threads

        planned = self._planned(dial)
        processes = self._processes
        again = read_manifest(manifest) if manifest is not None else None
        if again is not None and again["processes"] != processes.size:
            raise Problem(
                f"The run of {manifest} had {again['processes']} processes, this one has {processes.size}; sums "
                f"made in another order round apart. Start it with torchrun --nproc-per-node {again['processes']}."
            )
        state = planned
        if processes.first and forget:
            state = begin_again_without(self._root, self._corpora, forget)
        elif processes.first:
            state = self._begin(dial, again, chat, examples, init, lora, folder)
        self._state = processes.agree(state)
        self._stage("reading posts")
        corpus = self._corpus(part(self._progress, 0, _READ, _TRAINED))
        device = pick_device(processes.local)
        self._rank(corpus, device)
        self._stage("timing this machine")
        plan = self._plan(corpus, device, dial)
        self._progress(_PLANNED, _TRAINED)
        set_threads(plan.threads)
        peak = processes.agree(peak_flops(plan.precision, device))
        trainer = Trainer(
            *(plan, self._family(corpus), corpus, self._run, device, processes),
            peak=peak,
            shard=dial.shard,
            replicas=self._replicas,
        )
        bits = self._take_steps(trainer, corpus)
        learned = time.monotonic()
        model = merge(trainer.whole_model()) if self._state.get("rank") else trainer.whole_model()
        if self._processes.first:
            publisher = Publisher(self._root, self._reader, self._log, self._state, learned, self._stage)
            publisher.publish(model, corpus, trainer.plan, bits, part(self._progress, _LEARNED, _TRAINED, _TRAINED))

    def _planned(self, dial: "Dial") -> dict[str, Any]:
        """For a replica, what the first has planned, waited for; nothing where this is the first. Raises Problem where
        it plans another run."""
        if self._replicas is None:
            return {}
        path, since = self._run / "run.json", time.monotonic()
        while not self._replicas.lead():
            state = _read(path)
            alike = state.get("asked", {}).get("dial") == dial.to_dict()
            if alike and "plan" in state and (self._corpora / state["corpus"] / "corpus.json").exists():
                self._processes = replace(self._processes, rank=1)
                return state
            if state and not alike and time.monotonic() - since > _BEGINNING_SECONDS:
                raise Problem("The first replica trains with other settings. Give all of them the same.", 409)
            time.sleep(_PLANNING_SECONDS)
        return {}

    def _take_steps(self, trainer: "Trainer", corpus: "Corpus") -> float | None:
        """All steps that are left; returns bits per byte, where this process measures them. A replica becomes the first
        where that one is lost, at the latest when all steps are taken, unless the model is published by then."""
        replicas = self._replicas
        if replicas is None or replicas.first:
            return self._steps(trainer, corpus)
        self._steps(trainer, corpus, replicas.lead)
        replicas.lead(wait=True)
        if _read(self._run / "run.json").get("decision") == self._state["decision"]:
            self._processes = replace(self._processes, rank=0)
            return self._steps(trainer, corpus)
        return None

    def _steps(self, trainer: "Trainer", corpus: "Corpus", until: Callable[[], bool] = lambda: False) -> float | None:
        from myna.training import read_curve

        with ExitStack() as stack:
            # Only the first process is told points.
            board: Tell = unheard
            if self._processes.first:
                kept = read_curve(self._run / "curve.jsonl")
                board = stack.enter_context(closing(Board(self._run / BOARD, trainer.step, kept)))

            def tell(point: dict[str, Any]) -> None:
                board(point)
                self._tell(point)

            return trainer.run(
                part(self._progress, _PLANNED, _LEARNED, _TRAINED),
                until=until,
                tell=tell,
                changed=self._changed,
                sample=lambda model: _sample(model, corpus, self._run),
            )

    def _stage(self, name: str) -> None:
        if self._processes.first:
            self._tell({"stage": name})

    def _begin(
        self,
        dial: "Dial",
        again: dict[str, Any] | None,
        chat: bool,
        examples: Path | None,
        init: Path | None,
        lora: int,
        folder: Path | None,
    ) -> dict[str, Any]:
        """The state of the run to go on with, or of a new one."""
        path = self._run / "run.json"
        if again is not None:
            chat, examples = bool(again.get("start")), Path(again["examples"]) if again.get("examples") else None
            init = Path(again["init"]["folder"]) if again.get("init") else None
        asked: dict[str, Any] = {"dial": dial.to_dict(), "again": again, "chat": chat}
        asked["examples"] = str(examples) if examples else ""
        opened = opened_weights(init, again) if init is not None else None
        if opened:
            asked |= {"init": opened, "lora": lora}
        if again is not None and again.get("folder"):
            folder = Path(again["folder"]["path"])
        if folder is not None:
            asked["folder"] = read_folder(folder, again)
        if path.exists():
            state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if state.get("asked") == asked:
                return state
        shutil.rmtree(self._run, ignore_errors=True)
        self._run.mkdir(parents=True)
        now = now_ms()
        state = {"asked": asked, "began": now, "decision": new_id("d", now), "start": "", "init": opened}
        if chat:
            current = self._root / "current"
            state["start"] = current.read_text(encoding="utf-8").strip() if current.exists() else ""
            state["start"] = again["start"] if again is not None else state["start"]
            if not (self._root / state["start"] / "myna.json").exists():
                raise Problem("There is no language model to teach answering. Train one with `myna train` first.", 409)
        keep(path, state)
        return state

    def _corpus(self, progress: Progress) -> "Corpus":
        from myna.app.memorisation import guarded
        from myna.corpus import Corpus, OpenTokenizer, build_corpus, load_tokenizer
        from myna.model.guarding import FILE as GUARDED
        from myna.model.guarding import Guarded

        state, again = self._state, self._state["asked"]["again"]
        began = time.monotonic()
        if self._processes.first:
            if "corpus" not in state and again is not None:
                state["corpus"] = again["corpus"]["hash"]
                # Likes go on coming in; a run taken again counts those that the first one did.
                state["facts"] = again.get("facts") or self._reader.last_seq()
            if "corpus" in state and (self._corpora / state["corpus"] / "corpus.json").exists():
                keep_to_permitted(Corpus(self._corpora / state["corpus"]), self._reader, bool(state["start"]))
            else:
                for name in ("checkpoints", BOARD):
                    shutil.rmtree(self._run / name, ignore_errors=True)
                for name in ("curve.jsonl", "manifest.json", GUARDED):
                    (self._run / name).unlink(missing_ok=True)
                state.pop("plan", None)
                if again is None:
                    state["facts"] = self._reader.last_seq()
                if state["start"]:
                    tokenizer = load_tokenizer(self._root / state["start"])
                    examples = Path(path) if (path := state["asked"]["examples"]) else None
                    built = build_conversations(self._reader, self._corpora, tokenizer, examples, progress)
                else:
                    init = state.get("init")
                    theirs = OpenTokenizer.adopt(Path(init["folder"])) if init else None
                    given = Path(state["asked"]["folder"]["path"]) if "folder" in state["asked"] else None
                    built = build_corpus(self._reader, self._corpora, progress, theirs, given, state["facts"])
                state["corpus"] = built.description.hash
                state["reading"] = time.monotonic() - began
            if again is not None and state["corpus"] != again["corpus"]["hash"]:
                raise Problem(
                    f"The text that may be learned today has the hash {state['corpus']}, that of the manifest "
                    f"{again['corpus']['hash']}: posts came, were deleted or withdrawn. "
                    "The same run needs the same text."
                )
            keep(self._run / "run.json", state)
            if not (self._run / GUARDED).exists():
                # Before anything is learned: what is deleted later may be known by then, and stays guarded.
                runs = guarded(Corpus(self._corpora / state["corpus"]))
                if state["start"]:
                    # It still knows all that the version it starts from had read.
                    runs = runs.together(Guarded.load(self._root / state["start"]))
                runs.save(self._run)
        state |= self._processes.agree(state)
        progress(1, 1)
        return Corpus(self._corpora / state["corpus"])

    def _rank(self, corpus: "Corpus", device: str) -> None:
        """Decides, once for a run from open weights, whether all of them are trained or adapters, and says so."""
        from myna.training import available_memory, rank_for

        state = self._state
        if not state.get("init") or "rank" in state:
            return
        again, rank = state["asked"]["again"], int(state["asked"]["lora"])
        if again is not None:
            rank = int(again["rank"])
        elif not rank:
            parameters = self._family(corpus).shape(0, 0, 0, 0).parameters
            memory = available_memory(device)
            rank = rank_for(parameters, memory)
            if rank:
                needed = f"{parameters * 16 / 1e9:.1f} GB, more than 60 % of the {memory / 1e9:.1f} GB there are"
                note = f"Training all {parameters:,} weights would take {needed}"
                self._tell({"note": f"{note}; adapters of rank {rank} are trained instead (--lora)."})
        state["rank"] = self._processes.agree(rank)
        if self._processes.first:
            keep(self._run / "run.json", state)

    def _plan(self, corpus: "Corpus", device: str, dial: "Dial") -> "Plan":
        from myna.training import Plan, calibrated_plan

        state, processes = self._state, self._processes
        if "plan" not in state and state["asked"]["again"] is not None:
            # Its clock is not looked at: the looks of the first run are part of its plan.
            state["plan"] = {**state["asked"]["again"]["plan"], "seconds": 0.0}
        if "plan" not in state:
            asked = dial.seconds(processes.size)
            now = time.monotonic()
            spent = now - self._began
            after = _AFTER_SHARE * asked + _AFTER_READING * state.get("reading", 0.0)
            seconds = asked if dial.tokens else max(asked - spent - after, asked * _TRAINING_LEAST)
            seconds = processes.agree(seconds)
            family = self._family(corpus)
            if state["start"] or state.get("init"):
                # Of the model there is; gentler steps, since it knows much already.
                shape: Any = family.shape(0, 0, corpus.vocabulary, 0)
                open_weights = hasattr(corpus.tokenizer, "added")
                context = dial.context or min(shape.context, _OPEN_CONTEXT if open_weights else shape.context)
                rate = dial.rate * (_OPEN_RATE if open_weights else _TUNING_RATE)
                dial = replace(dial, width=shape.width, layers=shape.layers, parameters=0, context=context, rate=rate)
            plan = calibrated_plan(family, corpus, seconds, dial.minutes, dial.seed, device, processes, dial, now)
            if self._replicas is not None:
                plan = replace(plan, seconds=0.0)  # how long steps take changes with who takes part
            state["plan"] = plan.to_dict()
            state["asked_seconds"] = 0.0 if dial.tokens else asked
            state["preparing"] = time.monotonic() - self._began
        plan = Plan.from_dict(state["plan"])
        if processes.first:
            self._manifest(plan, corpus)
        return plan

    def _changed(self, plan: "Plan") -> None:
        """Keeps a plan that a look at the clock has changed, durably and before it holds."""
        self._state["plan"] = plan.to_dict()
        if self._processes.first:
            manifest = json.loads((self._run / "manifest.json").read_text(encoding="utf-8"))
            keep(self._run / "manifest.json", manifest | {"plan": plan.to_dict()})
            keep(self._run / "run.json", self._state)

    def _manifest(self, plan: "Plan", corpus: "Corpus") -> None:
        """Writes down all that decides the run's bits."""
        body = {
            "plan": plan.to_dict(),
            "dial": self._state["asked"]["dial"],
            "corpus": corpus.description.to_dict(),
            "facts": self._state.get("facts", {}),
            "processes": self._processes.size,
            "start": self._state["start"],
            "init": self._state.get("init"),
            "rank": self._state.get("rank", 0),
            "examples": self._state["asked"]["examples"],
            "folder": self._state["asked"].get("folder"),
            **({"pair_steps": steps} if (steps := self._state.get("pair_steps")) is not None else {}),
            "source": source_hash(),
            **described_machine(),
        }
        keep(self._run / "manifest.json", body)
        keep(self._run / "run.json", self._state)

    def _family(self, corpus: "Corpus") -> "Family":
        """Untrained models of any size; or, for a run that goes on from a version or open weights, these alone."""
        from myna.model import Shape, load_model, new_model, open_model, open_shape, shape_of
        from myna.training import Family, adapt

        if init := self._state.get("init"):
            tokenizer: OpenTokenizer = corpus.tokenizer  # type: ignore[assignment]
            place, tokens = Path(init["folder"]), len(tokenizer)
            opened = open_shape(place, tokens)

            def build(_: Any, seed: int) -> Any:
                model = open_model(place, tokens, tokenizer.added)
                rank = self._state.get("rank", 0)
                return adapt(model, rank, seed) if rank else model

            return Family(lambda *_: opened, build, untrained=False)
        if not (start := self._state["start"]):
            return Family(shape_of, new_model)
        folder = self._root / start
        shape = Shape.from_hugging_face(folder / "config.json")
        return Family(lambda *_: shape, lambda *_: load_model(folder), untrained=False)


def opened_weights(folder: Path, again: dict[str, Any] | None) -> dict[str, Any]:
    """The folder of open weights and its hash, looked through before anything is begun. Raises Problem where it holds
    no model that can be gone on from, or another than the run that is taken `again` had."""
    from myna.corpus import OpenTokenizer
    from myna.model import fingerprint, open_shape

    open_shape(folder, 0)
    OpenTokenizer.adopt(folder)
    found = {"folder": str(folder.resolve()), "hash": fingerprint(folder)}
    if again is not None and again["init"]["hash"] != found["hash"]:
        raise Problem(f"{folder} holds other weights than the run of the manifest began with.")
    return found


def read_folder(folder: Path, again: dict[str, Any] | None) -> dict[str, Any]:
    """A folder of documents and the hash of its files. Raises Problem where there are none, or others than the run
    that is taken `again` read."""
    from myna.corpus import folder_hash

    found = {"path": str(folder.resolve()), "hash": folder_hash(folder)}
    if again is not None and (again.get("folder") or {}).get("hash") != found["hash"]:
        raise Problem(f"{folder} holds other documents than the run of the manifest was trained on.")
    return found


def _sample(model: Any, corpus: "Corpus", run: Path) -> str:
    """A little of what the model would write now, as it is written for people."""
    from myna.corpus import readable
    from myna.model import Alone, Sampling, write
    from myna.model.guarding import Guarded

    sampler, tokenizer = Alone(model, len(corpus.tokenizer)), corpus.tokenizer
    blocks = Guarded.load(run).tokens(tokenizer.bytes_of)
    return "".join(write(sampler, tokenizer, "", Sampling(_SAMPLE_TOKENS, seed=0), (), readable, blocks))


def _read(path: Path) -> dict[str, Any]:
    """What `_keep` wrote; nothing where there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found
