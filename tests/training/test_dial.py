import dataclasses
import math
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch._dynamo.utils import counters

from myna.corpus import Corpus
from myna.network import Problem
from myna.training import Dial, Family, Plan, Processes, Trainer, calibrated_plan, peak_flops, read_curve


@pytest.mark.parametrize(
    "dial",
    [
        Dial(),
        Dial(minutes=-1),
        Dial(minutes=math.nan),
        Dial(minutes=1, tokens=5),
        Dial(minutes=1, width=65),
        Dial(minutes=1, layers=-1),
        Dial(minutes=1, context=1),
        Dial(minutes=1, rate=0),
        Dial(gpu_days=1e9),
    ],
)
def test_a_dial_that_cannot_be_followed_is_refused(dial: Dial) -> None:
    with pytest.raises(Problem):
        dial.check()


def test_gpu_days_are_shared_out_among_the_devices() -> None:
    assert Dial(gpu_days=2).check().seconds(4) == 43_200
    assert Dial(minutes=2).check().seconds(4) == 120


def test_what_is_given_stands_and_the_rest_follows(family: Family, corpus: Corpus) -> None:
    dial = Dial(tokens=4096, width=96, layers=1, context=32, batch=4, rate=0.5, seed=7).check()
    plan = calibrated_plan(family, corpus, dial.seconds(1), 0, dial.seed, "cpu", Processes(), dial)
    assert (plan.width, plan.layers, plan.context, plan.batch, plan.seed) == (96, 1, 32, 4, 7)
    assert plan.tokens == 4096
    assert plan.matrix_rate == 0.01
    assert plan.next_look is None
    assert Plan.from_dict(plan.to_dict()) == plan


def test_a_run_of_few_tokens_compiles_nothing(family: Family, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MYNA_COMPILE", raising=False)
    dial = Dial(tokens=20_000)
    before = counters["frames"]["total"]
    plan = calibrated_plan(family, corpus, dial.seconds(1), 0, 0, "cpu", Processes(), dial)
    assert not plan.compile and plan.steps * plan.batch * plan.context >= 20_000
    assert counters["frames"]["total"] == before


def test_the_number_of_parameters_asked_for_is_met_within_a_tenth(family: Family, corpus: Corpus) -> None:
    for asked in (150_000, 1_000_000):
        dial = Dial(tokens=2048, parameters=asked, batch=1).check()
        plan = calibrated_plan(family, corpus, dial.seconds(1), 0, 0, "cpu", Processes(), dial)
        assert plan.parameters == pytest.approx(asked, rel=0.1)


def test_a_run_on_a_slower_machine_gets_fewer_steps_and_keeps_the_change_before_it_holds(
    plan: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    kept: list[tuple[int, Plan]] = []
    # Time for some steps of the forty planned.
    plan = dataclasses.replace(plan, steps=40, seconds=0.4)
    trainer = Trainer(plan, family, corpus, tmp_path)
    trainer.run(
        until=lambda: bool(time.sleep(0.05)), changed=lambda changed: kept.append((trainer.step, changed))
    )  # fmt: skip
    assert trainer.plan.steps < 40
    assert kept[0][0] == kept[0][1].changes[0][0] == 12
    assert kept[-1][1] == trainer.plan
    assert trainer.step == trainer.plan.steps == read_curve(tmp_path / "curve.jsonl")[-1]["steps"]

    # The plan as kept gives the same run again, whatever the clock says.
    again = Trainer(dataclasses.replace(trainer.plan, seconds=0.0), family, corpus)
    again.run()
    for a, b in zip(trainer.model.parameters(), again.model.parameters(), strict=True):
        assert a.equal(b)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(40, 3000), st.floats(0.2, 5), st.floats(0.2, 5))
def test_rates_go_on_from_where_they_are_when_the_steps_change(
    plan: Plan, steps: int, slower: float, then: float
) -> None:
    plan = dataclasses.replace(plan, steps=steps, warmup=4, cooldown=steps * 2 // 3, seconds=100.0)
    for pace in (slower, then):
        look = plan.next_look
        assert look is not None
        if look >= plan.steps:
            break
        changed = plan.adjusted(look, look * 100.0 / steps * pace, 10 * steps)
        for step in range(look + 1):
            assert changed.rate(step) == pytest.approx(plan.rate(step), abs=1e-9)
        plan = changed
    rates = [plan.rate(step) for step in range(plan.warmup, plan.steps)]
    assert all(a >= b - 1e-9 for a, b in pairwise(rates))
    assert plan.rate(plan.steps) == pytest.approx(0.05)
    assert Plan.from_dict(plan.to_dict()) == plan


def test_the_curve_says_how_fast_and_how_well_the_machine_is_used(
    plan: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    peak = peak_flops("float32", "cpu")
    told: list[dict[str, object]] = []
    Trainer(plan, family, corpus, tmp_path, peak=peak).run(tell=told.append, sample=lambda model: "words")
    curve = read_curve(tmp_path / "curve.jsonl")
    assert curve == told
    assert all(0 < point["mfu"] < 1 and point["tokens_per_second"] > 0 for point in curve if "loss" in point)
    assert [point["sample"] for point in curve if "sample" in point].count("words") == 9
