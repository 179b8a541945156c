"""The transformer again, written for inference on a CPU: NumPy only, many texts at once, one new token each.

It computes what `transformer.py` computes, which stays the file to read. What differs, and why:
- a step of a small model is a hundred small operations, and NumPy starts one in a third of PyTorch's time;
- the weights of a norm are folded into the matrix after it, q, k and v are one matrix, gate and up another;
- the columns of each head's q and k are interleaved, so that a rotation is one complex product. Scores do not change;
- keys and values lie in one block for all texts, at places 0 .. texts-1 without holes, so that a step takes views.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myna.model.config import Shape
from myna.network import Problem

Array = np.ndarray
_CHUNK = 256
"""Tokens of a prompt read at once: enough for full speed, and scores stay small."""
_SAFE_SCORE = 60.0
"""Scores below this can be exponentiated in fp32 as they are, without taking the largest off first."""
_ROOM = 1 << 30
"""Bytes for keys and values."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """qkv: (width, (heads + 2 kv_heads) * head_width); norms: (heads + kv_heads, head_width); mixed: (heads *
    head_width, width); inside: (width, 2 hidden), the gate negated; down: (hidden, width), negated in return."""

    qkv: Array
    norms: Array
    mixed: Array
    inside: Array
    down: Array


class Decoder:
    """A model and the texts it is writing. Used by one thread at a time.

    usable: ids below this are the tokenizer's. most: texts at once, fewer where they would not fit into memory.
    """

    def __init__(self, shape: Shape, weights: Mapping[str, Array], usable: int, most: int = 32) -> None:
        self.shape, self.usable = shape, usable
        size = 8 * shape.layers * shape.kv_heads * shape.context * shape.head_width
        self.most = max(min(most, _ROOM // size), 1)
        self.lengths = np.zeros(self.most, np.int64)
        self.texts = 0
        cache = (shape.layers, self.most, shape.kv_heads, shape.context, shape.head_width)
        self._keys, self._values = np.zeros(cache, np.float32), np.zeros(cache, np.float32)
        self._layers = [_fold(shape, weights, layer) for layer in range(shape.layers)]
        self._rows = weights["model.embed_tokens.weight"]
        head = weights["model.embed_tokens.weight" if shape.tied else "lm_head.weight"][:usable]
        self._head = _matrix(head * (weights["model.norm.weight"] * shape.width**0.5))
        self._logits = np.empty((self.most, usable), np.float32)
        self._turns = _turns(shape)
        self._bounded = max(map(_largest_score(shape), self._layers)) < _SAFE_SCORE

    @classmethod
    def load(cls, directory: Path, usable: int, most: int = 32) -> "Decoder":
        """Reads what `save_model` or transformers wrote. Raises Problem where it cannot be read or run."""
        shape = Shape.from_hugging_face(directory / "config.json")
        weights = read_weights(directory)
        try:
            return cls(shape, weights, usable, most)
        except (KeyError, ValueError) as error:
            raise Problem(f"The weights in {directory} do not fit its config.json: {error}") from error

    def join(self) -> int:
        """A place for a new, still empty text: always the next after the last."""
        place = self.texts
        if place == self.most:
            raise ValueError(f"all {self.most} places are taken")
        self.texts, self.lengths[place] = place + 1, 0
        return place

    def leave(self, place: int) -> None:
        """Frees a place; the text at the last place moves into it."""
        last = self.texts - 1
        length = int(self.lengths[last])
        if place != last:
            for cache in (self._keys, self._values):
                cache[:, place, :, :length] = cache[:, last, :, :length]
            self.lengths[place] = length
        self.texts = last

    def forget(self, place: int) -> None:
        """Empties the text at a place: its next token is read as the first."""
        self.lengths[place] = 0

    def read(self, tokens: Mapping[int, Sequence[int]]) -> Array:
        """Takes in tokens of the texts at these places, after what they hold, and returns the logits after the last
        one of each: (texts read, usable), which the next call overwrites. Raises ValueError where a context is full."""
        left = {place: list(ids) for place, ids in tokens.items()}
        if any(self.lengths[place] + len(ids) > self.shape.context or not ids for place, ids in left.items()):
            raise ValueError("nothing to read, or more than the context holds")
        last: dict[int, Array] = {}
        while left:
            now = {place: ids[:_CHUNK] for place, ids in left.items()}
            left = {place: ids[_CHUNK:] for place, ids in left.items() if len(ids) > _CHUNK}
            hidden = self._read(now)
            last |= zip(now, hidden, strict=True)
        return self._after(np.stack([last[place] for place in tokens]))

    def step(self, ids: Sequence[int]) -> Array:
        """Takes in one token of every text, in the order of places; else as `read`."""
        texts = self.texts
        lengths = self.lengths[:texts]
        longest = int(lengths.max()) + 1
        if longest > self.shape.context or len(ids) != texts:
            raise ValueError("a context is full, or a text has no token")
        alike = bool((lengths == longest - 1).all())
        # Beyond a text's end lie another's keys, or none.
        beyond = None if alike else np.where(np.arange(longest) > lengths[:, None], np.float32(-np.inf), np.float32(0))
        places = np.arange(texts)
        turn = self._turns[lengths][:, None]
        kv, group = self.shape.kv_heads, self.shape.heads // self.shape.kv_heads
        width = self.shape.head_width
        x: Array = self._rows[np.asarray(ids)]
        with np.errstate(over="ignore"):
            for layer, cached_keys, cached_values in zip(self._layers, self._keys, self._values, strict=True):
                q, k, v = self._queries(layer, x, turn)
                if alike:
                    cached_keys[:texts, :, longest - 1] = k
                    cached_values[:texts, :, longest - 1] = v
                else:
                    cached_keys[places, :, lengths] = k
                    cached_values[places, :, lengths] = v
                scores = q.reshape(texts, kv, group, width) @ cached_keys[:texts, :, :longest].swapaxes(2, 3)
                if beyond is not None:
                    scores += beyond[:, None, None]
                mixed = self._attend(scores, cached_values[:texts, :, :longest])
                x += mixed.reshape(texts, -1) @ layer.mixed
                x += _swiglu(layer, _normalise(x, self.shape.epsilon))
        self.lengths[:texts] += 1
        return self._after(x)

    def _read(self, tokens: Mapping[int, Sequence[int]]) -> Array:
        """Hidden states (texts read, width) after the last token of each. All tokens go through a layer's matrices
        together; attention is within each text."""
        counts = [len(ids) for ids in tokens.values()]
        ends = np.cumsum(counts)
        starts = [int(self.lengths[place]) for place in tokens]
        turn = self._turns[np.concatenate([np.arange(s, s + n) for s, n in zip(starts, counts, strict=True)])][:, None]
        spans = [(p, e - n, e, s) for p, e, n, s in zip(tokens, ends.tolist(), counts, starts, strict=True)]
        kv, width = self.shape.kv_heads, self.shape.head_width
        x: Array = self._rows[np.concatenate([np.asarray(ids) for ids in tokens.values()])]
        mixed = np.empty((len(x), self.shape.heads * width), np.float32)
        with np.errstate(over="ignore"):
            for layer, cached_keys, cached_values in zip(self._layers, self._keys, self._values, strict=True):
                q, k, v = self._queries(layer, x, turn)
                for place, begin, end, start in spans:
                    time, stop = end - begin, start + end - begin
                    cached_keys[place, :, start:stop] = k[begin:end].swapaxes(0, 1)
                    cached_values[place, :, start:stop] = v[begin:end].swapaxes(0, 1)
                    asked = q[begin:end].reshape(time, kv, -1, width).transpose(1, 2, 0, 3)
                    scores = asked @ cached_keys[place, :, None, :stop].swapaxes(2, 3)
                    later = np.arange(stop) > np.arange(start, stop)[:, None]
                    scores[..., later] = -np.inf
                    each = self._attend(scores, cached_values[place, :, None, :stop])
                    mixed[begin:end] = each.transpose(2, 0, 1, 3).reshape(time, -1)
                x += mixed @ layer.mixed
                x += _swiglu(layer, _normalise(x, self.shape.epsilon))
        for place, count in zip(tokens, counts, strict=True):
            self.lengths[place] += count
        found: Array = x[ends - 1]
        return found

    def _queries(self, layer: _Layer, x: Array, turn: Array) -> tuple[Array, Array, Array]:
        """Rotated queries and keys, and values, of x (rows, width): each (rows, heads of its kind, head_width)."""
        shape = self.shape
        found = (_normalise(x, shape.epsilon) @ layer.qkv).reshape(len(x), -1, shape.head_width)
        border = shape.heads + shape.kv_heads
        turning = _normalise(found[:, :border], shape.epsilon)
        turning *= layer.norms
        turned = (turning.view(np.complex64) * turn).view(np.float32)
        return turned[:, : shape.heads], turned[:, shape.heads :], found[:, border:]

    def _attend(self, scores: Array, values: Array) -> Array:
        """Values mixed by the softmax of scores, whose array is used up."""
        if not self._bounded:
            scores -= np.maximum.reduce(scores, -1, keepdims=True)
        np.exp(scores, out=scores)
        mixed: Array = scores @ values
        mixed /= np.add.reduce(scores, -1, keepdims=True)
        return mixed

    def _after(self, x: Array) -> Array:
        return np.matmul(_normalise(x, self.shape.epsilon), self._head, out=self._logits[: len(x)])


def read_weights(directory: Path) -> dict[str, Array]:
    """The fp32 weights of a model in the Hugging Face layout, sharded or not. Raises Problem where unreadable."""
    from safetensors import SafetensorError, safe_open

    index = directory / "model.safetensors.index.json"
    names = ["model.safetensors"]
    if index.exists():
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    weights: dict[str, Array] = {}
    try:
        for name in names:
            with safe_open(directory / name, "np") as file:
                weights |= {key: np.asarray(file.get_tensor(key), np.float32) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, TypeError) as error:
        raise Problem(f"The model's weights in {directory} cannot be read: {error}. Train it again.") from error
    return weights


def _fold(shape: Shape, weights: Mapping[str, Array], layer: int) -> _Layer:
    def named(name: str) -> Array:
        return weights[f"model.layers.{layer}.{name}.weight"]

    # `_normalise` leaves vectors of length 1: what makes them root mean square 1 is in the weights.
    before, after = (
        named(f"{name}_layernorm") * np.float32(shape.width**0.5) for name in ("input", "post_attention")
    )  # fmt: skip
    pairs = np.arange(shape.head_width).reshape(2, -1).T.ravel()
    q, k = (
        named(f"self_attn.{name}_proj").reshape(-1, shape.head_width, shape.width)[:, pairs].reshape(-1, shape.width)
        for name in "qk"
    )
    # sqrt(head width) twice for the two norms, once taken back for the scores' scale: it stays with the keys.
    norms = [named("self_attn.q_norm")[pairs]] * shape.heads
    norms += [named("self_attn.k_norm")[pairs] * np.float32(shape.head_width**0.5)] * shape.kv_heads
    return _Layer(
        _matrix(np.concatenate((q, k, named("self_attn.v_proj"))) * before),
        np.stack(norms),
        _matrix(named("self_attn.o_proj")),
        _matrix(np.concatenate((-named("mlp.gate_proj"), named("mlp.up_proj"))) * after),
        _matrix(-named("mlp.down_proj")),
    )


def _matrix(weight: Array) -> Array:
    """A linear layer's weight (out, in) as (in, out): one row times it is BLAS's fastest form."""
    return np.ascontiguousarray(weight.T, np.float32)


def _turns(shape: Shape) -> Array:
    """exp(i position frequency): (context, head_width / 2) complex64 (arXiv 2104.09864)."""
    exponents = np.arange(0, shape.head_width, 2, dtype=np.float32) / np.float32(shape.head_width)
    angles = np.arange(shape.context, dtype=np.float32)[:, None] * (1 / np.float32(shape.rope_theta) ** exponents)
    return (np.cos(angles) + 1j * np.sin(angles)).astype(np.complex64)


def _largest_score(shape: Shape) -> Callable[[_Layer], float]:
    """No score of a layer is larger than this: queries and keys have length 1 before their weights."""

    def largest(layer: _Layer) -> float:
        strongest = np.abs(layer.norms).max(1)
        return float(strongest[: shape.heads].max() * strongest[shape.heads :].max())

    return largest


def _normalise(x: Array, epsilon: float) -> Array:
    """x (..., width) over its length: RMSNorm but for a factor sqrt(width), which is in the weights."""
    found: Array = x / np.sqrt(np.vecdot(x, x) + np.float32(x.shape[-1] * epsilon))[..., None]
    return found


def _swiglu(layer: _Layer, x: Array) -> Array:
    both = x @ layer.inside
    hidden = both.shape[1] // 2
    gate = both[:, :hidden]
    over = np.exp(gate)
    over += 1
    gate /= over
    gate *= both[:, hidden:]
    found: Array = gate @ layer.down
    return found
