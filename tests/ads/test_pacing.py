"""Spending follows the day, and no budget is overspent."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from myna.ads.pacing import DAY, HOUR, LEAST, Purse, Rhythm, affordable, allowance, multipliers

BEGIN = 20_000 * DAY


def purse(
    budget=24_000_000, day_budget=0, spent=0, day_spent=0, before=0, reserved=0, starts=BEGIN, ends=BEGIN + DAY, since=0
):
    return Purse(
        *(
            np.array([v], np.int64)
            for v in (budget, day_budget, spent, day_spent, before, reserved, starts, ends, since)
        )
    )


EVEN = Rhythm.of(None)


def test_on_target_bids_in_full_and_ahead_bids_less():
    noon = BEGIN + 12 * HOUR
    assert multipliers(purse(spent=12_000_000, day_spent=12_000_000), noon, EVEN)[0] == 1
    ahead = [multipliers(purse(spent=s, day_spent=s), noon, EVEN)[0] for s in (12_500_000, 13_000_000, 14_000_000)]
    assert 1 > ahead[0] > ahead[1] > ahead[2] > 0
    assert multipliers(purse(spent=20_000_000, day_spent=20_000_000), noon, EVEN)[0] < LEAST


def test_behind_bids_in_full_not_more():
    assert multipliers(purse(), BEGIN + 20 * HOUR, EVEN)[0] == 1


def test_what_is_expected_for_open_impressions_counts_as_spent():
    noon = BEGIN + 12 * HOUR
    charged = multipliers(purse(spent=13_000_000, day_spent=13_000_000), noon, EVEN)
    expected = multipliers(purse(spent=12_000_000, day_spent=12_000_000, reserved=1_000_000), noon, EVEN)
    assert np.allclose(charged, expected)


def test_allowance_spreads_what_is_left_over_the_days_left():
    week = purse(budget=70_000_000, ends=BEGIN + 7 * DAY)
    assert allowance(week, BEGIN + HOUR, EVEN)[0] == 10_000_000
    later = purse(budget=70_000_000, spent=35_000_000, ends=BEGIN + 7 * DAY)
    assert np.isclose(allowance(later, BEGIN + 2 * DAY, EVEN)[0], 7_000_000)


def test_day_budget_is_the_allowance():
    assert allowance(purse(day_budget=5_000_000, ends=BEGIN + 9 * DAY), BEGIN, EVEN)[0] == 5_000_000


def test_started_at_noon_spends_the_rest_of_the_day_evenly():
    noon = BEGIN + 12 * HOUR
    started = purse(budget=12_000_000, since=noon)
    assert multipliers(started, noon + 1, EVEN)[0] == 1
    burst = purse(budget=12_000_000, spent=3_000_000, day_spent=3_000_000, since=noon)
    assert multipliers(burst, noon + HOUR, EVEN)[0] < 1


def test_rhythm_moves_the_target_to_where_the_traffic_is():
    hours = np.zeros(24, np.int64)
    hours[18:22] = 1000
    evening = Rhythm.of(hours)
    half = purse(spent=12_000_000, day_spent=12_000_000)
    assert multipliers(half, BEGIN + 12 * HOUR, evening)[0] < LEAST
    assert multipliers(half, BEGIN + 21 * HOUR, evening)[0] == 1


@given(st.integers(0, 23), st.lists(st.integers(0, 10_000), min_size=24, max_size=24))
def test_rhythm_adds_up_to_a_day(hour, hours):
    rhythm = Rhythm.of(np.array(hours))
    at = BEGIN + hour * HOUR + 17
    assert np.isclose(rhythm.between(at, at + DAY), 1)
    assert np.isclose(rhythm.between(BEGIN, at) + rhythm.between(at, BEGIN + DAY), 1)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_affordable_never_exceeds_either_budget(budget, day_budget, spent, reserved):
    most = int(
        affordable(purse(budget=budget, day_budget=day_budget, spent=spent, day_spent=spent // 2, reserved=reserved))[0]
    )
    assert 0 <= most <= max(budget - spent - reserved, 0)
    if day_budget:
        assert most <= max(day_budget - spent // 2 - reserved, 0)
