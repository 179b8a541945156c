"""A trained model as a published version: written beside the others, measured, recorded as a decision, put in use."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myna.app.boards import FOLDER as BOARD
from myna.app.conversations import keep_conversations_to_permitted
from myna.app.forgetting import keep_run
from myna.app.manifest import keep
from myna.decisions import DecisionLog
from myna.gate import MYNA, Reader
from myna.i18n import N_
from myna.network import NotFound, Problem, Progress, Purpose, now_ms, part

if TYPE_CHECKING:
    from myna.corpus import Corpus
    from myna.training import Plan

_PAIR_STEPS, _PAIR_STEPS_MOST = 160, 2000
"""Steps of the embedding's fit for each minute asked for, at most, and at most of all."""
_PAIR_STEPS_USUAL = 250
"""Where no minutes were asked for."""
_WRITING_SECONDS = 1.0
"""Kept for writing the version after all is fitted."""


class Publisher:
    """Publishes the model of a run. Each step can be done again after a kill without doing anything twice."""

    def __init__(
        self,
        root: Path,
        reader: Reader,
        log: DecisionLog,
        state: dict[str, Any],
        learned: float,
        stage: Callable[[str], None],
    ) -> None:
        """root: where versions and the run are. state: of the run, as run.json keeps it; steps of the embedding are
        added. learned: the monotonic time at which the last step was taken. stage: told what is being done."""
        self._root, self._reader, self._log = root, reader, log
        self._state, self._learned, self._stage = state, learned, stage
        self._run = root / "run"

    def publish(self, model: Any, corpus: "Corpus", plan: "Plan", bits: float | None, progress: Progress) -> None:
        """Writes the version beside the others, logs the decision, then points `current` at it. bits: a byte, as
        measured. Raises Problem for one that gives planted secrets away, which is not put in use."""
        from myna.training import write_atomically

        version = self._recorded()
        if not (self._root / version / "myna.json").exists():
            version = self._write(model, corpus, plan, bits, progress)
        about = json.loads((self._root / version / "myna.json").read_text(encoding="utf-8"))
        if not about.get("leaks"):
            write_atomically(self._root / "current", version.encode())
        keep_run(self._root, version, self._state, plan.slices > 0)
        refuse_leaking(about)
        progress(1, 1)

    def _write(self, model: Any, corpus: "Corpus", plan: "Plan", bits: float | None, progress: Progress) -> str:
        from myna.app.memorisation import planted_and_leaked
        from myna.corpus import persist
        from myna.model import save_model
        from myna.model.guarding import FILE as GUARDED
        from myna.model.guarding import Guarded

        keep_to_permitted(corpus, self._reader, bool(self._state["start"]))
        fresh = self._root / ".publishing"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        tokenizer = corpus.tokenizer
        save_model(model, fresh, tokenizer.end, tokenizer.pad)
        tokenizer.save(fresh)
        before = 0
        if start := self._state["start"]:
            told = json.loads((self._root / start / "myna.json").read_text(encoding="utf-8"))
            before = int(told.get("planted", 0))
        self._stage("asking for planted secrets")
        memorised = planted_and_leaked(model, corpus, Guarded.load(self._run), before, part(progress, 0, 30, 100))
        self._stage("embedding")
        quality = self._embed(fresh, model, corpus, plan.seed, part(progress, 30, 100, 100))
        for name in ("curve.jsonl", "manifest.json", GUARDED):
            shutil.copyfile(self._run / name, fresh / name)
        if (self._run / BOARD).is_dir():
            shutil.copytree(self._run / BOARD, fresh / BOARD)
            persist(fresh / BOARD)
        began = self._state["began"]
        day = datetime.fromtimestamp(began / 1000, UTC).strftime("%Y%m%d")
        # Names in the order of time, ending in the content's hash: the same bits have the same end.
        version = f"myna-{day}-{began // 1000 % 86_400:05d}-{_hash(fresh)}"
        about = {
            "version": version,
            "bits_per_byte": bits,
            "parameters": plan.parameters,
            "tokens": plan.tokens,
            "documents": corpus.description.documents,
            "seconds": round((now_ms() - began) / 1000, 1),
            "corpus": corpus.description.to_dict(),
            "plan": plan.to_dict(),
            "embedding": quality,
            "chat": bool(self._state["start"]),
            "start": self._state["start"],
            "init": self._state.get("init"),
            "rank": self._state.get("rank", 0),
            **memorised,
        }
        keep(fresh / "myna.json", about)
        persist(fresh)
        shutil.rmtree(self._root / version, ignore_errors=True)
        fresh.replace(self._root / version)
        self._record(about)
        return version

    def _embed(self, fresh: Path, model: Any, corpus: "Corpus", seed: int, progress: Progress) -> dict[str, Any]:
        """Puts the version's embedding beside its weights; returns how good it is."""
        from myna.corpus import clean, permitted, ties
        from myna.model import fit_embedder

        if start := self._state["start"]:
            # The tokens are the same, and a few conversations teach less about what posts mean than the whole corpus.
            shutil.copyfile(self._root / start / "embedding.safetensors", fresh / "embedding.safetensors")
            about = json.loads((self._root / start / "myna.json").read_text(encoding="utf-8"))
            found: dict[str, Any] = about["embedding"]
            return found
        border, all = corpus.train_documents, corpus.description.documents
        known, held_out = corpus.said(0, border), corpus.said(border, all)
        answers, follows = ties(permitted(self._reader)[0])
        embedder, quality = fit_embedder(
            model, corpus.tokenizer, clean, known, held_out, seed, progress, answers, follows, self._pair_steps
        )
        embedder.save(fresh)
        return dict(quality)

    def _pair_steps(self, step_seconds: float, measuring: float) -> int:
        """Steps of the embedding's fit in the time that is left: decided once and kept before they are taken, so that
        a run that is killed, or repeated from its manifest, takes the same."""
        from myna.training import read_curve

        state, again = self._state, self._state["asked"]["again"]
        if "pair_steps" not in state:
            asked = state.get("asked_seconds", 0.0)
            if again is not None:
                state["pair_steps"] = again.get("pair_steps", _PAIR_STEPS_USUAL)
            elif not asked:
                state["pair_steps"] = _PAIR_STEPS_USUAL
            else:
                # What the run took, pauses between processes left out.
                learned = read_curve(self._run / "curve.jsonl")[-1]["seconds"]
                spent = state["preparing"] + learned + time.monotonic() - self._learned
                left = asked - spent - measuring - _WRITING_SECONDS
                most = min(asked / 60 * _PAIR_STEPS, _PAIR_STEPS_MOST)
                state["pair_steps"] = round(min(max(left / step_seconds, 0), most))
            manifest = json.loads((self._run / "manifest.json").read_text(encoding="utf-8"))
            keep(self._run / "manifest.json", manifest | {"pair_steps": state["pair_steps"]})
            keep(self._run / "run.json", state)
        return int(state["pair_steps"])

    def _recorded(self) -> str:
        """The version of this run's decision, where it was logged before a kill; else a name of none."""
        try:
            return self._log.get(self._state["decision"]).model
        except NotFound:
            return ".none"

    def _record(self, about: dict[str, Any]) -> None:
        if self._recorded() == about["version"]:
            return
        corpus = about["corpus"]
        reason = {
            "text": N_("Learned from {documents} documents that the gate admitted, the newest held out to measure."),
            "values": {"documents": corpus["documents"]},
            "evidence": [],
        }
        input = {name: corpus[name] for name in ("admitted", "dropped", "hash", "documents", "tokens", "deletions")}
        measured = ("version", "bits_per_byte", "parameters", "tokens", "embedding", "planted", "known", "leaks")
        output = {name: about[name] for name in measured}
        self._log.write(
            "train",
            str(MYNA),
            Purpose.TRAIN,
            {"corpus": input, "plan": about["plan"]},
            {**output, "reasons": [reason]},
            about["version"],
            id=self._state["decision"],
        )


def keep_to_permitted(corpus: "Corpus", reader: Reader, chat: bool) -> None:
    """Overwrites what a corpus, of conversations or of posts, holds and may no longer be learned."""
    from myna.corpus import keep_to_permitted

    (keep_conversations_to_permitted if chat else keep_to_permitted)(corpus, reader)


def refuse_leaking(about: dict[str, Any]) -> None:
    """Raises Problem for a version, as its myna.json tells of it, that gives planted secrets away."""
    if about.get("leaks"):
        raise Problem(
            f"The version {about['version']} gives away {about['leaks']} of {about['planted']} secrets that were "
            "planted to test it, and is not put in use. Train again, for fewer minutes or with more posts.",
            503,
        )


def _hash(directory: Path) -> str:
    digest = hashlib.sha256()
    for name in ("model.safetensors", "tokenizer.json", "embedding.safetensors"):
        digest.update((directory / name).read_bytes())
    return digest.hexdigest()[:10]
