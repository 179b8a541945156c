import json
from pathlib import Path

import numpy as np
import pytest
import torch

from myna.corpus import Tokenizer, train_tokenizer
from myna.model import Decoder, Engine, Sampling, export_gguf, export_model, new_model, save_model, shape_of

_TEXTS = ["good morning to all of you", "see you tomorrow, 12 of you 😀"] * 5


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tokenizer]:
    """A version as training publishes it; its vocabulary is padded."""
    folder = tmp_path_factory.mktemp("version")
    tokenizer = train_tokenizer(_TEXTS, 300)
    model = new_model(shape_of(64, 2, len(tokenizer), 128), 3)
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    assert model.shape.vocabulary > len(tokenizer)
    save_model(model, folder, tokenizer.end, tokenizer.pad)
    tokenizer.save(folder)
    return folder, tokenizer


@pytest.fixture(scope="module")
def exported(published: tuple[Path, Tokenizer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export_model(published[0], folder, len(published[1]))
    return folder


def test_transformers_writes_what_we_write(published: tuple[Path, Tokenizer], exported: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(exported).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    assert model.config.vocab_size == len(tokenizer) == len(published[1])
    assert model.generation_config.eos_token_id == [published[1].end, published[1].reply]
    ids = tokenizer("<|endoftext|>good morning", return_tensors="pt")["input_ids"]
    assert ids[0].tolist() == [published[1].end, *published[1].encode("good morning")]
    theirs = model.generate(ids, max_new_tokens=64, do_sample=False)[0, ids.shape[1] :].tolist()
    engine = Engine(Decoder.load(published[0], len(published[1])))
    ours = list(engine(ids[0].tolist(), Sampling(64, 0.0), (published[1].end, published[1].reply)))
    assert len(ours) > 3
    assert [id for id in theirs if id not in (published[1].end, published[1].reply)] == ours


def test_the_chat_template_makes_the_thread_the_model_has_learned(
    published: tuple[Path, Tokenizer], exported: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    said = [("system", " "), ("user", "good morning"), ("assistant", " see you tomorrow\n"), ("user", "12 of you")]
    messages = [{"role": role, "content": text} for role, text in said]
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    ours = published[1]
    expected = [ours.end]
    for _, text in said[1:]:
        expected += [*ours.encode(text.strip()), ours.reply]
    assert list(ids) == expected


def test_a_gguf_file_holds_the_same_tensors_tokens_and_template(
    published: tuple[Path, Tokenizer], exported: Path, tmp_path: Path
) -> None:
    gguf = pytest.importorskip("gguf")
    from safetensors.numpy import load_file

    read = gguf.GGUFReader(export_gguf(exported, tmp_path / "myna.gguf"))
    field = {name: value.contents() for name, value in read.fields.items()}
    config = json.loads((exported / "config.json").read_text())
    assert field["general.architecture"] == "qwen3"
    assert field["qwen3.block_count"] == config["num_hidden_layers"]
    assert field["qwen3.attention.head_count_kv"] == config["num_key_value_heads"]
    assert field["qwen3.attention.key_length"] == config["head_dim"]
    assert field["qwen3.rope.freq_base"] == config["rope_parameters"]["rope_theta"]
    ours = published[1]
    assert len(field["tokenizer.ggml.tokens"]) == len(ours)
    assert field["tokenizer.ggml.tokens"][ours.reply] == "<|reply|>"
    assert (field["tokenizer.ggml.eos_token_id"], field["tokenizer.ggml.eot_token_id"]) == (ours.end, ours.reply)
    assert "<|reply|>" in field["tokenizer.chat_template"]
    weights = load_file(exported / "model.safetensors")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, config["num_hidden_layers"])
    held = {tensor.name: tensor for tensor in read.tensors}
    assert len(held) == len(weights)
    for name, tensor in weights.items():
        # gguf's own map says which name llama.cpp expects.
        found = held[f"{names.get_name(name.removesuffix('.weight'))}.weight"]
        assert np.array_equal(found.data.reshape(tensor.shape), tensor), name
