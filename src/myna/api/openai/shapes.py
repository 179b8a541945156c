"""What OpenAI's clients send and expect, as far as a model like ours can honestly answer it.

Fields that would change the answer and that we cannot obey (tools, penalties, log probabilities) are accepted only with
the value that means "not used"; anything else is refused by name, never passed over.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from myna.api.native.fields import WHOLE

MOST_TOKENS = 2048
_Text = Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00]*$")]
_Stop = Annotated[str, Field(min_length=1, max_length=200)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())


class StreamOptions(_Sent):
    """include_usage: a last chunk with the tokens used."""

    include_usage: bool = False
    include_obfuscation: bool = False


class _Sampling(_Sent):
    model: Annotated[str, Field(min_length=1, max_length=200)]
    n: Annotated[int, Field(ge=1, le=8), WHOLE] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**53), le=2**53), WHOLE] | None = None
    stop: _Stop | Annotated[list[_Stop], Field(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Annotated[str, Field(max_length=500)] | None = None
    lang: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", max_length=35)] | None = None
    """Ours, as the next three: the language to write in, one that the version was trained on."""
    style: Annotated[int, Field(ge=0, le=3), WHOLE] | None = Field(None, alias="register")
    """From the most formal quarter of authors, 0, to the most informal; every class has a `register` already."""
    reaction: Annotated[int, Field(ge=0, le=4), WHOLE] | None = None
    """From the worst received fifth of posts, 0, to the best."""
    topic: Annotated[str, Field(min_length=1, max_length=41)] | None = None
    """A word or hashtag that many people of the network wrote of."""
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())


class CompletionRequest(_Sampling):
    """/v1/completions."""

    prompt: (
        _Text
        | Annotated[list[_Text], Field(min_length=1, max_length=16)]
        | Annotated[list[Annotated[int, Field(ge=0, le=2**31)]], Field(min_length=1, max_length=100_000)]
    ) = ""
    """Text, several texts, or the ids of one text's tokens, which are read as they are."""
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS), WHOLE] | None = None
    echo: bool | None = None
    skip_special_tokens: Literal[False] | None = None
    """vLLM's: placeholders such as [link] are written here in any case."""
    best_of: Annotated[int, Field(ge=1, le=1), WHOLE] | None = None


class TextPart(_Sent):
    """A piece of a message."""

    type: Literal["text"]
    text: _Text


class Message(_Sent):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: _Text | Annotated[list[TextPart], Field(max_length=64)]
    name: Annotated[str, Field(max_length=64)] | None = None

    @property
    def text(self) -> str:
        """Its words."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class ResponseFormat(_Sent):
    """Text is all there is."""

    type: Literal["text"]


class ChatRequest(_Sampling):
    """/v1/chat/completions."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=256)]
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS), WHOLE] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS), WHOLE] | None = None
    response_format: ResponseFormat | None = None
    logprobs: Literal[False] | None = None


class EmbeddingRequest(_Sent):
    """/v1/embeddings."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: (
        Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"^[^\x00]*$")]
        | Annotated[
            list[Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"^[^\x00]*$")]],
            Field(min_length=1, max_length=256),
        ]
    )
    encoding_format: Literal["float", "base64"] = "float"
    user: Annotated[str, Field(max_length=500)] | None = None


# -- answers -----------------------------------------------------------------------------------------------------------


class Usage(BaseModel):
    """Tokens of the network's own tokenizer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionChoice(BaseModel):
    """One text. finish_reason: stop at the post's end or a stop string, length at max_tokens. decision: the id to ask
    `GET /api/v1/decisions/{id}` with; not of OpenAI's."""

    text: str
    index: int
    logprobs: None = None
    finish_reason: Literal["stop", "length"] | None
    decision: str


class Completion(BaseModel):
    """What /v1/completions answers."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = None


class AssistantMessage(BaseModel):
    """What the model writes."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    """One answer. decision: as of a completion."""

    index: int
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]
    decision: str


class ChatCompletion(BaseModel):
    """What /v1/chat/completions answers."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class Embedding(BaseModel):
    """A vector of unit length: numbers, or little-endian float32 as base64."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Tokens read."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """What /v1/embeddings answers."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class Model(BaseModel):
    """A model of this network."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "myna"


class Models(BaseModel):
    """What /v1/models answers."""

    object: Literal["list"] = "list"
    data: list[Model]


class Failure(BaseModel):
    """What went wrong, in OpenAI's words."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class Error(BaseModel):
    """OpenAI's error object."""

    error: Failure


def chunk(kind: str, base: dict[str, Any], choices: list[dict[str, Any]], usage: Usage | None = None) -> dict[str, Any]:
    """One event of a stream."""
    return {**base, "object": kind, "choices": choices, "usage": usage.model_dump() if usage else None}
