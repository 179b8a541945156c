"""Many requests written at once: they join and leave a running batch between two tokens.

One thread owns the decoder and runs while there is work. A request that leaves makes room for one that waits (Orca, Yu
et al., OSDI 2022). When a context is full the newer half of it is read again and the writing goes on. What a request
writes depends on its own seed alone; standing beside others changes only the last bits of its logits.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from queue import SimpleQueue

import numpy as np

from myna.model.choosing import choose
from myna.model.decoder import Decoder
from myna.model.types import Blocks, Sampling
from myna.network import Problem

_PROMPTS = 2048
"""Tokens of prompts read between two tokens of the others, so that these do not wait long."""


class Engine:
    """A decoder shared by many threads. waiting: requests that may wait for a place; more are refused."""

    def __init__(self, decoder: Decoder, waiting: int = 256) -> None:
        self._decoder = decoder
        self._most_waiting = waiting
        self._lock = threading.Lock()
        self._waiting: deque[_Text] = deque()
        self._writing: list[_Text] = []
        """By place in the decoder."""
        self._running = False

    @property
    def busy(self) -> int:
        """Requests being written or waiting."""
        with self._lock:
            return len(self._writing) + len(self._waiting)

    def __call__(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        ends: Sequence[int] = (),
        never: Sequence[int] = (),
        blocks: Blocks | None = None,
    ) -> "Written":
        """Begins to write at once and returns the ids to come. Raises Problem (503) where too many wait."""
        text = _Text(prompt, sampling, ends, never, blocks)
        with self._lock:
            if len(self._waiting) >= self._most_waiting:
                raise Problem("The language model has too many texts to write. Try again in a moment.", 503)
            self._waiting.append(text)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="writing", daemon=True).start()
        return Written(text)

    def _run(self) -> None:
        try:
            while self._admit():
                self._round()
        except BaseException as error:  # all who wait are told, none waits for ever
            with self._lock:
                lost = [*self._writing, *self._waiting]
                self._waiting.clear()
                self._writing.clear()
                self._decoder.texts = 0
                self._running = False
            for text in lost:
                text.ready.put(error)

    def _admit(self) -> bool:
        """Lets requests in while there is room; whether there is anything to do."""
        decoder = self._decoder
        with self._lock:
            for place in reversed(range(len(self._writing))):
                if self._writing[place].done:
                    decoder.leave(place)
                    self._writing[place] = self._writing[-1]
                    self._writing.pop()
            left = _PROMPTS
            while self._waiting and decoder.texts < decoder.most and left > 0:
                text = self._waiting.popleft()
                if not text.done:
                    text.unread = text.ids[-(decoder.shape.context - 1) :]
                    left -= len(text.unread)
                    decoder.join()
                    self._writing.append(text)
            self._running = bool(self._writing)
            return self._running

    def _round(self) -> None:
        """A token for each: first for those with much to read, then for all."""
        decoder = self._decoder
        context = decoder.shape.context
        for place, text in enumerate(self._writing):
            if decoder.lengths[place] + len(text.unread) > context:
                decoder.forget(place)
                text.unread = text.ids[-(context // 2) :]
        long = {place: text.unread for place, text in enumerate(self._writing) if len(text.unread) > 1}
        if long:
            for place, logits in zip(long, decoder.read(long), strict=True):
                self._writing[place].take(logits)
        # One that is done with its first token still has a place: its step is computed and not looked at.
        logits = decoder.step([text.unread[0] for text in self._writing])
        for text, row in zip(self._writing, logits, strict=True):
            text.take(row)


class _Text:
    """One text being written, as the engine knows it."""

    def __init__(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        ends: Sequence[int],
        never: Sequence[int],
        blocks: Blocks | None,
    ) -> None:
        if not prompt or sampling.max_tokens < 1:
            raise ValueError("nothing to go on from, or nothing to write")
        self.ids = list(prompt)
        self.unread = self.ids
        self.done = False
        self.ready: SimpleQueue[int | str | BaseException] = SimpleQueue()
        """Ids; then why it ended, or the error that ended it."""
        self._sampling = sampling
        self._ends, self._never, self._blocks = frozenset(ends), list(never), blocks
        self._left = sampling.max_tokens
        seed = None if sampling.seed is None else sampling.seed % 2**64
        self._chance = np.random.Generator(np.random.PCG64(seed))

    def take(self, logits: np.ndarray) -> None:
        """Chooses the next id of logits (usable,), which may be overwritten."""
        if self.done:
            return
        logits[self._never] = -np.inf
        id = choose(logits, self._sampling.temperature, self._sampling.top_p, self._chance, self.ids, self._blocks)
        if id in self._ends:
            self._end("stop")
            return
        self.ids.append(id)
        self.unread = [id]
        self._left -= 1
        self.ready.put(id)
        if not self._left:
            self._end("length")

    def _end(self, why: str) -> None:
        self.done = True
        self.ready.put(why)


class Written:
    """The ids of one text as they are chosen; waits for the next. Let go of or cancelled, it is written no further.

    finish: empty until the last id is taken; then "stop" (one of the ends) or "length".
    """

    def __init__(self, text: _Text) -> None:
        self._text = text
        self.finish = ""

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self.finish:
            raise StopIteration
        found = self._text.ready.get()
        if isinstance(found, int):
            return found
        self.finish = found if isinstance(found, str) else "stop"
        if isinstance(found, BaseException):
            raise found
        raise StopIteration

    def cancel(self) -> None:
        """Nobody waits for more. From any thread."""
        self._text.done = True
        self._text.ready.put("stop")

    def __del__(self) -> None:
        self._text.done = True
