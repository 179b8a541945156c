"""A published model as other programs take it: a Hugging Face folder (transformers, vLLM), and GGUF (llama.cpp).

Nothing is converted: fp32 weights under the names they have, without the rows that only pad the vocabulary.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from myna.model.config import Shape
from myna.model.decoder import read_weights
from myna.network import Problem

_REPLY = "<|reply|>"
_CHAT = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['content'] | trim %}{{ message['content'] | trim }}" + _REPLY + "{% endif %}"
    "{% endfor %}"
)
"""A conversation as the model has learned threads: posts, each the answer to the one before, whoever wrote it."""
_PARTS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def export_model(source: Path, directory: Path, usable: int) -> list[Path]:
    """Writes the Hugging Face folder of a published version: usable rows of its vocabulary, a chat template that makes
    the thread it was trained on, and both tokens at which a post ends. Returns the files."""
    from safetensors.numpy import save_file

    weights = read_weights(source)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        if name in weights:
            weights[name] = np.ascontiguousarray(weights[name][:usable])
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    shutil.copyfile(source / "tokenizer.json", directory / "tokenizer.json")
    special = {token["content"]: token["id"] for token in _read(source / "tokenizer.json")["added_tokens"]}
    generation = _read(source / "generation_config.json")
    for name, content in (
        ("config.json", _read(source / "config.json") | {"vocab_size": usable}),
        ("generation_config.json", generation | {"eos_token_id": [generation["eos_token_id"], special[_REPLY]]}),
        ("tokenizer_config.json", _read(source / "tokenizer_config.json") | {"chat_template": _CHAT}),
    ):
        (directory / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    return sorted(directory.iterdir())


def export_gguf(source: Path, path: Path) -> Path:
    """Writes a folder that `export_model` wrote as one GGUF file of fp32 tensors.

    llama.cpp knows patterns for cutting text into words by name only. Ours is not among them; `qwen2` is the nearest:
    it cuts two digits apart, and combining marks from their letters. Raises Problem without the package `gguf`.
    """
    try:
        import gguf
    except ImportError as error:
        raise Problem("GGUF files need one more package: `pip install 'myna[gguf]'`.") from error
    shape = Shape.from_hugging_face(source / "config.json")
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name(path.stem)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    _add_tokenizer(writer, source, gguf.TokenType)
    for name, tensor in read_weights(source).items():
        writer.add_tensor(_gguf_name(name), tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: Any, source: Path, kinds: Any) -> None:
    document = _read(source / "tokenizer.json")
    added = sorted(document["added_tokens"], key=lambda token: token["id"])
    special = {token["content"]: token["id"] for token in added}
    # In an open model's file an added token may stand among the ordinary ones too, and an id may have none.
    tokens = {id: name for name, id in document["model"]["vocab"].items()}
    tokens |= {id: name for name, id in special.items()}
    settings = _read(source / "tokenizer_config.json")
    ends = (settings["bos_token"], settings["pad_token"], _REPLY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    places = range(max(tokens) + 1)
    writer.add_token_list([tokens.get(id, f"<|unused {id}|>") for id in places])
    # Those that end a text are never shown; placeholders of names and links are.
    shown = {id: kinds.CONTROL if name in ends else kinds.USER_DEFINED for name, id in special.items()}
    writer.add_token_types([shown.get(id, kinds.NORMAL if id in tokens else kinds.UNUSED) for id in places])
    writer.add_token_merges([" ".join(pair) for pair in document["model"]["merges"]])
    writer.add_bos_token_id(special[settings["bos_token"]])
    writer.add_eos_token_id(special[settings["eos_token"]])
    writer.add_eot_token_id(special[_REPLY])
    writer.add_pad_token_id(special[settings["pad_token"]])
    writer.add_add_bos_token(True)
    writer.add_chat_template(settings["chat_template"])


def _gguf_name(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem in _WHOLE:
        return f"{_WHOLE[stem]}.weight"
    layer, _, part = stem.removeprefix("model.layers.").partition(".")
    return f"blk.{layer}.{_PARTS[part]}.weight"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
