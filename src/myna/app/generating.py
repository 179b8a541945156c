"""Every text the model writes is a decision of kind "generate", kept once, when it is finished or let go.

The log holds whom it was for, the version, the seed and settings, and how many tokens were read and written; never the
prompt's or the text's words, which may be a draft or a post for some only. Without the prompt it cannot be computed
again, so the kind has no replayer: `DecisionLog.replay` refuses it as the record of an act.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from myna.decisions import DecisionLog, new_id
from myna.gate import Actor
from myna.i18n import N_
from myna.network import Purpose, now_ms

if TYPE_CHECKING:
    from myna.model import Pieces, Sampling

_LOG = logging.getLogger("myna.app")
CANCELLED, FAILED = "cancelled", "failed"
"""How a text ended that nobody waited for, and one that the model or its server did not finish; else as of `Pieces`."""
_REASON = N_(
    "{model} read {prompt_tokens} tokens and wrote {tokens}, with temperature {temperature}, top_p {top_p} and seed "
    "{seed}; it ended with: {finish}."
)


class Generated:
    """What was written since this process started. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()

    def add(self, finish: str, prompt_tokens: int, tokens: int) -> None:
        """Counts one text that ended."""
        with self._lock:
            self._texts[finish] += 1
            self._tokens["read"] += prompt_tokens
            self._tokens["written"] += tokens

    @property
    def texts(self) -> dict[str, int]:
        """Texts by how they ended."""
        with self._lock:
            return dict(self._texts)

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens of prompts ("read") and of texts ("written")."""
        with self._lock:
            return {"read": self._tokens["read"], "written": self._tokens["written"]}


class Recorded:
    """`Pieces` that leave a decision behind. decision: its id, known from the start; kept once the text has ended."""

    def __init__(
        self, pieces: "Pieces", log: DecisionLog, generated: Generated, actor: Actor, model: str, sampling: "Sampling"
    ) -> None:
        self._pieces, self._log, self._generated = pieces, log, generated
        self._actor, self._model, self._sampling = actor.answered, model, sampling
        self._at = now_ms()
        self._once = threading.Lock()
        """Taken by who records, and never given back."""
        self._cancelled = False
        self.decision = new_id("d", self._at)

    @property
    def prompt_tokens(self) -> int:
        """Tokens read."""
        return self._pieces.prompt_tokens

    @property
    def tokens(self) -> int:
        """Tokens written so far."""
        return self._pieces.tokens

    @property
    def finish(self) -> str:
        """As of `Pieces`."""
        return self._pieces.finish

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            return next(self._pieces)
        except StopIteration:
            self._record(CANCELLED if self._cancelled else self._pieces.finish)
            raise
        except Exception:
            self._record(FAILED)
            raise

    def cancel(self) -> None:
        """Nobody waits for more. From any thread, and without waiting for the log: that is done by who reads on, or
        when this object is let go of."""
        self._cancelled = True
        self._pieces.cancel()

    def close(self) -> None:
        """Cancels what is not finished, and keeps the decision before it returns."""
        self.cancel()
        self._record(CANCELLED)

    def __del__(self) -> None:
        if not self._once.locked():
            # Whoever lets go may be an event loop, or hold the database: neither may wait for a write here.
            try:
                threading.Thread(target=_keep_later, args=self._decision(CANCELLED), name="letting-go").start()
            except RuntimeError:
                _LOG.warning("A text was let go of while Python ended; its decision %s is not kept", self.decision)

    def _record(self, finish: str) -> None:
        if self._once.acquire(blocking=False):
            _keep(*self._decision(finish))

    def _decision(self, finish: str) -> tuple[DecisionLog, Generated, dict[str, Any]]:
        how = self._sampling
        input = {
            "seed": how.seed,
            "temperature": how.temperature,
            "top_p": how.top_p,
            "max_tokens": how.max_tokens,
            "prompt_tokens": self.prompt_tokens,
        }
        wrote = {"tokens": self.tokens, "finish": finish}
        values = {"model": self._model, **input, **wrote}
        del values["max_tokens"]
        reason = {"text": _REASON, "values": values, "evidence": []}
        row = {
            "kind": "generate",
            "actor": self._actor,
            "purpose": Purpose.ANSWER,
            "input": input,
            "output": {**wrote, "reasons": [reason]},
            "model": self._model,
            "at": self._at,
            "id": self.decision,
        }
        return self._log, self._generated, row


def _keep(log: DecisionLog, generated: Generated, row: dict[str, Any]) -> None:
    output = row["output"]
    generated.add(output["finish"], row["input"]["prompt_tokens"], output["tokens"])
    log.write(**row)


def _keep_later(log: DecisionLog, generated: Generated, row: dict[str, Any]) -> None:
    try:
        _keep(log, generated, row)
    except Exception as error:  # nobody is left to be told
        _LOG.error("The decision %s could not be kept", row["id"], exc_info=error)
