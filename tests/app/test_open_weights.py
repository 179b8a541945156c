"""Going on from open weights: a small Qwen3 that transformers saved, with a tokenizer that `tokenizers` trained."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from myna.app.language import Language
from myna.corpus import Corpus, OpenTokenizer, clean
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.model import fingerprint, load_model, open_model
from myna.network import Person, Post, Problem
from myna.network.store import Store
from myna.training import Dial

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")
gguf = pytest.importorskip("gguf")

_DIAL = Dial(tokens=40_000, rate=20.0, context=64, batch=8)
_SUBJECTS = ("the tram", "our library", "a gardener", "the old bridge", "my neighbour")
_VERBS = ("needs", "likes", "repairs", "has lost", "talks about")


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_THREADS", "1")
    # A budget of tokens has no end in time, and compiling is tried for such runs.
    monkeypatch.setenv("MYNA_COMPILE", "0")


def _texts(posts: int) -> list[str]:
    return [f"{_SUBJECTS[n % 5]} {_VERBS[n // 5 % 5]} thing {n} in the town today" for n in range(posts)]


def _network(home: Path, posts: int = 300) -> Language:
    home.mkdir(exist_ok=True)
    store = Store(f"sqlite:///{home / 'myna.db'}")
    store.append([Person("home:a", "a")])
    store.append(
        [
            Post(f"home:{n}", "home:a", 1000 + n, text, "en", f"home:{n - 1}" if n % 5 == 4 else "")
            for n, text in enumerate(_texts(posts))
        ]
    )
    return Language(home, Reader(store), DecisionLog(store))


def _open_model(folder: Path, spare: int = 40, sharded: bool = False) -> Path:
    """Random bf16 weights in the layout of a published Qwen3, with a vocabulary of its own."""
    folder.mkdir()
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.normalizer = tokenizers.normalizers.NFC()
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    theirs.train_from_iterator(_texts(200), trainer)
    theirs.save(str(folder / "tokenizer.json"))
    settings = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "tokenizer_class": "Qwen2Tokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    config = transformers.Qwen3Config(
        vocab_size=theirs.get_vocab_size() + spare,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=4096,
        rope_theta=1_000_000.0,
        tie_word_embeddings=True,
        eos_token_id=theirs.token_to_id("<|im_end|>"),
    )
    model = transformers.Qwen3ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="100KB" if sharded else "1GB")
    return folder


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _open_model(tmp_path_factory.mktemp("open") / "qwen", sharded=True)


def _points(language: Language) -> list[dict[str, Any]]:
    return [point for point in language.curve() if "loss" in point]


def _weights(language: Language) -> bytes:
    return (language.folder(language.version) / "model.safetensors").read_bytes()


def test_their_tokens_keep_their_ids_and_the_joints_between_posts_come_after_them(theirs: Path, tmp_path: Path) -> None:
    original = tokenizers.Tokenizer.from_file(str(theirs / "tokenizer.json"))
    adopted = OpenTokenizer.adopt(theirs)
    text = "the tram repairs Đường phố 🦜\nnew line"
    assert adopted.encode(text) == original.encode(text).ids
    assert adopted.decode(adopted.encode(text)) == text
    assert adopted.end == original.token_to_id("<|im_end|>")
    assert adopted.pad == original.token_to_id("<|endoftext|>")
    assert min(adopted.added) == original.get_vocab_size() and len(adopted) == original.get_vocab_size() + 6
    adopted.save(tmp_path)
    again = OpenTokenizer.load(tmp_path)
    assert again.encode(text) == adopted.encode(text) and again.special == adopted.special
    assert again.added == adopted.added


def test_a_placeholder_is_one_token_and_a_special_token_that_somebody_wrote_is_text(theirs: Path) -> None:
    adopted = OpenTokenizer.adopt(theirs)
    assert adopted.encode(clean("@lan")) == [adopted.special["<|user|>"]]
    written = adopted.encode("<|im_end|> <|reply|>")
    assert not {adopted.end, adopted.reply} & set(written)
    assert adopted.decode(written) == "<|im_end|> <|reply|>"


def test_without_the_package_it_is_said_what_to_install(theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(Problem, match=r"pip install 'myna\[open\]'"):
        OpenTokenizer.adopt(theirs)


def test_where_their_pad_ends_texts_too_another_is_added(theirs: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(theirs, tmp_path / "same"))
    settings = {"eos_token": {"content": "<|endoftext|>"}, "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    adopted = OpenTokenizer.adopt(folder)
    assert adopted.pad != adopted.end and adopted.pad in adopted.added


def test_the_table_grows_where_it_has_no_rows_to_spare(tmp_path: Path) -> None:
    folder = _open_model(tmp_path / "full", spare=0)
    adopted, before = OpenTokenizer.adopt(folder), load_model(folder)
    model = open_model(folder, len(adopted), adopted.added)
    rows, old = model.model.embed_tokens.weight, before.model.embed_tokens.weight
    assert len(rows) == len(adopted) == len(old) + 6
    assert torch.equal(rows[: len(old)], old)
    assert torch.allclose(rows[adopted.reply], old[adopted.encode("reply")].mean(0))


def test_a_run_from_open_weights_learns_and_is_published_as_any_other(theirs: Path, tmp_path: Path) -> None:
    language = _network(tmp_path / "home")
    before = fingerprint(theirs)
    about = language.train(_DIAL, init=theirs)
    assert fingerprint(theirs) == before, "what somebody else published was changed"
    points = _points(language)
    assert points[-1]["loss"] < points[0]["loss"] - 1
    assert about["bits_per_byte"] and language.about()["init"]["hash"] == before
    text = "".join(language.generate("the tram", max_tokens=12, seed=1))
    assert text and "\ufffd" not in text
    vectors = language.embed(["the tram needs", "our library"])
    assert vectors.shape == (2, 256) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    corpus = Corpus(tmp_path / "home" / "corpus" / language.about()["corpus"]["hash"])
    assert corpus.tokenizer.encode("the tram") == OpenTokenizer.adopt(theirs).encode("the tram")


def test_what_it_exports_writes_the_same_in_transformers(theirs: Path, tmp_path: Path) -> None:
    language = _network(tmp_path / "home", 150)
    language.train(Dial(tokens=10_000, context=64, batch=8), init=theirs)
    *_, packed = language.export(tmp_path / "out", gguf=True)
    tokens = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    said = [{"role": "user", "content": "the tram needs"}]
    ids = tokens.apply_chat_template(said, return_tensors="pt", return_dict=True)["input_ids"]
    ours = OpenTokenizer.load(language.folder(language.version))
    assert ids[0].tolist() == [ours.end, *ours.encode("the tram needs"), ours.reply]
    listed = gguf.GGUFReader(packed).fields["tokenizer.ggml.tokens"].contents()
    assert listed == tokens.convert_ids_to_tokens(range(len(ours)))
    mine = load_model(language.folder(language.version))
    with torch.no_grad():
        assert torch.allclose(mine(ids)[..., : len(ours)], model(ids).logits, atol=1e-4)


def test_a_vocabulary_beyond_sixteen_bits_is_kept_whole(theirs: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(theirs, tmp_path / "wide"))
    document = json.loads((folder / "tokenizer.json").read_text())
    # A token far up, as in vocabularies of a hundred thousand and more.
    document["model"]["vocab"]["thing"] = 70_000
    (folder / "tokenizer.json").write_text(json.dumps(document))
    language = _network(tmp_path / "home", 60)
    language.train(Dial(tokens=2_000, context=64, batch=4), init=folder)
    corpus = Corpus(tmp_path / "home" / "corpus" / language.about()["corpus"]["hash"])
    assert corpus.tokens.dtype == np.uint32 and len(corpus.tokenizer) > 70_000
    assert "the tram" in next(text for _, text, _ in corpus.said(0, 1))


def test_adapters_change_the_layers_by_their_rank_and_nothing_else(theirs: Path, tmp_path: Path) -> None:
    language = _network(tmp_path / "home")
    language.train(_DIAL, init=theirs, lora=4)
    points = _points(language)
    assert points[-1]["loss"] < points[0]["loss"] - 0.3
    adopted = OpenTokenizer.adopt(theirs)
    base = open_model(theirs, len(adopted), adopted.added).state_dict()
    learned = load_model(language.folder(language.version)).state_dict()
    assert base.keys() == learned.keys()
    for name, weight in base.items():
        if "_proj" in name:
            assert torch.linalg.matrix_rank(learned[name] - weight, atol=1e-4) in range(1, 5), name
        else:
            assert torch.equal(learned[name], weight), name
    assert "".join(language.generate("the tram", max_tokens=8, seed=1))


def test_where_memory_is_short_adapters_are_chosen_and_it_is_said(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myna.training.available_memory", lambda device: 1e6)
    language, told = _network(tmp_path / "home", 60), list[dict[str, Any]]()
    language.train(Dial(tokens=2_000, context=64, batch=4), tell=told.append, init=theirs)
    assert language.about()["rank"] == 16
    assert any("more than 60 %" in point.get("note", "") for point in told)


@pytest.mark.parametrize("rank", [0, 4])
def test_killed_and_begun_again_it_ends_in_the_bits_of_a_run_of_its_manifest(
    theirs: Path, tmp_path: Path, rank: int
) -> None:
    whole, killed = _network(tmp_path / "whole"), _network(tmp_path / "killed")
    _kill_and_go_on(killed, tmp_path / "killed", theirs, rank)
    # The machine is timed for each run's plan; that of the manifest is taken as it is.
    whole.train(_DIAL, manifest=killed.folder(killed.version) / "manifest.json")
    assert _weights(whole) == _weights(killed)


def _kill_and_go_on(language: Language, home: Path, theirs: Path, rank: int) -> None:
    """A run in a process that dies without a word in its middle, gone on with here."""
    program = (
        "import os, sys; from pathlib import Path; from myna.app.language import Language;"
        "from myna.gate import Reader;"
        "from myna.decisions import DecisionLog; from myna.network.store import Store; from myna.training import Dial;"
        "home, init, dial = Path(sys.argv[1]), Path(sys.argv[2]), Dial(**eval(sys.argv[3]));"
        "store = Store(f'sqlite:///{home / \"myna.db\"}');"
        "dies = lambda point: os._exit(9) if point.get('step', 0) > 40 else None;"
        "Language(home, Reader(store), DecisionLog(store)).train(dial, tell=dies, init=init, lora=int(sys.argv[4]))"
    )
    run = [sys.executable, "-c", program, str(home), str(theirs), repr(_DIAL.to_dict()), str(rank)]
    assert subprocess.run(run, timeout=200).returncode == 9
    assert list((home / "models" / "language" / "run" / "checkpoints").glob("*.pt"))
    language.train(_DIAL, init=theirs, lora=rank)


def _without(theirs: Path, folder: Path, name: str) -> Path:
    shutil.copytree(theirs, folder)
    for path in folder.glob(name):
        path.unlink()
    return folder


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("config.json", "config.json cannot be read"),
        ("tokenizer.json", "no tokenizer.json"),
        ("*.safetensors*", "no weights"),
    ],
)
def test_a_folder_that_lacks_something_is_refused_with_what_it_lacks(
    theirs: Path, tmp_path: Path, missing: str, told: str
) -> None:
    language = _network(tmp_path / "home", 10)
    with pytest.raises(Problem, match=told):
        language.train(_DIAL, init=_without(theirs, tmp_path / "part", missing))


def test_what_is_no_folder_or_no_qwen3_or_has_other_tokens_is_refused(theirs: Path, tmp_path: Path) -> None:
    language = _network(tmp_path / "home", 10)
    with pytest.raises(Problem, match="no folder"):
        language.train(_DIAL, init=tmp_path / "nowhere")
    other = Path(shutil.copytree(theirs, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    with pytest.raises(Problem, match="'llama' model of a kind Myna does not run"):
        language.train(_DIAL, init=other)
    words = Path(shutil.copytree(theirs, tmp_path / "words"))
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, "a")).save(str(words / "tokenizer.json"))
    with pytest.raises(Problem, match="no byte-level BPE"):
        language.train(_DIAL, init=words)
