"""Running the model for a request: its pieces one by one, off the event loop, and stopped when the asker has gone."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from anyio import to_thread
from fastapi import Request

from myna.app import Myna

_END = object()


@dataclass(slots=True)
class Draw:
    """One text to be written, and what came of it. finish: stop or length, once it is done."""

    prompt: str
    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    stop: tuple[str, ...]
    text: str = ""
    finish: str = ""
    tokens: int = 0
    """Of the text, once it is done: as the tokenizer reads it, which can differ a little from how it was written."""


class Gone(Exception):
    """The asker has closed the connection: nobody waits for more."""


async def pieces(myna: Myna, request: Request, draw: Draw) -> AsyncIterator[str]:
    """The text of a draw as it is written. Raises Gone where the asker left, after which nothing more is computed."""
    iterator: Iterator[str] = await to_thread.run_sync(
        lambda: iter(
            myna.language.generate(
                draw.prompt, draw.max_tokens, draw.temperature, draw.top_p, draw.seed, draw.stop
            )
        )
    )  # fmt: skip
    steps = 0
    try:
        while True:
            piece = await to_thread.run_sync(next, iterator, _END)
            if piece is _END:
                break
            assert isinstance(piece, str)
            draw.text += piece
            steps += 1
            yield piece
            if await request.is_disconnected():
                raise Gone
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
    read = await to_thread.run_sync(myna.language.count_tokens, draw.text)
    draw.tokens = min(read, draw.max_tokens)
    draw.finish = "length" if max(steps, read) >= draw.max_tokens else "stop"


async def written(myna: Myna, request: Request, draw: Draw) -> None:
    """Writes a draw to its end."""
    async for _ in pieces(myna, request, draw):
        pass
