import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.cluster import DEVICES, Layout, Plan, Shape, describe, failures, mfu, plan
from myna.cluster.devices import device
from myna.cluster.layouts import FILL
from myna.cluster.shapes import params, shaped, useful_flops
from myna.network import Problem

LLAMA = Shape(126, 16384, 128, 8, 53248, 128256)


@pytest.mark.parametrize("gpu", sorted(DEVICES))
@pytest.mark.parametrize("gpus", [1, 8, 96, 1024])
def test_a_plan_fits_its_devices_and_adds_up(gpu: str, gpus: int) -> None:
    made = plan(gpus, gpu, days=10)
    assert made.layout.devices == gpus
    assert made.memory.total <= FILL * made.memory_of
    assert 0.1 < made.mfu < 0.75
    assert made.days == pytest.approx(10, rel=0.02)
    assert made.steps * made.batch_tokens == pytest.approx(made.tokens, rel=0.01)
    flops_a_second = made.mfu * gpus * device(gpu).bf16
    seconds = made.steps * made.step.seconds / made.failures.goodput
    assert made.flops == pytest.approx(flops_a_second * seconds * made.failures.goodput, rel=0.01)
    json.dumps(made.to_dict(), allow_nan=False)
    assert made.gpu in describe(made)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5000), st.sampled_from(sorted(DEVICES)), st.floats(0.1, 1e5))
def test_any_number_of_devices_gets_a_plan_or_a_reason(gpus: int, gpu: str, gpu_days: float) -> None:
    try:
        made = plan(gpus, gpu, gpu_days=gpu_days)
    except Problem as problem:
        assert len(problem.message) > 40
    else:
        assert made.layout.devices == gpus and made.memory.total <= FILL * made.memory_of


def test_more_compute_gives_a_larger_model_and_more_tokens() -> None:
    sizes = [plan(64, "h100", gpu_days=amount) for amount in (10, 100, 1000, 10_000)]
    assert [made.params for made in sizes] == sorted(made.params for made in sizes)
    assert [made.tokens for made in sizes] == sorted(made.tokens for made in sizes)
    assert all(made.tokens / made.params == pytest.approx(20, rel=0.25) for made in sizes)


def test_what_is_given_is_kept() -> None:
    made = plan(256, "h100", shape=LLAMA, tokens=1e12, sequence=8192, price=2.0)
    assert (made.shape, made.tokens, made.sequence) == (LLAMA, 1e12, 8192)
    assert made.cost == pytest.approx(2.0 * made.gpu_days * 24)
    layout = Layout(8, 16, 1, 2, 1, 8, "full")
    assert plan(256, "h100", shape=LLAMA, tokens=1e12, sequence=8192, layout=layout).layout == layout


def test_a_model_too_large_says_what_every_layout_lacked() -> None:
    with pytest.raises(Problem, match="more memory needed"):
        plan(8, "a100-40", params=405e9, tokens=1e12)


def test_layouts_not_taken_are_counted_by_reason_and_the_next_best_are_slower() -> None:
    made = plan(1024, "h100", params=70e9, tokens=2e12)
    assert made.rejected and all(count > 0 for count in made.rejected.values())
    assert made.others and all(seconds >= made.step.seconds for _, seconds in made.others)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"gpus": 0}, "between 1 and"),
        ({"gpus": -5}, "between 1 and"),
        ({"gpu": "z80"}, "a100-40, b200"),
        ({"gpu_days": 0}, "gpu_days must be more"),
        ({"params": float("nan")}, "params must be more"),
        ({"tokens": -1.0}, "tokens must be more"),
        ({"sequence": 1}, "sequence has between"),
        ({"vocab": 3}, "vocabulary has between"),
        ({"precision": "int4"}, "bf16 or fp8"),
        ({"failure_rate": -1.0}, "0 or more"),
        ({"price": float("inf")}, "0 or more"),
        ({"gpu_days": 80.0, "days": 3.0}, "give one"),
        ({"gpu_days": 80.0, "params": 1e9, "tokens": 1e9}, "at most two"),
        ({"layout": Layout(2, 1, 1, 1)}, "layout takes 2"),
        ({"shape": Shape(0, 128, 1, 1, 512, 1000)}, "at least 1"),
    ],
)
def test_nonsense_is_a_problem_said_in_words(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(Problem, match=said):
        plan(**{"gpus": 8, "gpu": "h100", **wrong})  # type: ignore[arg-type]


def test_the_size_asked_for_is_the_size_made() -> None:
    for wanted in (5e7, 3e8, 1e9, 7e9, 7e10, 4e11, 2e12):
        found = shaped(wanted, 65536)
        assert params(found) == pytest.approx(wanted, rel=0.15)
        assert found.heads % found.kv_heads == 0 and found.hidden == 128 * found.heads


def test_parameters_and_operations_are_those_of_the_papers() -> None:
    assert params(LLAMA) == pytest.approx(405e9, rel=0.01)
    gpt = Shape(96, 12288, 96, 96, 4 * 12288, 51200, gated=False, flash=False, causal=False)
    assert params(gpt) == pytest.approx(174.6e9, rel=0.005)
    # Narayanan et al. 2021: 72 l h² (1 + s / 6h + V / 12lh) a token without recomputation.
    formula = 72 * 96 * 12288**2 * (1 + 2048 / (6 * 12288) + 51200 / (12 * 96 * 12288))
    assert useful_flops(gpt, 2048) == pytest.approx(formula, rel=1e-9)


def test_failures_follow_young_and_daly() -> None:
    # Llama 3: 419 unexpected interruptions in 54 days on 16,384 GPUs.
    found = failures(16384, 14 * 405e9, 54 * 86400 * 0.93)
    assert found.mtti == pytest.approx(54 * 86400 / 419, rel=0.01)
    assert found.expected == pytest.approx(419, rel=0.05)
    assert found.goodput > 0.9  # as published; training/effective time of Llama 3
    slow = failures(16384, 0, 1e6, save=30.0)
    assert slow.every == pytest.approx(math.sqrt(2 * 30 * slow.mtti))
    assert slow.goodput == pytest.approx(0.887, abs=0.002)
    for every in (0.5, 0.8, 1.25, 2):  # no other interval loses less
        lost = 30 / (every * slow.every) + (every * slow.every / 2 + 600) / slow.mtti
        assert 1 / (1 + lost) < slow.goodput


def test_without_failures_nothing_is_lost() -> None:
    assert plan(64, "h100", days=5, failure_rate=0).failures.goodput == 1
    found = plan(64, "h100", days=5, failure_rate=0).to_dict()
    assert found["failures"]["mtti"] is None
    json.dumps(found, allow_nan=False)


def test_a_plan_is_frozen_and_the_same_each_time() -> None:
    one, two = plan(128, "h200", gpu_days=500), plan(128, "h200", gpu_days=500)
    assert one == two and isinstance(one, Plan)
    with pytest.raises(AttributeError):
        one.days = 1  # type: ignore[misc]


def test_mfu_counts_nothing_twice() -> None:
    layout = Layout(8, 16, 1, 128, 1, 8, "full")
    again = mfu(LLAMA, 8192, 2048, layout, device("h100"), 6.46)
    assert again == pytest.approx(400 / 989, rel=0.01)
