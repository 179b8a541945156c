"""The shape of a model, and its `config.json` as Hugging Face's Qwen3 reads it."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myna.network import Problem


@dataclass(frozen=True, slots=True)
class Shape:
    """vocabulary: rows of the embedding (padded, may exceed the tokenizer); hidden: width of the SwiGLU's inside;
    context: positions trained on."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    hidden: int
    context: int
    rope_theta: float = 10_000.0
    epsilon: float = 1e-6
    tied: bool = True

    @property
    def matrix_parameters(self) -> int:
        """Parameters that multiply every token, the output head apart."""
        attention = self.width * self.head_width * (2 * self.heads + 2 * self.kv_heads)
        return self.layers * (attention + 3 * self.width * self.hidden)

    @property
    def parameters(self) -> int:
        """All parameters."""
        norms = self.layers * (2 * self.width + 2 * self.head_width) + self.width
        return self.matrix_parameters + norms + self.vocabulary * self.width * (1 if self.tied else 2)

    @property
    def flops_per_token(self) -> float:
        """Floating-point operations to train on one token: six a parameter, and attention over a full context."""
        attention = 12 * self.layers * self.heads * self.head_width * self.context
        return 6.0 * (self.matrix_parameters + self.vocabulary * self.width) + attention

    def to_hugging_face(self, end: int, pad: int) -> dict[str, Any]:
        """The `config.json` of a `Qwen3ForCausalLM`. end, pad: ids of those tokens."""
        return {
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": "qwen3",
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "intermediate_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_width,
            "hidden_act": "silu",
            "max_position_embeddings": self.context,
            "rms_norm_eps": self.epsilon,
            "rope_theta": self.rope_theta,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.rope_theta},
            "tie_word_embeddings": self.tied,
            "attention_bias": False,
            "attention_dropout": 0.0,
            "use_sliding_window": False,
            "initializer_range": 0.02,
            "bos_token_id": end,
            "eos_token_id": end,
            "pad_token_id": pad,
            "use_cache": True,
            "dtype": "float32",
            "torch_dtype": "float32",
        }

    @classmethod
    def from_hugging_face(cls, path: Path) -> "Shape":
        """Reads a `config.json`. Raises Problem for another architecture."""
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Problem(f"The model's configuration {path} cannot be read: {error}.") from error
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        scaled = rope.get("rope_type", rope.get("type", "default")) != "default"
        if config.get("model_type") != "qwen3" or config.get("attention_bias") or scaled or _windowed(config):
            raise Problem(
                f"{path} describes a {config.get('model_type', 'unknown')!r} model of a kind Myna does not run; "
                "it runs Qwen3 with full attention and plain rotary positions."
            )
        try:
            return cls(
                vocabulary=config["vocab_size"],
                width=config["hidden_size"],
                layers=config["num_hidden_layers"],
                heads=config["num_attention_heads"],
                kv_heads=config["num_key_value_heads"],
                head_width=config["head_dim"],
                hidden=config["intermediate_size"],
                context=config["max_position_embeddings"],
                rope_theta=float(rope.get("rope_theta", config.get("rope_theta", 10_000.0))),
                epsilon=config["rms_norm_eps"],
                tied=config.get("tie_word_embeddings", False),
            )
        except KeyError as error:
            raise Problem(f"{path} does not say {error}; it is not a complete Qwen3 configuration.") from error


def shape_of(width: int, layers: int, vocabulary: int, context: int) -> Shape:
    """A model of this width and depth; heads, the SwiGLU's inside and padding of the vocabulary follow. Each key is
    shared by at least two heads, and by as many each."""
    head_width = 32 if width < 256 else 64
    heads = width // head_width
    return Shape(
        vocabulary=math.ceil(vocabulary / 64) * 64,
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=max(n for n in range(1, max(heads // 2, 1) + 1) if heads % n == 0),
        head_width=head_width,
        hidden=math.ceil(width * 8 / 3 / 32) * 32,
        context=context,
    )


def _windowed(config: dict[str, Any]) -> bool:
    kinds = config.get("layer_types") or []
    return bool(config.get("use_sliding_window")) and "sliding_attention" in kinds
