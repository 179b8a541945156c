"""OpenAI's API: what it answers, whom it refuses, and that streams come piece by piece."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

PROMPT = {"model": "myna", "prompt": "The bridge", "max_tokens": 12, "seed": 3}
CHAT = {"model": "myna", "messages": [{"role": "user", "content": "What is new?"}], "max_tokens": 12, "seed": 3}


def ask(served: Any, path: str, body: Any, key: dict[str, str] | None = None) -> Any:
    return served.client.post(f"/v1{path}", json=body, headers=served.operator if key is None else key)


def events(answer: Any) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def without_decisions(choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was written: each time it is written is a decision of its own."""
    return [{name: value for name, value in each.items() if name != "decision"} for each in choices]


def test_without_a_model_it_says_so(served: Any) -> None:
    for path, body in (("/completions", PROMPT), ("/chat/completions", CHAT)):
        answer = ask(served, path, body)
        assert answer.status_code == 503
        assert "myna train" in answer.json()["error"]["message"]
    assert ask(served, "/embeddings", {"model": "myna", "input": "a"}).status_code == 503
    assert served.client.get("/v1/models", headers=served.operator).json()["data"] == []


def test_it_needs_a_key_for_answering(served: Any) -> None:
    for key, status, kind in (
        ({}, 401, "authentication_error"),
        ({"Authorization": "Bearer sk-other"}, 401, "authentication_error"),
        (served.searcher, 403, "permission_error"),
    ):
        answer = ask(served, "/completions", PROMPT, key)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": 9}, "temperature"),
        ({"n": 0}, "n"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"frequency_penalty": 1.5}, "frequency_penalty"),
        ({"lang": "<|pad|>"}, "lang"),
        ({"reaction": 5}, "reaction"),
        ({"topic": ""}, "topic"),
        ({"register": -1}, "register"),
        ({"prompt": [1, "two", 3]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_by_name(served: Any, wrong: dict[str, Any], param: str) -> None:
    answer = ask(served, "/completions", {**PROMPT, **wrong})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param


def test_tools_and_pictures_are_refused(served: Any) -> None:
    for more in ({"tools": []}, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}):
        assert ask(served, "/chat/completions", {**CHAT, **more}).status_code == 400


def test_an_unknown_model_is_told(trained: Any) -> None:
    answer = ask(trained, "/completions", {**PROMPT, "model": "gpt-4"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert trained.client.get("/v1/models/gpt-4", headers=trained.operator).status_code == 404
    names = [each["id"] for each in trained.client.get("/v1/models", headers=trained.operator).json()["data"]]
    assert names == ["myna", trained.myna.language.version]


def test_the_same_seed_writes_the_same_text_streamed_or_not(trained: Any) -> None:
    for path, body in (("/completions", PROMPT), ("/chat/completions", CHAT)):
        first, second = ask(trained, path, body).json(), ask(trained, path, body).json()
        assert without_decisions(first["choices"]) == without_decisions(second["choices"])
        parts = events(ask(trained, path, {**body, "stream": True, "stream_options": {"include_usage": True}}))
        pieces = [each["choices"][0] for each in parts if each["choices"]]
        if path == "/completions":
            streamed, whole = "".join(each["text"] for each in pieces), first["choices"][0]["text"]
        else:
            assert pieces[0]["delta"]["role"] == "assistant"
            streamed = "".join(each["delta"].get("content", "") for each in pieces).strip()
            whole = first["choices"][0]["message"]["content"]
        assert streamed == whole
        assert pieces[-1]["finish_reason"] == first["choices"][0]["finish_reason"]
        assert parts[-1]["usage"] == first["usage"]
        assert first["usage"]["total_tokens"] == first["usage"]["prompt_tokens"] + first["usage"]["completion_tokens"]


def test_n_prompts_and_stop_are_obeyed(trained: Any) -> None:
    body = {**PROMPT, "prompt": ["The bridge", "Rain"], "n": 2, "echo": True}
    choices = ask(trained, "/completions", body).json()["choices"]
    assert [each["index"] for each in choices] == [0, 1, 2, 3]
    assert [each["text"].startswith(p) for each, p in zip(choices, ("The bridge",) * 2 + ("Rain",) * 2, strict=True)]
    whole = ask(trained, "/completions", {**PROMPT, "max_tokens": 30}).json()["choices"][0]["text"]
    letter = next(c for c in whole if c.isalpha())
    cut = ask(trained, "/completions", {**PROMPT, "max_tokens": 30, "stop": letter}).json()["choices"][0]
    expected = {"text": whole[: whole.index(letter)], "index": 0, "logprobs": None, "finish_reason": "stop"}
    assert without_decisions([cut]) == [expected]


def test_embeddings_are_the_same_as_numbers_and_as_base64(trained: Any) -> None:
    body = {"model": "myna", "input": ["The bridge is open", "Rain"]}
    numbers = ask(trained, "/embeddings", body).json()
    packed = ask(trained, "/embeddings", {**body, "encoding_format": "base64"}).json()
    for one, other in zip(numbers["data"], packed["data"], strict=True):
        decoded = np.frombuffer(base64.b64decode(other["embedding"]), "<f4")
        assert np.allclose(one["embedding"], decoded)
        assert abs(float(np.linalg.norm(decoded)) - 1) < 1e-3
    assert numbers["usage"]["prompt_tokens"] > 0


def test_a_conversation_is_a_thread_of_posts_each_answering_the_one_before() -> None:
    from myna.api.openai.routes import thread_of
    from myna.api.openai.shapes import Message, TextPart

    messages = [
        Message(role="system", content="  "),
        Message(role="user", content="Is the bridge open?"),
        Message(
            role="assistant", content=[TextPart(type="text", text="Since "), TextPart(type="text", text="Monday.")]
        ),
        Message(role="user", content="Who says so?"),
    ]
    assert thread_of(messages) == ("Is the bridge open?", "Since Monday.", "Who says so?")


def test_what_is_asked_at_the_same_time_is_written_side_by_side_and_comes_out_the_same(trained: Any) -> None:
    bodies = [{**PROMPT, "max_tokens": 40, "seed": seed, "temperature": 1.2} for seed in range(12)]
    alone = [without_decisions(ask(trained, "/completions", body).json()["choices"]) for body in bodies]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda body: ask(trained, "/completions", body).json()["choices"], bodies))
        together = [without_decisions(choices) for choices in answers]
    assert together == alone
    many = without_decisions(ask(trained, "/completions", {**bodies[0], "n": 3}).json()["choices"])
    assert [each["text"] for each in many] == [each[0]["text"] for each in alone[:3]]
    assert not trained.myna.language.busy


def test_a_prompt_counts_once_however_many_texts_go_on_from_it(trained: Any) -> None:
    one, three = (ask(trained, "/completions", {**PROMPT, "n": n}).json()["usage"]["prompt_tokens"] for n in (1, 3))
    assert one == three == 1 + trained.myna.language.count_tokens(PROMPT["prompt"])


def test_each_text_carries_its_decision_which_tells_whom_it_was_for(trained: Any) -> None:
    for path, body in (("/completions", PROMPT), ("/chat/completions", CHAT)):
        choices = ask(trained, path, {**body, "n": 2}, trained.lan).json()["choices"]
        assert len({choice["decision"] for choice in choices}) == 2
        for number, choice in enumerate(choices):
            told = trained.get(f"/decisions/{choice['decision']}", trained.lan).json()
            assert (told["kind"], told["actor"]) == ("generate", trained.myna.people(1)[0].id)
            assert told["reasons"][0]["values"]["seed"] == 3 + number
        streamed = {event["choices"][0]["decision"] for event in events(ask(trained, path, {**body, "stream": True}))}
        assert len(streamed) == 1
        replayed = trained.get(f"/decisions/{streamed.pop()}/replay", trained.operator)
        assert replayed.status_code == 409
        assert "not replayed" in replayed.json()["detail"]


def test_a_control_the_model_knows_changes_what_is_written_and_one_it_does_not_is_refused(trained: Any) -> None:
    known = trained.myna.language.knows(lang="en")
    assert known, "the simulated network writes English"
    for path, body in (("/completions", PROMPT), ("/chat/completions", CHAT)):
        plain, asked = (ask(trained, path, {**body, **more}).json() for more in ({}, {"lang": "en"}))
        assert asked["usage"]["prompt_tokens"] == plain["usage"]["prompt_tokens"] + 1
        again = ask(trained, path, {**body, "lang": "en"}).json()
        without = [[{**choice, "decision": ""} for choice in found["choices"]] for found in (again, asked)]
        assert without[0] == without[1]
        refused = ask(trained, path, {**body, "lang": "xx"})
        assert refused.status_code == 400
        assert "it knows" in refused.json()["error"]["message"]
        refused = ask(trained, path, {**body, "topic": "no|such topic"})
        assert refused.status_code == 400
        assert "cannot be asked for topic" in refused.json()["error"]["message"]
    assert ask(trained, "/completions", {**PROMPT, "prompt": [0], "lang": "en"}).status_code == 400
