import dataclasses
import math
from pathlib import Path

import pytest
import torch

from myna.corpus import Corpus
from myna.network import Problem
from myna.training import Family, Plan, SpikeGuard, Trainer
from myna.training.guard import gradient_norm


def test_usual_steps_pass_spikes_are_cut_and_absurd_ones_left_out() -> None:
    guard = SpikeGuard()
    assert all(guard.factor(1.0 + n % 3 / 10) == 1 for n in range(30))
    assert guard.factor(11.0) == pytest.approx(4 * 1.1 / 11.0)
    assert guard.factor(1000.0) == 0
    assert guard.factor(math.nan) == 0
    assert guard.factor(1.0) == 1
    assert (guard.clipped, guard.skipped) == (1, 2)


def test_a_lasting_rise_becomes_the_usual() -> None:
    guard = SpikeGuard()
    for _ in range(64):
        guard.factor(1.0)
    factors = [guard.factor(100.0) for _ in range(300)]
    assert factors[0] == 0
    assert factors[-1] == 1


def test_a_run_without_finite_gradients_is_given_up() -> None:
    guard = SpikeGuard()
    with pytest.raises(Problem, match="--rate"):
        for _ in range(50):
            guard.factor(math.inf)


class _Spiked(Trainer):
    """A run in which some steps' gradients are spoiled on the way, as bad memory or a bad batch would."""

    spoiled: dict[int, float] = {20: math.nan, 22: 16.0, 24: 1e6}  # noqa: RUF012

    def _learn(self) -> None:
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                parameter.grad *= self.spoiled.get(self.step, 1.0)
        super()._learn()


def test_planted_spikes_cost_little_and_are_counted_and_a_resumed_run_judges_the_same(
    plan: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    plan = dataclasses.replace(plan, steps=40)
    calm = Trainer(plan, family, corpus).run()
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    points: list[dict[str, object]] = []
    spiked = _Spiked(plan, family, corpus, whole)
    bits = spiked.run(tell=points.append)
    assert calm is not None and bits is not None
    assert bits < calm + 0.15
    assert (spiked.guard.skipped, spiked.guard.clipped) == (2, 1)
    assert points[-1]["skipped"] == 2
    for stop in (21, 23, 10**6):
        resumed = _Spiked(plan, family, corpus, parts)
        resumed.run(until=lambda trainer=resumed, stop=stop: trainer.step >= stop)  # type: ignore[misc]
    for a, b in zip(spiked.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_norm_is_that_of_all_gradients_together(plan: Plan, family: Family, corpus: Corpus) -> None:
    model = Trainer(plan, family, corpus).model
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert gradient_norm(model) == pytest.approx(math.sqrt(count), rel=1e-5)
