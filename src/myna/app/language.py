"""The network's own language model: trained from the facts, published in versions, used for writing and embedding.

    home/corpus/HASH/                    the training text as tokens (myna.corpus)
    home/models/language/run/            a training run under way: run.json, manifest.json, checkpoints/, curve.jsonl
    home/models/language/VERSION/        a published model in the Hugging Face layout, its embedding and its curve
    home/models/language/current         the name of the version in use

Nothing here imports torch before it is needed: pages and commands that write and embed nothing start without it.
"""

import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import numpy as np

from myna.app.generating import Generated, Recorded
from myna.app.publishing import refuse_leaking
from myna.app.remote import ModelServer
from myna.app.training import Tell, TrainingRun, unheard
from myna.decisions import DecisionLog
from myna.gate import MYNA, Actor, Reader
from myna.network import Problem, Progress, quiet

if TYPE_CHECKING:
    from myna.corpus import AnyTokenizer
    from myna.model import Embedder, Sampler
    from myna.model.guarding import Guarded, GuardedTokens
    from myna.training import Dial

_SEEDS = 2**53
"""A seed nobody asked for is below this: as OpenAI's protocol bounds them."""
_SHARED_FROM = 50_000_000
"""Parameters from which several threads of PyTorch write one text faster than one of NumPy's."""
_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""One of these is there where Linux has an accelerator."""

_ALLOCATOR = {"THP_MEM_ALLOC_ENABLE": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


def allocator_environment() -> dict[str, str]:
    """Environment variables that speed up training on a CPU and are not set yet; they must stand before the process
    that trains starts.

    Large pages, and freed tensors kept by the process: glibc otherwise gives each large tensor back to the system
    and faults it in again. Empty where it does not apply.
    """
    if not sys.platform.startswith("linux"):
        return {}
    return {name: value for name, value in _ALLOCATOR.items() if name not in os.environ}


class Language:
    """The language model of one network. Safe for many threads; training may run in another process."""

    name = "myna"

    def __init__(self, home: Path, reader: Reader, log: DecisionLog, server: ModelServer | None = None) -> None:
        self._root = home / "models" / "language"
        self._corpora = home / "corpus"
        self._reader = reader
        self._log = log
        self._server = server
        self.generated = Generated()
        self._opening = threading.Lock()
        self._opened: _Version | None = None

    # -- the version in use ----------------------------------------------------------------------------------------

    @property
    def version(self) -> str:
        """The name of the version in use; empty before there is one."""
        try:
            return (self._root / "current").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""

    @property
    def ready(self) -> bool:
        """Whether there is a model."""
        version = self.version
        return bool(version) and (self._root / version / "myna.json").exists()

    def versions(self) -> list[str]:
        """All published versions, the oldest first."""
        return sorted(path.parent.name for path in self._root.glob(f"{self.name}-*/myna.json"))

    def folder(self, version: str) -> Path:
        """Where a published version lies."""
        return self._root / version

    def about(self) -> dict[str, Any]:
        """What the version in use was trained on, its plan and its measure; empty before there is one."""
        if not self.ready:
            return {}
        about: dict[str, Any] = json.loads((self._root / self.version / "myna.json").read_text(encoding="utf-8"))
        return about

    def curve(self) -> list[dict[str, Any]]:
        """The training curve of the run under way, else of the version in use: step, steps, tokens, seconds, at, and
        loss and bits_per_byte where measured."""
        under_way = self._root / "run" / "curve.jsonl"
        path = under_way if under_way.exists() else self._root / self.version / "curve.jsonl"
        if not path.is_file():
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        # The last line of a run under way may be half written.
        return [json.loads(line) for line in lines if line.endswith("}")]

    def under_way(self) -> dict[str, Any]:
        """The training run under way: each field of its curve's points as it was last measured; empty where none is."""
        latest: dict[str, Any] = {}
        if (self._root / "run" / "curve.jsonl").exists():
            for point in self.curve():
                latest |= point
        return latest

    # -- using it --------------------------------------------------------------------------------------------------

    def generate(
        self,
        prompt: str | Sequence[int],
        max_tokens: int = 64,
        temperature: float = 0.8,
        top_p: float = 0.95,
        seed: int | None = None,
        stop: Sequence[str] = (),
        after: Sequence[str] = (),
        lang: str = "",
        register: int | None = None,
        reaction: int | None = None,
        topic: str = "",
        actor: Actor = MYNA,
    ) -> Recorded:
        """What goes on from the prompt (text, or token ids as they are), in pieces, to the end of the
        post; begun at once, beside what others ask for, here or by the server of MYNA_MODEL_URL.

        after: posts, each the answer to the one before; what is written then answers the last. lang, register (0
        formal to 3 informal), reaction (0 to 4, the best received), topic (a word): what to write
        (myna.corpus.controls). actor: whom it is for, as its decision says; that is kept when the text is finished or
        let go of, with the seed that was chosen where none is asked. Raises Problem before there is a model, for a
        control that the version does not know (422), where too many wait (503), or where the server cannot be asked
        (503)."""
        if max_tokens < 1 or not 0 <= temperature <= 5 or not 0 < top_p <= 1:
            raise Problem(
                "Writing needs at least one token, a temperature from 0 to 5 and a top_p above 0 and up to 1.", 422
            )
        version = self._open()
        from myna.corpus import clean, readable
        from myna.model import Sampling, prompt_ids, write

        sampling = Sampling(max_tokens, temperature, top_p, secrets.randbelow(_SEEDS) if seed is None else seed)
        tokenizer = version.tokenizer
        if isinstance(prompt, str):
            controls = version.controls(lang, register, reaction, topic)
            posts = [text for post in after if (text := clean(post))]
            prompt = prompt_ids(tokenizer, clean(prompt), posts, controls)
        elif lang or register is not None or reaction is not None or topic:
            raise Problem("lang, register, reaction and topic go with a prompt that is text, not with token ids.", 422)
        if not prompt or not 0 <= min(prompt) <= max(prompt) < len(tokenizer):
            raise Problem(f"The token ids of a prompt are at least one, from 0 to {len(tokenizer) - 1}.", 422)
        name = version.directory.name
        begun = (
            self._server.write(self.name, prompt, sampling, stop, readable, version.guarded, tokenizer.decode(prompt))
            if self._server is not None
            else write(version.sampler, tokenizer, prompt, sampling, stop, readable, version.blocks)
        )
        return Recorded(begun, self._log, self.generated, actor, name, sampling)

    def knows(self, lang: str = "", register: int | None = None, reaction: int | None = None) -> dict[str, Any]:
        """Those of these controls that the version in use knows, as `generate` takes them: for a wish nobody spoke
        out, where an older version simply writes. Raises Problem before there is a model."""
        version = self._open()
        found: dict[str, Any] = {"lang": lang, "register": register, "reaction": reaction}
        return {name: value for name, value in found.items() if value not in ("", None) and version.has(name, value)}

    def register_of(self, texts: Sequence[str]) -> int | None:
        """The register of somebody who wrote these posts, by the quartiles of what the version in use was trained on;
        None where that is not known, or for too few posts."""
        from myna.corpus import clean, register_of

        edges = self.about().get("corpus", {}).get("registers", ())
        return register_of([cleaned for text in texts if (cleaned := clean(text))], edges)

    @property
    def busy(self) -> int:
        """Texts being written or waiting to be, as far as this process knows."""
        opened = self._opened
        return getattr(opened.__dict__.get("_sampler"), "busy", 0) if opened else 0

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (texts, d) float32 of unit length. Raises Problem before there is a model."""
        return self._open().embedder(texts)

    def export(self, directory: Path, gguf: bool = False) -> list[Path]:
        """Writes the version in use for other programs into an empty or new folder; returns the files. Raises Problem
        before there is a model, or where the folder holds something."""
        opened = self._open()
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise Problem(f"{directory} is there already. Name an empty or a new folder.", 409)
        from myna.model import export_gguf, export_model

        directory.mkdir(parents=True, exist_ok=True)
        files = export_model(opened.directory, directory, len(opened.tokenizer))
        return [*files, export_gguf(directory, directory / f"{opened.directory.name}.gguf")] if gguf else files

    def count_tokens(self, text: str) -> int:
        """How many tokens a text is for the version in use. Raises Problem before there is a model."""
        from myna.corpus import clean

        return len(self._open().tokenizer.encode(clean(text)))

    def _open(self) -> "_Version":
        name = self.version
        if not self.ready:
            raise Problem("There is no language model yet. Train one with `myna train`.", 503)
        with self._opening:
            if self._opened is None or self._opened.directory.name != name:
                refuse_leaking(self.about())
                self._opened = _Version(self._root / name)
            return self._opened

    def drop(self, deleted_ids: Sequence[str]) -> int:
        """Overwrites the tokens of deleted posts, and of all posts of deleted people, wherever they wait to be learned;
        returns how many passages went."""
        if not self._corpora.is_dir():
            return 0
        from myna.corpus import drop_from_all

        return drop_from_all(self._corpora, list(deleted_ids))

    # -- training it -----------------------------------------------------------------------------------------------

    def train(
        self,
        asked: "float | Dial",
        progress: Progress = quiet,
        seed: int = 0,
        tell: Tell = unheard,
        manifest: Path | None = None,
        chat: bool = False,
        examples: Path | None = None,
        forget: Sequence[str] = (),
        init: Path | None = None,
        lora: int = 0,
        folder: Path | None = None,
        lighthouse: str = "",
    ) -> dict[str, Any]:
        """Trains and publishes a new version, on this process or all that torchrun started, and puts it in use. Killed
        at any moment, the next call that asks for the same goes on.

        asked: minutes, or a whole dial. tell: given the points of the curve as they are made. manifest: of a run to
        take again, step by step. chat: learns to answer, from threads and from `examples` (JSONL of conversations),
        starting from the version in use. forget: posts, or people, that the version in use, trained in slices, shall
        be as if it had never seen. init: a folder with open weights of others, and their tokens, to go on
        from; lora: the rank of low-rank adapters to train of these instead of all weights, 0 where memory decides.
        folder: documents as Parquet to train on instead of all posts (myna.corpus.parquet).
        lighthouse: HOST:PORT of torchft's, to train as one of several replicas (myna.training.Replicas).

        Returns {"version", "bits_per_byte", "parameters", "tokens", "documents", "seconds"}. Raises Problem where
        there is nothing to train on, or where another process is training.
        """
        began = time.monotonic()
        if not isinstance(asked, float | int):
            seed = asked.seed
        elif not 0 < asked <= 60 * 24 * 365:
            raise Problem("The minutes to train for must be more than 0 and at most a year.", 422)
        from myna.training import Dial, Replicas, joined

        dial = Dial(minutes=asked, seed=seed) if isinstance(asked, float | int) else asked
        with joined() as processes, ExitStack() as stack:
            self._root.mkdir(parents=True, exist_ok=True)
            replicas = None
            if lighthouse and processes.size > 1:
                raise Problem("Each replica is one process: start it without torchrun, or leave out --lighthouse.", 422)
            if lighthouse:
                replicas = stack.enter_context(Replicas(lighthouse, self._root / "train.lock"))
            elif processes.first:
                self._only_one(stack)
            run = TrainingRun(
                *(self._root, self._corpora, self._reader, self._log, processes, progress, tell, began, replicas)
            )
            run.train(dial.check(), manifest, chat, examples, forget, init, lora, folder)
            processes.wait()
        about = self.about()
        names = ("version", "bits_per_byte", "parameters", "tokens", "documents", "seconds")
        return {name: about[name] for name in names}

    def _only_one(self, stack: ExitStack) -> None:
        try:
            stack.enter_context(filelock.FileLock(self._root / "train.lock").acquire(timeout=0))
        except filelock.Timeout as error:
            raise Problem("Another process is training this network's model. Wait for it, or stop it.", 409) from error


class _Version:
    """A published version's files, each read when first used; by one thread, the others wait."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._reading = threading.RLock()

    @property
    def tokenizer(self) -> "AnyTokenizer":
        with self._reading:
            return self._tokenizer

    def has(self, name: str, value: Any) -> bool:
        """Whether it knows this value of the control: lang, register, reaction or topic."""
        return _control(name, value) in self.tokenizer.controls

    def controls(self, lang: str, register: int | None, reaction: int | None, topic: str) -> list[int]:
        """The ids of these controls. Raises Problem (422) for one it does not know."""
        known = self.tokenizer.controls
        found = []
        for name, value in (("lang", lang), ("register", register), ("reaction", reaction), ("topic", topic)):
            if value in ("", None):
                continue
            if not self.has(name, value):
                there = [control.split(":")[1][:-2] for control in known if control.startswith(f"<|{name}:")]
                why = f"it knows {', '.join(there)}" if there else "its text had none, or too few, when it was trained"
                raise Problem(f"{self.directory.name} cannot be asked for {name} {value!r}: {why}.", 422)
            found.append(known[_control(name, value)])
        return found

    @property
    def embedder(self) -> "Embedder":
        with self._reading:
            return self._embedder

    @property
    def sampler(self) -> "Sampler":
        with self._reading:
            return self._sampler

    @cached_property
    def guarded(self) -> "Guarded":
        """The runs of people's own words that are not to be repeated. Raises Problem for a version that has none."""
        from myna.model.guarding import FILE, Guarded

        if not (self.directory / FILE).exists():
            raise Problem(
                f"{self.directory.name} is from before runs of letters were guarded, and is not let write: it has no "
                f"{FILE}. Train again with `myna train`.",
                503,
            )
        return Guarded.load(self.directory)

    @cached_property
    def blocks(self) -> "GuardedTokens":
        """The same, for who writes its tokens."""
        return self.guarded.tokens(self.tokenizer.bytes_of)

    @cached_property
    def _tokenizer(self) -> "AnyTokenizer":
        from myna.corpus import load_tokenizer

        return load_tokenizer(self.directory)

    @cached_property
    def _embedder(self) -> "Embedder":
        from myna.corpus import clean
        from myna.model import Embedder

        return Embedder.load(self.directory, self._tokenizer, clean)

    @cached_property
    def _sampler(self) -> "Sampler":
        from myna.model import Decoder, Engine, Shape

        usable = len(self._tokenizer)
        large = Shape.from_hugging_face(self.directory / "config.json").parameters > _SHARED_FROM
        if not large and not _accelerated():
            return Engine(Decoder.load(self.directory, usable))
        from myna.model import Alone, load_model
        from myna.training import pick_device, set_threads, threads_here

        set_threads(threads_here())
        return Alone(load_model(self.directory, pick_device()), usable)


def _control(name: str, value: Any) -> str:
    from myna.corpus import lang_token, reaction_token, register_token, topic_token

    if name in ("lang", "topic"):
        return lang_token(value) if name == "lang" else topic_token(value)
    return register_token(value) if name == "register" else reaction_token(value)


def _accelerated() -> bool:
    """Whether PyTorch would find another device than the CPU. It takes seconds to import, and none is likely here."""
    if sys.platform.startswith("linux") and not any(Path(device).exists() for device in _DEVICES):
        return False
    from myna.training import pick_device

    return pick_device() != "cpu"
