"""Training on a folder of documents, and the command that writes one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from myna.app.language import Language
from myna.corpus import export_corpus, folder_hash
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.network import Deletion, Person, Post, Problem
from myna.network.store import Store
from myna.training import Dial

_DIAL = Dial(tokens=4000, width=32, layers=1, context=32, batch=4)
_WORDS = "rope lamp moss clay fern salt wool tin oak bell corn silk sand glue jar hook nail pear cup door".split()


def _network(home: Path, posts: int = 300) -> tuple[Store, Language]:
    home.mkdir(exist_ok=True)
    store = Store(f"sqlite:///{home / 'myna.db'}")
    store.append([Person("home:a", "a")])
    texts = [" ".join(np.random.default_rng(n).choice(_WORDS, 9)) for n in range(posts)]
    store.append([Post(f"home:{n}", "home:a", 1000 + n, text, "en") for n, text in enumerate(texts)])
    return store, Language(home, Reader(store), DecisionLog(store))


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_THREADS", "1")


def _weights(language: Language) -> bytes:
    return (language.folder(language.version) / "model.safetensors").read_bytes()


def _manifest(language: Language) -> Any:
    return json.loads((language.folder(language.version) / "manifest.json").read_text())


def test_a_run_on_a_folder_is_that_on_the_network_and_its_manifest_gives_it_again(tmp_path: Path) -> None:
    store, language = _network(tmp_path / "home")
    language.train(_DIAL)
    own, hash = _weights(language), _manifest(language)["corpus"]["hash"]
    out = tmp_path / "out"
    export_corpus(Reader(store), out)
    language.train(_DIAL, folder=out)
    manifest = _manifest(language)
    assert manifest["folder"] == {"path": str(out), "hash": folder_hash(out)}
    assert manifest["corpus"]["hash"] == hash and _weights(language) == own
    path = language.folder(language.version) / "manifest.json"
    language.train(_DIAL, manifest=path)
    assert _weights(language) == own
    (out / "documents-00000.parquet").rename(out / "documents-00001.parquet")
    with pytest.raises(Problem, match="other documents than the run of the manifest"):
        language.train(_DIAL, manifest=path)


def test_a_post_deleted_after_the_export_is_not_learned(tmp_path: Path) -> None:
    store, language = _network(tmp_path / "home")
    export_corpus(Reader(store), tmp_path / "out")
    store.append([Deletion("home:7", "post", 9)])
    assert language.train(_DIAL, folder=tmp_path / "out")["documents"] == 299


def test_a_folder_that_another_pipeline_has_filtered_is_trained_on(tmp_path: Path) -> None:
    store, language = _network(tmp_path / "home")
    export_corpus(Reader(store), tmp_path / "out")
    (tmp_path / "less").mkdir()
    table = pl.read_parquet(tmp_path / "out" / "documents-00000.parquet").filter(pl.col("text").str.contains("rope"))
    table.write_parquet(tmp_path / "less" / "with-rope.parquet")
    assert language.train(_DIAL, folder=tmp_path / "less")["documents"] == len(table) < 300


def test_no_run_is_lost_for_a_folder_that_is_none(tmp_path: Path) -> None:
    _, language = _network(tmp_path / "home")
    (tmp_path / "home" / "models" / "language" / "run").mkdir(parents=True)
    with pytest.raises(Problem, match="no Parquet files in"):
        language.train(_DIAL, folder=tmp_path / "nowhere")
    assert (tmp_path / "home" / "models" / "language" / "run").is_dir()


def test_the_commands_export_and_train_on_a_folder(tmp_path: Path) -> None:
    _network(tmp_path / "home")
    env = {**os.environ, "MYNA_HOME": str(tmp_path / "home")}

    def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "myna", *map(str, arguments)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stderr
        return done

    found = json.loads(run("corpus", "export", tmp_path / "out", "--json").stdout)
    assert found["documents"] == 300 and found["hash"] == folder_hash(tmp_path / "out")
    assert json.loads(run("corpus", "export", tmp_path / "posts", "--posts", "--json").stdout)["posts"] == 300
    size = ("--tokens", 2000, "--width", 32, "--layers", 1, "--context", 32, "--batch", 4)
    assert "300 posts" in run("train", "--corpus", tmp_path / "out", *size).stdout
    assert "holds posts, not documents" in run("train", "--corpus", tmp_path / "posts", *size, code=2).stderr


def test_the_command_makes_documents_of_posts_in_several_processes(tmp_path: Path) -> None:
    pytest.importorskip("datatrove")
    store, _ = _network(tmp_path / "home")
    export_corpus(Reader(store), tmp_path / "posts", posts=True)
    command = [sys.executable, "-m", "myna", "corpus", "make", tmp_path / "posts", tmp_path / "out", "--tasks", "2"]
    done = subprocess.run([*map(str, command), "--workers", "2", "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["documents"] == 300
    again = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300)
    assert again.returncode == 2 and "is there already" in again.stderr
