"""Open weights of others, in the Hugging Face layout, as what a training run starts from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from myna.model.checkpoint import load_model
from myna.model.config import Shape
from myna.model.transformer import Transformer
from myna.network import Problem

_CONTEXT = 2048
"""Positions kept at most: posts and threads are shorter, and whoever writes sets memory for all of them aside."""
_BLOCK = 1 << 24


def open_shape(directory: Path, tokens: int) -> Shape:
    """The shape that a run makes of the model in a folder. tokens: ids its vocabulary must have rows for, at least.

    Raises Problem for a folder without a model, or with one of a kind that is not run.
    """
    if not directory.is_dir():
        raise Problem(f"There is no folder {directory}. --init takes the folder of a model, as transformers saves it.")
    shape = Shape.from_hugging_face(directory / "config.json")
    if not _weights(directory):
        raise Problem(f"There are no weights in {directory}: no model.safetensors, and no part of one.")
    return replace(shape, context=min(shape.context, _CONTEXT), vocabulary=max(shape.vocabulary, tokens))


def open_model(directory: Path, tokens: int, added: Mapping[int, Sequence[int]]) -> Transformer:
    """The model in a folder, with rows for `tokens` ids. added: by the id of a token that was added, those its name is
    spelt with; its row starts as the mean of theirs, which the model knows something about."""
    model = load_model(directory)
    shape = open_shape(directory, tokens)
    tables: list[nn.Embedding | nn.Linear] = [model.model.embed_tokens]
    if not shape.tied:
        tables.append(model.lm_head)
    with torch.no_grad():
        for table in tables:
            rows = table.weight.new_zeros(shape.vocabulary, shape.width)
            rows[: len(table.weight)] = table.weight
            for id, spelt in added.items():
                rows[id] = table.weight[list(spelt)].mean(0)
            table.weight = nn.Parameter(rows)
    if shape.tied:
        model.lm_head.weight = model.model.embed_tokens.weight
    model.shape = model.model.shape = shape
    return model


def fingerprint(directory: Path) -> str:
    """A hash of all that decides what a run makes of a folder: configuration, weights and tokens."""
    digest = hashlib.sha256()
    for path in (directory / "config.json", directory / "tokenizer.json", *_weights(directory)):
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()[:16]


def _weights(directory: Path) -> list[Path]:
    return sorted(directory.glob("model*.safetensors"))
