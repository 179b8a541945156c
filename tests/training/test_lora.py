from pathlib import Path

import pytest
import torch

from myna.corpus import Corpus
from myna.model import Transformer, new_model, shape_of
from myna.network import Problem
from myna.training import Family, Plan, Trainer, adapt, load_checkpoint, merge, rank_for


def _family(rank: int) -> Family:
    return Family(shape_of, lambda shape, seed: adapt(_base(shape), rank, seed), untrained=False)


def _base(shape: object) -> Transformer:
    """Weights of which none is zero, as those of a model that has learned are."""
    model = new_model(shape, 7)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model


def _trained(plan: Plan, corpus: Corpus, steps: int, directory: Path | None = None) -> Trainer:
    trainer = Trainer(plan, _family(4), corpus, directory)
    while trainer.step < steps:
        trainer.advance()
    return trainer


def test_with_fresh_adapters_the_model_writes_as_before(plan: Plan, corpus: Corpus) -> None:
    model = _base(shape_of(64, 2, corpus.vocabulary, 64))
    ids = torch.arange(20)[None]
    with torch.no_grad():
        before = model(ids)
        assert torch.equal(adapt(model, 4, 0)(ids), before)


def test_merged_weights_are_the_base_and_the_adapters_product(plan: Plan, corpus: Corpus) -> None:
    model = _trained(plan, corpus, 6).model
    base = _base(shape_of(plan.width, plan.layers, plan.vocabulary, plan.context)).state_dict()
    adapted = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    ids = torch.arange(20)[None]
    with torch.no_grad():
        before = model(ids)  # type: ignore[operator]
        merged = merge(model)
        assert torch.allclose(merged(ids), before, atol=1e-4)
    assert merged.state_dict().keys() == base.keys()
    for name, weight in merged.state_dict().items():
        stem = name.removesuffix("weight")
        if stem + "adapter_b" in adapted:
            product = 2.0 * adapted[stem + "adapter_b"] @ adapted[stem + "adapter_a"]
            assert product.abs().max() > 0
            assert torch.allclose(weight, base[name] + product, atol=1e-6), name
        else:
            assert torch.equal(weight, base[name]), name


def test_a_checkpoint_has_the_adapters_alone_and_a_run_goes_on_from_it_to_the_same_bits(
    plan: Plan, corpus: Corpus, tmp_path: Path
) -> None:
    whole = _trained(plan, corpus, 8).model.state_dict()
    stopped = Trainer(plan, _family(4), corpus, tmp_path)
    stopped.run(until=lambda: stopped.step >= 5)
    kept = load_checkpoint(tmp_path)
    assert kept is not None and kept["step"] == 5
    assert kept["model"] and all("adapter_" in name for name in kept["model"])
    resumed = _trained(plan, corpus, 8, tmp_path).model.state_dict()
    assert all(torch.equal(resumed[name], tensor) for name, tensor in whole.items())


def test_adapters_are_chosen_where_all_weights_would_not_fit() -> None:
    assert rank_for(600_000_000, 24e9) == 0
    assert rank_for(1_700_000_000, 24e9) > 0
    assert rank_for(600_000_000, float("inf")) == 0


@pytest.mark.parametrize("rank", [0, 33])
def test_a_rank_wider_than_a_matrix_is_refused(rank: int) -> None:
    with pytest.raises(Problem, match="rank of adapters"):
        adapt(new_model(shape_of(64, 1, 300, 64), 0), rank, 0)
