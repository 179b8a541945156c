"""The routes under /v1."""

import base64
import secrets
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials

from myna.api.asking import KEY, Network
from myna.api.openai import shapes as s
from myna.api.openai.writing import Draw, Gone, apart, begin, cancel, pieces, written
from myna.app import Myna
from myna.gate import ANYONE, Actor
from myna.network import Forbidden, NotFound, Problem, Purpose

_WRITES = "What a language model wrote; nobody said it."
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": s.Error, "description": "The request cannot be obeyed"},
    401: {"model": s.Error, "description": "The key is missing, unknown or expired"},
    403: {"model": s.Error, "description": "The key is not for this purpose"},
    404: {"model": s.Error, "description": "There is no such model"},
    503: {"model": s.Error, "description": "There is no model yet, or too many wait for it"},
}

router = APIRouter(prefix="/v1", tags=["openai"], responses=_ERRORS)


def asker(myna: Network, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(KEY)]) -> Actor:
    """The actor. In demo mode no key is needed; clients always send one, and one that is none of ours is then none."""
    secret = credentials.credentials if credentials else ""
    if myna.settings.demo and not secret.startswith("myna_"):
        return ANYONE
    if not secret:
        raise Problem("This needs an API key: `Authorization: Bearer myna_…`. Make one with `myna key make`.", 401)
    return myna.keys.actor(secret)


Asking = Annotated[Actor, Depends(asker)]


def _may(myna: Myna, actor: Actor, *purposes: Purpose) -> None:
    """Raises Forbidden where a program's key is for none of these purposes."""
    if not any(map(actor.may, purposes)):
        named = " or ".join(purposes)
        raise Forbidden(f"This key is not for the purpose {named}; make one with `myna key make --purpose {named}`.")


def _model(myna: Myna, asked: str) -> str:
    """The version in use. Raises NotFound for a model we do not have, Problem (503) before there is one."""
    version = myna.language.version
    if asked not in (myna.language.name, version):
        raise NotFound(f"There is no model {asked!r} here; GET /v1/models names those there are.")
    if not myna.language.ready:
        raise Problem("There is no language model yet. Train one with `myna train`, then ask again.", 503)
    return version


@router.get("/models")
def models(myna: Network, actor: Asking) -> s.Models:
    """The models there are: `myna`, always the newest version, and that version by its own name."""
    return s.Models(data=[_shown(name) for name in _names(myna)])


@router.get("/models/{model}")
def model(
    myna: Network, actor: Asking, model: Annotated[str, Path(max_length=200, pattern=r"^[A-Za-z0-9_.:-]+$")]
) -> s.Model:
    """A model by its name."""
    if model not in _names(myna):
        raise NotFound(f"There is no model {model!r} here; GET /v1/models names those there are.")
    return _shown(model)


def _names(myna: Myna) -> list[str]:
    return [myna.language.name, myna.language.version] if myna.language.ready else []


def _shown(name: str) -> s.Model:
    return s.Model(id=name, created=0)


@router.post("/completions", response_model=s.Completion, response_description=_WRITES, responses=_STREAM)
async def completions(myna: Network, actor: Asking, request: Request, body: s.CompletionRequest) -> Response:
    """Goes on with a text as the people of this network would."""
    _may(myna, actor, Purpose.ANSWER)
    version = await to_thread.run_sync(_model, myna, body.model)
    prompts = _prompts(body)
    draws = [draw for prompt in prompts for draw in _draws(body, prompt, body.max_tokens or 16)]
    base: dict[str, Any] = {"id": f"cmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": version}
    if body.stream:
        return await _streamed(myna, actor, request, body, "text_completion", base, draws)
    await written(myna, actor, request, draws)
    choices = [
        s.CompletionChoice(
            text=(str(d.prompt) if body.echo else "") + d.text, index=i, finish_reason=_finish(d), decision=d.decision
        )
        for i, d in enumerate(draws)
    ]
    return _json(s.Completion(**base, choices=choices, usage=_usage(draws, body.n)))


@router.post("/chat/completions", response_model=s.ChatCompletion, response_description=_WRITES, responses=_STREAM)
async def chat(myna: Network, actor: Asking, request: Request, body: s.ChatRequest) -> Response:
    """Answers the last of a conversation's messages, which is read as a thread of posts. The model was trained on
    posts, not to follow instructions: what is said to it is what it goes on from, and it promises nothing else."""
    _may(myna, actor, Purpose.ANSWER)
    version = await to_thread.run_sync(_model, myna, body.model)
    thread = thread_of(body.messages)
    draws = _draws(body, "", body.max_completion_tokens or body.max_tokens or 128, thread)
    base: dict[str, Any] = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": version}
    if body.stream:
        return await _streamed(myna, actor, request, body, "chat.completion.chunk", base, draws)
    await written(myna, actor, request, draws)
    choices = [
        s.ChatChoice(
            index=i,
            message=s.AssistantMessage(content=d.text.strip()),
            finish_reason=_finish(d),
            decision=d.decision,
        )
        for i, d in enumerate(draws)
    ]
    return _json(s.ChatCompletion(**base, choices=choices, usage=_usage(draws, body.n)))


def thread_of(messages: list[s.Message]) -> tuple[str, ...]:
    """A conversation as the model knows them: posts, each the answer to the one before, whoever wrote it."""
    return tuple(text for message in messages if (text := message.text.strip()))


@router.post("/embeddings")
def embeddings(myna: Network, actor: Asking, body: s.EmbeddingRequest) -> s.Embeddings:
    """Vectors of unit length whose inner products tell how near texts are in meaning."""
    _may(myna, actor, Purpose.SEARCH, Purpose.RECOMMEND, Purpose.ANSWER)
    version = _model(myna, body.model)
    texts = [body.input] if isinstance(body.input, str) else body.input
    vectors = myna.language.embed(texts)
    as_text = body.encoding_format == "base64"
    data = [
        s.Embedding(
            index=i,
            embedding=base64.b64encode(row.astype("<f4").tobytes()).decode() if as_text else row.tolist(),
        )
        for i, row in enumerate(vectors)
    ]
    used = sum(myna.language.count_tokens(text) for text in texts)
    return s.Embeddings(data=data, model=version, usage=s.EmbeddingUsage(prompt_tokens=used, total_tokens=used))


# -- writing -----------------------------------------------------------------------------------------------------------


def _prompts(body: s.CompletionRequest) -> list[str | tuple[int, ...]]:
    if isinstance(body.prompt, str):
        return [body.prompt]
    texts = [each for each in body.prompt if isinstance(each, str)]
    if texts:
        return [*texts]
    if body.echo:
        raise Problem("echo is for prompts that are text.", 400)
    return [tuple(each for each in body.prompt if isinstance(each, int))]


def _draws(
    body: s.CompletionRequest | s.ChatRequest, prompt: str | tuple[int, ...], most: int, after: tuple[str, ...] = ()
) -> list[Draw]:
    """The n texts asked for. Each has a seed of its own, so that they differ and can be had again."""
    temperature = 1.0 if body.temperature is None else body.temperature
    seeds = [None if body.seed is None else (body.seed + i) % 2**53 for i in range(body.n or 1)]
    how: tuple[Any, ...] = (body.stops, after, body.lang or "", body.style, body.reaction, body.topic or "")
    return [Draw(prompt, most, temperature, body.top_p or 1.0, seed, *how) for seed in seeds]


def _finish(draw: Draw) -> Any:
    # Of what nobody reads any more nothing is finished.
    return draw.finish or "length"


def _usage(draws: list[Draw], n: int | None) -> s.Usage:
    """The tokens read and written. Each prompt counts once, however many texts go on from it."""
    read = sum(draw.prompt_tokens for draw in draws[:: n or 1])
    wrote = sum(draw.tokens for draw in draws)
    return s.Usage(prompt_tokens=read, completion_tokens=wrote, total_tokens=read + wrote)


def _json(body: Any) -> Response:
    return Response(orjson.dumps(body.model_dump()), media_type="application/json")


async def _streamed(
    myna: Myna,
    actor: Actor,
    request: Request,
    body: s.CompletionRequest | s.ChatRequest,
    kind: str,
    base: dict[str, Any],
    draws: list[Draw],
) -> Response:
    begun = await apart(begin, myna, actor, draws)
    chat = kind.startswith("chat")
    echo = isinstance(body, s.CompletionRequest) and bool(body.echo)

    def event(index: int, text: str, finish: str | None = None, first: bool = False) -> bytes:
        choice: dict[str, Any] = {"index": index, "logprobs": None, "finish_reason": finish}
        choice["decision"] = draws[index].decision
        if chat:
            choice["delta"] = ({"role": "assistant"} if first else {}) | ({"content": text} if text or first else {})
        else:
            choice["text"] = text
        return _event(s.chunk(kind, base, [choice]))

    async def events() -> AsyncIterator[bytes]:
        try:
            # One after the other in the answer; written all at once.
            for index, (draw, writing) in enumerate(zip(draws, begun, strict=True)):
                if chat or echo:
                    yield event(index, str(draw.prompt) if echo else "", first=True)
                async for piece in pieces(request, draw, writing):
                    yield event(index, piece)
                yield event(index, "", draw.finish)
            if body.stream_options and body.stream_options.include_usage:
                yield _event(s.chunk(kind, base, [], _usage(draws, body.n)))
            yield b"data: [DONE]\n\n"
        except Gone:
            return
        except Problem as problem:
            # The status line has gone already: the error travels as an event, as OpenAI's clients expect it.
            yield _event(s.Error(error=s.Failure(message=problem.message, type="server_error")).model_dump())
        finally:
            cancel(begun)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"
