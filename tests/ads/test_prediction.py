"""pClick is calibrated on what it was counted from, and finds planted rates."""

import numpy as np

from myna.ads.prediction import Clicks, bases, quality


def test_unknown_campaigns_start_at_one_percent():
    assert np.allclose(bases(np.array([0]), np.array([0]), Clicks().mean), 0.01)


def test_finds_planted_rates_and_the_factor_of_fit():
    rng = np.random.default_rng(1)
    true = rng.uniform(0.005, 0.05, 20)
    lifted = {"interest": 2.0, "words": 1.0, "broad": 0.7}
    clicks = Clicks()
    shown, clicked = np.zeros(20, np.int64), np.zeros(20, np.int64)
    foretold = happened = 0.0
    for step in range(60_000):
        campaign, kind = int(rng.integers(20)), ("interest", "words", "broad")[int(rng.integers(3))]
        base = float(bases(shown[campaign], clicked[campaign], clicks.mean))
        p = base * clicks.factors()[kind]
        click = rng.random() < true[campaign] * lifted[kind] / 1.2333
        if step > 10_000:
            foretold, happened = foretold + p, happened + click
        clicks.shown(kind, base)
        shown[campaign] += 1
        if click:
            clicks.clicked(kind)
            clicked[campaign] += 1
    factors = clicks.factors()
    assert factors["interest"] > 1.35 > 0.95 > factors["words"] > factors["broad"]
    assert abs(foretold / happened - 1) < 0.05
    assert np.corrcoef(bases(shown, clicked, clicks.mean), true)[0, 1] > 0.95


def test_complaints_make_an_ad_worth_less_but_never_nothing():
    assert quality(0, 0) == 1
    assert 0.1 <= quality(100, 50) < quality(100, 5) < quality(100, 0) == 1
