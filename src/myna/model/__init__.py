"""The transformer: its shape, weights on disk, writing and embedding.

    model, tokenizer = load_model(directory), Tokenizer.load(directory)
    "".join(write(model, tokenizer, "Good morning", seed=1))
"""

from myna.model.checkpoint import load_model, save_model
from myna.model.config import Shape
from myna.model.sampling import sample, write
from myna.model.transformer import Cache, Transformer, attend, document_mask

__all__ = [
    "Cache",
    "Shape",
    "Transformer",
    "attend",
    "document_mask",
    "load_model",
    "sample",
    "save_model",
    "write",
]
