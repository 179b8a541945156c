from pathlib import Path

import pytest
import torch

from myna.model import Cache, Shape, Transformer, load_model, new_model, save_model, shape_of
from myna.network import Problem

_SHAPE = Shape(vocabulary=96, width=64, layers=2, heads=4, kv_heads=2, head_width=32, hidden=96, context=64)
_IDS = torch.tensor([[3, 9, 2, 77, 41, 9, 9, 0, 5, 63]])


def _random(shape: Shape = _SHAPE) -> Transformer:
    """Weights that are all there: those of an untrained model are partly zero and would hide mistakes."""
    torch.manual_seed(1)
    model = Transformer(shape)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


@torch.no_grad()
def test_a_model_of_any_width_shares_its_keys_out_evenly() -> None:
    for width in (*range(32, 256, 32), *range(256, 1100, 64)):
        shape = shape_of(width, 1, 90, 16)
        assert shape.heads % shape.kv_heads == 0 and shape.kv_heads <= max(shape.heads // 2, 1)
    assert [shape_of(width, 1, 90, 16).kv_heads for width in (64, 192, 320, 640)] == [1, 3, 1, 5]
    assert new_model(shape_of(320, 1, 90, 16), 0)(_IDS[:, :8]).shape == (1, 8, 128)


@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_transformers_loads_what_we_wrote_and_its_logits_agree(tmp_path: Path, tied: bool) -> None:
    from transformers import AutoModelForCausalLM

    model = _random(Shape(**{name: getattr(_SHAPE, name) for name in _SHAPE.__slots__} | {"tied": tied}))
    save_model(model, tmp_path, end=0, pad=1)
    peer = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert type(peer).__name__ == "Qwen3ForCausalLM"
    assert (peer(_IDS).logits - model(_IDS)).abs().max() <= 1e-4


@torch.no_grad()
def test_we_load_what_transformers_wrote_and_the_logits_agree(tmp_path: Path) -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(2)
    peer = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=200, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=6,
            num_key_value_heads=2, head_dim=16, max_position_embeddings=512, tie_word_embeddings=False,
            rope_theta=1_000_000.0,
        )
    ).eval()  # fmt: skip
    peer.save_pretrained(tmp_path, max_shard_size="60KB")
    assert (tmp_path / "model.safetensors.index.json").exists()
    model = load_model(tmp_path)
    assert (peer(_IDS).logits - model(_IDS)).abs().max() <= 1e-4


@torch.no_grad()
def test_reading_token_by_token_with_a_cache_gives_the_same_logits() -> None:
    model = _random()
    whole = model(_IDS)
    cache = Cache.empty(_SHAPE, 1, _SHAPE.context, whole)
    parts = [model(_IDS[:, :4], cache)] + [model(_IDS[:, at : at + 1], cache) for at in range(4, 10)]
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)


@torch.no_grad()
def test_a_packed_document_is_read_as_if_it_stood_alone() -> None:
    model = _random()
    first, second = [0, 5, 6, 7], [0, 8, 9]
    packed = model.hidden(torch.tensor([first + second]), end=0)
    alone = model.hidden(torch.tensor([second]), end=0)
    assert torch.allclose(packed[0, 4:], alone[0], atol=1e-5)


@torch.no_grad()
def test_the_fused_kernel_and_attention_written_out_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _random()
    written_out = model(_IDS)
    monkeypatch.setattr("myna.model.transformer._EXPLICIT_UP_TO", 0)
    assert torch.allclose(model(_IDS), written_out, atol=1e-5)


def test_the_same_seed_gives_the_same_weights_and_counts_are_right() -> None:
    shape = shape_of(64, 2, 300, 128)
    first, second, other = (new_model(shape, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    assert sum(p.numel() for p in first.parameters()) == shape.parameters


def test_another_architecture_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "llama"}')
    with pytest.raises(Problem, match="'llama'"):
        Shape.from_hugging_face(path)
    path.write_text('{"model_type": "qwen3"}')
    with pytest.raises(Problem, match="not a complete"):
        Shape.from_hugging_face(path)


def test_weights_that_are_missing_or_do_not_fit_are_refused_in_words(tmp_path: Path) -> None:
    save_model(_random(), tmp_path, 0, 1)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem, match="cannot be read"):
        load_model(tmp_path)
    weights.write_bytes(whole)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    with pytest.raises(Problem, match="do not fit"):
        load_model(tmp_path)
