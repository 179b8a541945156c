"""A server that writes in place of this process: vLLM, or anything that speaks OpenAI's completions, when outgrown.

The prompt goes as token ids, made here: no template and no tokenizer of another version comes between. What comes back
is held against the guarded runs here (myna.model.guarding), whatever tokens it was made of.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from myna.network import Problem

if TYPE_CHECKING:
    from myna.model import Sampling
    from myna.model.guarding import Guarded

_PATIENCE = 120.0
"""Seconds without a word from the server after which it is held to be away."""
_REMEMBERED = 500
"""Characters before a piece among which the letters of a run are looked for; marks and spaces are characters too."""


class ModelServer:
    """Where it is (`http://host:8000/v1`), and the key it asks for, if any."""

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url.rstrip("/")
        self._key = key

    def write(
        self,
        model: str,
        prompt: Sequence[int],
        sampling: "Sampling",
        stop: Sequence[str],
        show: Callable[[str], str],
        guarded: "Guarded",
        before: str,
    ) -> "RemoteWriting":
        """Begins a text, which ends before it would complete a guarded run; before: the prompt as text. Raises Problem
        (503) where the server cannot be reached, or refuses."""
        asked: dict[str, Any] = {
            "model": model,
            "prompt": list(prompt),
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(stop),
            "stream": True,
            "stream_options": {"include_usage": True},
            # The placeholders of links and names are special tokens, and are shown as words.
            "skip_special_tokens": False,
        }
        if sampling.seed is not None:
            asked["seed"] = sampling.seed
        return RemoteWriting(self._open(asked), len(prompt), show, self._lost, guarded, before)

    def _open(self, asked: dict[str, Any]) -> HTTPResponse:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            request = Request(f"{self.url}/completions", json.dumps(asked).encode(), headers)
            answer: HTTPResponse = urlopen(request, timeout=_PATIENCE)
        except HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace")
            raise Problem(f"The model server at {self.url} refused ({error.code}): {said}", 503) from error
        except (OSError, ValueError, HTTPException) as error:
            raise self._lost(error) from error
        return answer

    def _lost(self, error: Exception) -> Problem:
        return Problem(
            f"The model server at {self.url} does not answer: {error}. Start it, or unset MYNA_MODEL_URL to write "
            "without it.",
            503,
        )


class RemoteWriting:
    """A text as the server writes it; attributes as of `myna.model.Writing`."""

    def __init__(
        self,
        answer: HTTPResponse,
        prompt_tokens: int,
        show: Callable[[str], str],
        lost: Callable[[Exception], Problem],
        guarded: "Guarded",
        before: str,
    ) -> None:
        self.prompt_tokens = prompt_tokens
        self.tokens = 0
        self.finish = ""
        self._cancelled = False
        self._answer, self._show, self._lost = answer, show, lost
        self._guarded, self._before = guarded, before

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            while not self._answer.isclosed():
                line = self._answer.readline()
                if self._cancelled or not line or line.startswith(b"data: [DONE]"):
                    self._answer.close()
                elif line.startswith(b"data: ") and (piece := self._kept(self._take(json.loads(line[6:])))):
                    return self._show(piece)
        except (OSError, ValueError, KeyError, HTTPException) as error:
            self._answer.close()
            raise self._lost(error) from error
        self.finish = self.finish or "stop"
        raise StopIteration

    def cancel(self) -> None:
        """Nobody waits for more: the connection closes with the next piece. From any thread."""
        self._cancelled = True

    def _kept(self, piece: str) -> str:
        """What of a piece may stand; where that is not all of it, the text ends there."""
        self._before = self._before[-_REMEMBERED:]
        allowed = self._guarded.allowed(self._before, piece)
        if allowed < len(piece):
            self.finish = "stop"
            self._answer.close()
        self._before += piece
        return piece[:allowed]

    def _take(self, event: dict[str, Any]) -> str:
        if "error" in event:
            raise ValueError(event["error"].get("message", "an error"))
        text = ""
        for choice in event["choices"]:
            self.finish = choice.get("finish_reason") or self.finish
            text += choice["text"]
        self.tokens += bool(text)  # a piece is a token, or a few, until the server tells
        if event.get("usage"):
            self.tokens = event["usage"]["completion_tokens"]
        return text
