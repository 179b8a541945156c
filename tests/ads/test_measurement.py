"""Lift intervals hold what they promise against a planted truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.ads.measurement import MISMATCHED, NO_HOLDOUT, TOO_FEW, always_valid, lift, mismatched, newcombe


def simulated(rng, people, holdout, rate, effect):
    """Counts of one campaign: reached, held out, outcomes of each. Knows nothing of the estimator."""
    ghost = rng.random(people) < holdout
    inclination = rng.gamma(2.0, rate / 2, people)
    outcome = rng.random(people) < np.clip(np.where(ghost, inclination, inclination + effect), 0, 1)
    return int((~ghost).sum()), int(ghost.sum()), int((outcome & ~ghost).sum()), int((outcome & ghost).sum())


@pytest.mark.parametrize(("people", "rate", "effect"), [(2_000, 0.05, 0.02), (4_000, 0.01, 0.0), (20_000, 0.02, 0.004)])
def test_interval_covers_the_planted_truth_in_95_of_100_campaigns(people, rate, effect):
    rng = np.random.default_rng(7)
    runs = 1_500
    covered = 0
    for _ in range(runs):
        found = lift(*simulated(rng, people, 0.1, rate, effect), 0.1)
        covered += found.low <= effect <= found.high
    # Three standard errors of the count: 1.7 points with 1,500 campaigns.
    assert 0.95 - 0.017 <= covered / runs <= 0.95 + 0.025


def test_says_there_is_an_effect_where_there_is_none_in_5_of_100_campaigns_at_most():
    rng = np.random.default_rng(8)
    runs = 1_500
    false = 0
    for _ in range(runs):
        found = lift(*simulated(rng, 5_000, 0.1, 0.03, 0.0), 0.1)
        false += found.low > 0 or found.high < 0
    assert false / runs <= 0.05 + 0.017


def test_looking_at_every_person_keeps_the_false_alarms_below_5_in_100():
    rng = np.random.default_rng(9)
    runs, people = 400, 6_000
    looks = np.unique(np.geomspace(200, people, 120).astype(int))
    false = naive = 0
    for _ in range(runs):
        ghost = rng.random(people) < 0.1
        outcome = rng.random(people) < 0.05
        n2, k2 = np.cumsum(ghost), np.cumsum(ghost & outcome)
        n1, k1 = np.cumsum(~ghost), np.cumsum(~ghost & outcome)
        ever = ever_naive = False
        for look in looks - 1:
            counts = int(k1[look]), int(n1[look]), int(k2[look]), int(n2[look])
            low, high = always_valid(*counts, 0.1)
            ever |= low > 0 or high < 0
            low, high = newcombe(*counts)
            ever_naive |= low > 0 or high < 0
        false += ever
        naive += ever_naive
    assert false / runs <= 0.05
    assert naive / runs > 0.15  # what the fixed interval would do to who peeks: the reason for the other one


def test_always_valid_finds_a_real_effect_too():
    rng = np.random.default_rng(10)
    found = [
        always_valid(k1, n1, k2, n2, 0.2)
        for n1, n2, k1, k2 in (simulated(rng, 20_000, 0.2, 0.05, 0.03) for _ in range(50))
    ]
    assert sum(low > 0 for low, _ in found) > 45
    assert sum(low <= 0.03 <= high for low, high in found) >= 48


def test_refuses_a_split_that_was_not_drawn():
    found = lift(9_000, 700, 300, 10, 0.1)
    assert not found.enough and found.reason == MISMATCHED
    assert lift(9_000, 1_000, 300, 30, 0.1).enough


def test_drawn_splits_are_seldom_refused():
    rng = np.random.default_rng(11)
    refused = sum(mismatched(2_000 - k, k, 0.1) for k in rng.binomial(2_000, 0.1, 4_000).tolist())
    assert refused <= 8


def test_says_why_it_cannot_tell():
    assert lift(5_000, 0, 100, 0, 0.0).reason == NO_HOLDOUT
    assert lift(20, 2, 1, 0, 0.1).reason == TOO_FEW


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_intervals_hold_the_estimate_and_lie_within_possible_differences(k1, more1, k2, more2):
    n1, n2 = k1 + more1, k2 + more2
    low, high = newcombe(k1, n1, k2, n2)
    assert -1 - 1e-9 <= low <= high <= 1 + 1e-9
    if n1 and n2:
        assert low - 1e-9 <= k1 / n1 - k2 / n2 <= high + 1e-9
