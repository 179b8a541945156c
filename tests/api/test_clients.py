"""The real `openai` client against a real server on loopback."""

import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

pytestmark = pytest.mark.interop


@pytest.fixture
def client(trained: Any, address: str) -> Iterator[openai.OpenAI]:
    secret = trained.operator["Authorization"].removeprefix("Bearer ")
    with openai.OpenAI(base_url=f"{address}/v1", api_key=secret, max_retries=0) as found:
        yield found


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert {model.id for model in client.models.list()} >= {"myna"}
    assert client.models.retrieve("myna").id == "myna"


def test_completions_are_written_and_streamed(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="myna", prompt="The bridge", max_tokens=20, seed=1, temperature=0.7)
    assert whole.usage and whole.usage.completion_tokens <= 20
    stream = client.completions.create(
        model="myna", prompt="The bridge", max_tokens=20, seed=1, temperature=0.7, stream=True
    )
    assert "".join(part.choices[0].text for part in stream) == whole.choices[0].text


def test_chat_is_written_and_streamed(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "What is new?"}]
    whole = client.chat.completions.create(model="myna", messages=messages, max_completion_tokens=20, seed=1, n=2)
    assert len(whole.choices) == 2 and whole.choices[0].message.role == "assistant"
    stream = client.chat.completions.create(
        model="myna", messages=messages, max_completion_tokens=20, seed=1, stream=True,
        stream_options={"include_usage": True},
    )  # fmt: skip
    parts = list(stream)
    text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    assert text.strip() == whole.choices[0].message.content
    assert parts[-1].usage and parts[-1].usage.total_tokens > 0


def test_embeddings_come_by_the_client_s_own_default_and_as_numbers(client: openai.OpenAI) -> None:
    default = client.embeddings.create(model="myna", input=["The bridge", "Rain"])
    numbers = client.embeddings.create(model="myna", input="The bridge", encoding_format="float")
    assert default.data[0].embedding == pytest.approx(numbers.data[0].embedding, abs=1e-6)


def test_errors_are_the_client_s_own(client: openai.OpenAI, address: str) -> None:
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="gpt-4", prompt="a")
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.completions.create(model="myna", prompt="a", temperature=9)
    with pytest.raises(openai.BadRequestError, match="tools"):
        client.chat.completions.create(model="myna", messages=[{"role": "user", "content": "a"}], tools=[])
    with (
        openai.OpenAI(base_url=f"{address}/v1", api_key="sk-none", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()


def test_writing_stops_when_the_reader_leaves(trained: Any, client: openai.OpenAI) -> None:
    asked = {"model": "myna", "prompt": ["The"] * 4, "max_tokens": 2000, "n": 8, "temperature": 2.0, "seed": 7}
    stream = client.completions.create(**asked, stream=True)
    next(iter(stream))
    assert trained.myna.language.busy
    stream.close()
    _until_idle(trained)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.05, max_retries=0).completions.create(**asked)
    _until_idle(trained)


def _until_idle(trained: Any) -> None:
    deadline = time.monotonic() + 20
    while trained.myna.language.busy and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not trained.myna.language.busy
