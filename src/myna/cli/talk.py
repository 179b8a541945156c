"""The language model by itself: talking with it, and taking it elsewhere."""

import json as codec
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from myna.app import Myna
from myna.cli.opening import Database, Home, Json, network
from myna.cli.show import answer, err, out
from myna.gate import OPERATOR
from myna.network import Problem

_QUIT = ("/quit", "/exit")
_LONGEST_PART = 200
"""Messages of a conversation that are read again with the next."""


_TELLING = 4
"""Messages from whose words the language is told."""


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(chat)
    app.command()(export)


def chat(
    home: Home = None,
    database: Database = None,
    tokens: Annotated[int, typer.Option("--tokens", min=1, max=4096)] = 120,
    temperature: Annotated[float, typer.Option(min=0.0, max=5.0)] = 0.8,
    top_p: Annotated[float, typer.Option("--top-p", min=0.01, max=1.0)] = 0.95,
    seed: int | None = None,
    json: Annotated[
        bool, typer.Option("--json", help="One answer to the messages on standard input: OpenAI's list, or text.")
    ] = False,
) -> None:
    """Talks with the network's own model: each line is a post, which it answers. Ctrl-D or /quit ends it.

    It was trained on posts, not to follow instructions.
    """
    how = (tokens, temperature, top_p)
    with network(home, database) as myna:
        if json:
            thread = _messages(sys.stdin.read())
            writing = myna.language.generate("", *how, seed, (), thread, actor=OPERATOR, **_spoken(myna, thread))
            text = "".join(writing).strip()
            usage = {"prompt_tokens": writing.prompt_tokens, "completion_tokens": writing.tokens}
            value = {"model": myna.language.version, "message": {"role": "assistant", "content": text}}
            answer({**value, "finish_reason": writing.finish, "usage": usage, "decision": writing.decision}, json)
            return
        _talk(myna, how, seed)


def _talk(myna: Myna, how: tuple[int, float, float], seed: int | None) -> None:
    thread: list[str] = []
    for said in _lines():
        thread.append(said)
        text = ""
        turn = None if seed is None else seed + len(thread)
        read = thread[-_LONGEST_PART:]
        asked = ("", *how, turn, (), read)
        with closing(myna.language.generate(*asked, actor=OPERATOR, **_spoken(myna, read))) as writing:
            for piece in writing:
                # Without the white space some answers begin with.
                piece = piece if text else piece.lstrip()
                text += piece
                out.print(piece, end="", markup=False)
                sys.stdout.flush()
        out.print()
        if text.strip():
            thread.append(text.strip())


def _spoken(myna: Myna, thread: list[str]) -> dict[str, Any]:
    """The language of a thread's last words, where the version can be asked for it."""
    from myna.corpus import language_of

    return myna.language.knows(lang=language_of(" ".join(thread[-_TELLING:])))


def _lines() -> Iterator[str]:
    """What is typed, until the end or /quit; asked for on standard error, so that answers can be piped."""
    asks = sys.stdin.isatty()
    while True:
        if asks:
            err.print("> ", end="", markup=False)
        line = sys.stdin.readline()
        said = line.strip()
        if not line or said in _QUIT:
            return
        if said:
            yield said


def _messages(given: str) -> list[str]:
    """The posts of OpenAI's list of messages, of an object that holds it, or of plain text."""
    try:
        value: Any = codec.loads(given)
    except ValueError:
        value = [{"role": "user", "content": given}]
    if isinstance(value, dict):
        value = value.get("messages")
    try:
        posts = [str(message["content"]).strip() for message in value]
    except (TypeError, KeyError, IndexError) as error:
        raise Problem('Give text, or messages such as [{"role": "user", "content": "Good morning"}].', 422) from error
    if not any(posts):
        raise Problem("There is nothing to answer: standard input held no text.", 422)
    return [post for post in posts if post]


def export(
    directory: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    home: Home = None,
    database: Database = None,
    gguf: Annotated[bool, typer.Option("--gguf", help="Write a GGUF file for llama.cpp too.")] = False,
    json: Json = False,
) -> None:
    """Writes the language model in use as transformers and vLLM load it, and as llama.cpp does."""
    with network(home, database) as myna:
        files = myna.language.export(directory, gguf)
        value = {"model": myna.language.version, "files": {path.name: path.stat().st_size for path in files}}
    answer(value, json, *(f"{path.stat().st_size:>12,}  {path}" for path in files))
