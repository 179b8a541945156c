"""Models on disk in the Hugging Face layout: `config.json`, `generation_config.json`, `model.safetensors`."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from myna.model.config import Shape
from myna.model.transformer import Transformer
from myna.network import Problem


def save_model(model: Transformer, directory: Path, end: int, pad: int) -> None:
    """Writes weights (fp32) and configuration. end, pad: ids of those tokens."""
    weights = {name: tensor.detach().float().contiguous().cpu() for name, tensor in model.state_dict().items()}
    if model.shape.tied:
        del weights["lm_head.weight"]
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    generation: dict[str, object] = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": pad, "do_sample": True}
    generation |= {"temperature": 0.8, "top_p": 0.95}
    for name, content in (
        ("config.json", model.shape.to_hugging_face(end, pad)),
        ("generation_config.json", generation),
    ):
        (directory / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def load_model(directory: Path, device: str = "cpu") -> Transformer:
    """Reads a model that Myna or transformers wrote, sharded or not, in fp32. Raises Problem for one it cannot run."""
    shape = Shape.from_hugging_face(directory / "config.json")
    index = directory / "model.safetensors.index.json"
    if index.exists():
        files = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    else:
        files = ["model.safetensors"]
    weights: dict[str, torch.Tensor] = {}
    try:
        for name in files:
            weights |= load_file(directory / name)
    except (OSError, SafetensorError) as error:
        raise Problem(f"The model's weights in {directory} cannot be read: {error}. Train it again.") from error
    if shape.tied:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    with torch.device("meta"):
        model = Transformer(shape)
    try:
        model.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, assign=True)
    except RuntimeError as error:
        raise Problem(f"The weights in {directory} do not fit its config.json: {error}") from error
    if shape.tied:
        model.lm_head.weight = model.model.embed_tokens.weight
    return model.to(device).eval()
