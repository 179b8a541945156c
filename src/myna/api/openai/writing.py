"""Running the model for a request: all its texts at once, off the event loop, and stopped when the asker has gone."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import Request

from myna.app import Myna
from myna.app.generating import Recorded
from myna.gate import Actor

_WRITERS = 256
"""Threads that may wait for the model; of their own, so that pages never wait for one."""
_LOOK = 0.25
"""Seconds between looks whether the asker is still there."""
T = TypeVar("T")
_END: Any = object()
_limiter: RunVar[CapacityLimiter] = RunVar("writers")


@dataclass(slots=True)
class Draw:
    """One text to be written, and what came of it. finish: stop or length, once it is done. decision: its id."""

    prompt: str | tuple[int, ...]
    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    stop: tuple[str, ...]
    after: tuple[str, ...] = ()
    lang: str = ""
    register: int | None = None
    reaction: int | None = None
    topic: str = ""
    text: str = ""
    finish: str = ""
    tokens: int = 0
    prompt_tokens: int = 0
    decision: str = ""


class Gone(Exception):
    """The asker has closed the connection: nobody waits for more."""


def begin(myna: Myna, actor: Actor, draws: Sequence[Draw]) -> list[Recorded]:
    """Begins all of them, beside each other and what others asked for. Raises Problem (503) where too many wait."""
    begun: list[Recorded] = []
    try:
        for draw in draws:
            how = (draw.max_tokens, draw.temperature, draw.top_p, draw.seed, draw.stop, draw.after)
            controls = (draw.lang, draw.register, draw.reaction, draw.topic)
            writing = myna.language.generate(draw.prompt, *how, *controls, actor)
            draw.decision = writing.decision
            begun.append(writing)
    except BaseException:
        cancel(begun)
        raise
    return begun


def cancel(begun: Sequence[Recorded]) -> None:
    """Nobody waits for these any more."""
    for writing in begun:
        writing.cancel()


async def pieces(request: Request, draw: Draw, writing: Recorded) -> AsyncIterator[str]:
    """The text of a draw as it is written. Raises Gone where the asker left."""
    while True:
        piece = await apart(next, writing, _END)
        if piece is _END:
            break
        assert isinstance(piece, str)
        draw.text += piece
        yield piece
        if await request.is_disconnected():
            raise Gone
    _done(draw, writing)


async def written(myna: Myna, actor: Actor, request: Request, draws: Sequence[Draw]) -> None:
    """Writes all to their ends; where the asker leaves, what there is of them."""
    begun = await apart(begin, myna, actor, draws)

    def read() -> None:
        for draw, writing in zip(draws, begun, strict=True):
            draw.text = "".join(writing)
            _done(draw, writing)

    async def watch() -> None:
        try:
            while not await request.is_disconnected():
                await anyio.sleep(_LOOK)
        finally:
            cancel(begun)

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await apart(read)
            group.cancel_scope.cancel()
    except ExceptionGroup as problems:
        # What the model said, not that a group said it.
        raise problems.exceptions[0] from None


def _done(draw: Draw, writing: Recorded) -> None:
    draw.finish, draw.tokens, draw.prompt_tokens = writing.finish, writing.tokens, writing.prompt_tokens


async def apart(function: Callable[..., T], *arguments: Any) -> T:
    """Runs a function that may wait for the model in a thread."""
    try:
        limiter = _limiter.get()
    except LookupError:
        _limiter.set(limiter := CapacityLimiter(_WRITERS))
    return await to_thread.run_sync(function, *arguments, limiter=limiter)
