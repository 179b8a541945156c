"""The transformer: its shape, weights on disk, writing and embedding.

    engine = Engine(Decoder.load(directory, len(tokenizer)))
    "".join(write(engine, tokenizer, "Good morning", Sampling(seed=1)))     # many threads at once; without torch
    Embedder.load(directory, tokenizer, clean)(["Good morning"])     # (1, 256) float32, unit length; without torch

What needs torch is imported when it is first asked for: writing, embedding and counting tokens do without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from myna.model.config import Shape, shape_of
from myna.model.decoder import Decoder, read_weights
from myna.model.embedding import DIMENSIONS, PREFIXES, Embedder
from myna.model.engine import Engine
from myna.model.export import export_gguf, export_model
from myna.model.types import Pieces, Sampler, Sampling
from myna.model.writing import Writing, prompt_ids, write

if TYPE_CHECKING:
    from myna.model.checkpoint import load_model, save_model
    from myna.model.contrast import fit_embedder
    from myna.model.opening import fingerprint, open_model, open_shape
    from myna.model.sampling import Alone, sample
    from myna.model.transformer import Cache, Transformer, attend, document_mask, new_model

_WITH_TORCH = {
    "load_model": "checkpoint",
    "save_model": "checkpoint",
    "fit_embedder": "contrast",
    "fingerprint": "opening",
    "open_model": "opening",
    "open_shape": "opening",
    "Alone": "sampling",
    "sample": "sampling",
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
    "Alone",
    "Cache",
    "Decoder",
    "Embedder",
    "Engine",
    "Pieces",
    "Sampler",
    "Sampling",
    "Shape",
    "Transformer",
    "Writing",
    "attend",
    "document_mask",
    "export_gguf",
    "export_model",
    "fingerprint",
    "fit_embedder",
    "load_model",
    "new_model",
    "open_model",
    "open_shape",
    "prompt_ids",
    "read_weights",
    "sample",
    "save_model",
    "shape_of",
    "write",
]
