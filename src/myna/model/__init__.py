"""The transformer: its shape, weights on disk, writing and embedding.

    model = load_model(directory)
    "".join(write(model, tokenizer, "Good morning", seed=1))
    Embedder.load(directory, tokenizer, clean)(["Good morning"])     # (1, 256) float32, unit length; without torch

What needs torch is imported when it is first asked for: embedding and counting tokens do without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from myna.model.config import Shape, shape_of
from myna.model.embedding import DIMENSIONS, PREFIXES, Embedder

if TYPE_CHECKING:
    from myna.model.checkpoint import load_model, save_model
    from myna.model.contrast import fit_embedder
    from myna.model.sampling import sample, write
    from myna.model.transformer import Cache, Transformer, attend, document_mask, new_model

_WITH_TORCH = {
    "load_model": "checkpoint",
    "save_model": "checkpoint",
    "fit_embedder": "contrast",
    "sample": "sampling",
    "write": "sampling",
    "Cache": "transformer",
    "Transformer": "transformer",
    "attend": "transformer",
    "document_mask": "transformer",
    "new_model": "transformer",
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WITH_TORCH[name]}"), name)


__all__ = [
    "DIMENSIONS",
    "PREFIXES",
    "Cache",
    "Embedder",
    "Shape",
    "Transformer",
    "attend",
    "document_mask",
    "fit_embedder",
    "load_model",
    "new_model",
    "sample",
    "save_model",
    "shape_of",
    "write",
]
