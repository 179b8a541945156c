"""The commands as a person calls them: a process of their own, words on one stream, notes on the other."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from myna.app.language import allocator_environment
from myna.search.index import Index


def myna(*arguments: object, home: Path | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **({"MYNA_HOME": str(home)} if home else {})}
    done = subprocess.run(
        [sys.executable, "-m", "myna", *map(str, arguments)], env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == code, done.stderr
    return done


def answered(*arguments: object, home: Path | None = None) -> Any:
    return json.loads(myna(*arguments, "--json", home=home).stdout)


def test_every_command_explains_itself() -> None:
    listed = myna("--help").stdout
    for command in (
        "demo import train serve generate chat export search ask feed why world rebuild backup restore doctor bench "
        "eval ads draft plan corpus"
    ).split():
        assert command in listed


def test_a_world_written_twice_is_the_same_and_can_be_imported(tmp_path: Path) -> None:
    for name in ("a", "b"):
        answered("world", "--people", 30, "--posts", 300, "--seed", 5, "--out", tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    found = answered("import", tmp_path / "a", home=tmp_path / "home")
    assert sum(file["new"] for file in found["files"] if file["role"] == "posts") > 200
    again = answered("import", tmp_path / "a", home=tmp_path / "home")
    assert sum(file["new"] for file in again["files"]) == 0


def test_one_talks_with_the_model_and_takes_it_elsewhere(small_home: Path, tmp_path: Path) -> None:
    env = {**os.environ, "MYNA_HOME": str(small_home)}

    def chat(said: str, *options: str) -> str:
        command = [sys.executable, "-m", "myna", "chat", "--tokens", "12", "--seed", "4", *options]
        return subprocess.run(
            command, env=env, input=said, capture_output=True, text=True, timeout=300, check=True
        ).stdout

    once = chat("What is new?\n")
    assert once.strip()
    assert chat("What is new?\n\nAnd where?\n/quit\nnever read\n").startswith(once)
    messages = json.dumps({"messages": [{"role": "user", "content": "What is new?"}]})
    answer = json.loads(chat(messages, "--json"))
    again = json.loads(chat("What is new?", "--json"))
    assert again.pop("decision") != answer.pop("decision")
    assert answer == again
    assert answer["message"]["role"] == "assistant" and answer["usage"]["completion_tokens"] <= 12
    files = answered("export", tmp_path / "out", "--gguf", home=small_home)["files"]
    assert {"config.json", "model.safetensors", "tokenizer.json"} < set(files)
    assert any(name.endswith(".gguf") for name in files)
    assert "there already" in myna("export", tmp_path / "out", home=small_home, code=2).stderr


def test_everything_that_answers_answers_in_json(small_home: Path) -> None:
    found = answered("search", "bridge", "--limit", 3, home=small_home)
    assert found["hits"] and found["decision"]
    person = answered("feed", found["hits"][0]["post"]["author_id"], home=small_home)
    assert person["items"]
    why = answered("why", person["decision"], "--replay", home=small_home)
    assert why["replay"]["same"] is True
    assert answered("ask", "When does the bridge reopen?", home=small_home)["decision"]
    assert answered("generate", "The", "--tokens", 8, "--seed", 1, home=small_home)["text"]
    assert answered("generate", "--lang", "en", "--tokens", 8, "--seed", 1, home=small_home)["text"]
    assert "cannot be asked for lang 'xx'" in myna("generate", "--lang", "xx", home=small_home, code=2).stderr
    checks = answered("doctor", home=small_home)
    assert all(check["ok"] for check in checks)
    author = person["items"][0]["post"]["author_id"]
    assert 0 <= answered("draft", "check", "Good morning", "--as", author, home=small_home)["probability"] <= 1
    draft = answered("draft", "hold", "Later", "--as", author, home=small_home)
    assert [held["id"] for held in answered("draft", "list", "--as", author, home=small_home)] == [draft["id"]]
    assert answered("draft", "post", draft["id"], "--as", author, home=small_home)["text"] == "Later"
    campaigns = answered("ads", "list", home=small_home)
    assert campaigns
    assert answered("ads", "report", campaigns[0]["id"], home=small_home)["campaign"]["id"] == campaigns[0]["id"]
    assert answered("plan", "--gpus", 64, "--gpu", "h100", "--gpu-days", 64)["gpus"] == 64
    key = answered("key", "make", "test", "--purpose", "search", home=small_home)
    assert key["secret"].startswith("myna_")
    assert [k["id"] for k in answered("key", "list", home=small_home)] == [key["id"]]


def test_a_deletion_reaches_the_copies_where_no_server_runs(tmp_path: Path) -> None:
    posts = [{"post_id": str(n), "author_id": "1", "text": f"the bridge number {n}"} for n in range(20)]
    (tmp_path / "net.jsonl").write_text("\n".join(json.dumps(post) for post in posts))
    home = tmp_path / "home"
    answered("import", tmp_path / "net.jsonl", home=home)
    assert answered("search", "bridge", home=home)["total"] == 20
    answered("delete", "net:7", home=home)
    index = Index(home / "search")
    index.refresh()
    assert (index.frequency("id", "net:7"), index.frequency("words", "7")) == (0, 0)
    assert index.frequency("words", "bridge") == 19


def test_a_port_of_links_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "net.jsonl").write_text('{"post_id": "1", "author_id": "1", "text": "the bridge"}')
    home = tmp_path / "home"
    answered("import", tmp_path / "net.jsonl", home=home)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = myna("serve", "--port", 0, "--links-port", port, home=home, code=2).stderr
    assert f"Port {port}" in told.replace("\n", " ") and "Traceback" not in told


def test_a_backup_restores_to_a_network_that_is_well(small_home: Path, tmp_path: Path) -> None:
    answered("backup", tmp_path / "b.zip", home=small_home)
    answered("restore", tmp_path / "b.zip", home=tmp_path / "new")
    answered("rebuild", home=tmp_path / "new")
    old, new = (answered("doctor", home=home) for home in (small_home, tmp_path / "new"))
    facts = [check["note"] for check in old if check["what"] in ("facts", "index")]
    assert facts == [check["note"] for check in new if check["what"] in ("facts", "index")]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("search", "x"), "There is no network"),
        (("import", "nowhere.jsonl"), "nowhere.jsonl"),
        (("demo", "--from", "nowhere"), "There is nothing at"),
        (("plan", "--gpus", "8", "--gpu", "abacus"), "h100"),
        (("bench", "nothing"), "There is no benchmark"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence_not_a_trace(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = myna(*arguments, home=tmp_path / "none", code=2)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="processes tell their environment in /proc on Linux only")
def test_training_sets_what_it_wants_of_the_allocator_by_itself(small_home: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "myna",
        "train",
        "--what",
        "language",
        "--minutes",
        "0.1",
        "--home",
        str(small_home),
    ]
    environment = {name: value for name, value in os.environ.items() if name not in allocator_environment()}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        told = b""
        while process.poll() is None and b"THP_MEM_ALLOC_ENABLE=1" not in told:
            told = Path(f"/proc/{process.pid}/environ").read_bytes()
            time.sleep(0.05)
        process.kill()
    assert b"MALLOC_MMAP_MAX_=0" in told
