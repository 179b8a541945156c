import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.training import Family, Plan, Size, batch_of, choose_size, make_plan


def test_more_minutes_never_choose_a_smaller_model(family: Family) -> None:
    sizes = [
        choose_size(10.0**power, 10**9, 4096, family).shape(family, 4096).parameters for power in range(9, 22)
    ]  # fmt: skip
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_little_text_takes_a_small_model_however_long_it_trains(family: Family) -> None:
    assert choose_size(math.inf, 2_000, 400, family).width == 64


@given(
    st.floats(0.1, 1e5),
    st.floats(1e-3, 10),
    st.integers(1, 10**9),
    st.floats(1e8, 1e20),
    st.sampled_from(["cpu", "cuda:0"]),
)
def test_any_dial_gives_a_plan_that_can_run(
    family: Family, seconds: float, step_seconds: float, tokens: int, flops: float, device: str
) -> None:
    size = choose_size(flops, tokens, 4096, family, device)
    batch = batch_of(flops, tokens, size, size.shape(family, 4096), device)
    plan = make_plan(size, family, 4096, tokens, batch, seconds, step_seconds, 1.0, "float32", device=device)
    assert plan.steps >= 20
    assert 1 <= plan.micro <= plan.batch
    rates = [plan.rate(step) for step in range(0, plan.steps, max(plan.steps // 50, 1))]
    assert all(0 < rate <= 1 for rate in rates)


def test_a_plan_fills_the_time_it_is_given(family: Family) -> None:
    plan = make_plan(Size(128, 4, 128), family, 4096, 10**9, 16, 100.0, 0.25, 2.0, "float32")
    assert plan.steps == 400


def test_text_is_read_a_dozen_times_at_most(family: Family) -> None:
    plan = make_plan(Size(64, 2, 128), family, 512, 10_000, 8, 1e6, 0.01, 1e4, "float32")
    assert plan.tokens <= 12 * 10_000 + plan.batch * plan.context


def test_rates_rise_stay_and_fall(plan: Plan) -> None:
    rates = [plan.rate(step) for step in range(plan.steps)]
    assert rates[0] < rates[1] < rates[3] == 1.0
    assert rates[-1] == min(rates[3:])


def test_a_plan_comes_back_from_json(plan: Plan) -> None:
    assert Plan.from_dict(plan.to_dict()) == plan


@pytest.fixture(scope="session")
def family() -> Family:
    from myna.model import new_model, shape_of

    return Family(shape_of, new_model)
