"""Lift: what a campaign caused, from people reached and people held out at random. Pure functions of counts.

Interval at one look: Newcombe's hybrid score interval (1998, method 10), which keeps its 95 % where outcomes are few.
For any number of looks: the asymptotic confidence sequence with a normal mixture (Waudby-Smith, Arbour, Sinha, Kennedy,
Ramdas 2024). And a check that the split is the one drawn: where the sample ratio does not fit, nothing is reported.
"""

import math

from scipy.special import bdtr, bdtrc, ndtri

from myna.ads.types import Lift
from myna.i18n import N_

LEAST_PEOPLE = 50
"""On each side."""
LEAST_OUTCOMES = 5
"""On both sides together: below, the interval only says that nothing is known."""
MISMATCH = 0.0005
"""A split less probable than this is no accident: something drops people of one side."""
TUNED_FOR = 10_000
"""People at which the confidence sequence is tightest. Fixed beforehand: choosing it by the data would break it."""

NO_HOLDOUT = N_("Nobody is held out from this campaign, so what it caused cannot be told.")
MISMATCHED = N_("The people held out are not the share that was drawn; something lost people of one side.")
TOO_FEW = N_("Too few people or outcomes yet.")


def lift(
    treated: int,
    held_out: int,
    treated_outcomes: int,
    held_out_outcomes: int,
    holdout: float,
    level: float = 0.95,
) -> Lift:
    """The lift from counts of people and of those with an outcome on each side. holdout: the share that was drawn."""
    rates = [k / n if n else 0.0 for k, n in ((treated_outcomes, treated), (held_out_outcomes, held_out))]
    difference = rates[0] - rates[1]
    low, high = newcombe(treated_outcomes, treated, held_out_outcomes, held_out, level)
    always = always_valid(treated_outcomes, treated, held_out_outcomes, held_out, holdout, level)
    reason = ""
    if holdout <= 0:
        reason = NO_HOLDOUT
    elif mismatched(treated, held_out, holdout):
        reason = MISMATCHED
    elif min(treated, held_out) < LEAST_PEOPLE or treated_outcomes + held_out_outcomes < LEAST_OUTCOMES:
        reason = TOO_FEW
    return Lift(treated, held_out, rates[0], rates[1], difference, low, high, not reason, always[0], always[1], reason)


def wilson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The score interval of one rate (Wilson 1927); (0, 1) where nobody was asked."""
    if n == 0:
        return 0.0, 1.0
    z = _z(level)
    rate = k / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def newcombe(k1: int, n1: int, k2: int, n2: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of the difference of two rates, k1 / n1 - k2 / n2; (-1, 1) where a side is empty."""
    if not n1 or not n2:
        return -1.0, 1.0
    p1, p2 = k1 / n1, k2 / n2
    low1, high1 = wilson(k1, n1, level)
    low2, high2 = wilson(k2, n2, level)
    return (
        p1 - p2 - math.hypot(p1 - low1, high2 - p2),
        p1 - p2 + math.hypot(high1 - p1, p2 - low2),
    )


def always_valid(
    k1: int, n1: int, k2: int, n2: int, holdout: float, level: float = 0.95, tuned_for: int = TUNED_FOR
) -> tuple[float, float]:
    """The confidence sequence of the difference now: with all later and earlier ones, wrong in 5 % of campaigns.

    Each person adds (outcome - rate) / (share of their side), signed; the width comes from those terms' variance.
    """
    n = n1 + n2
    # It holds asymptotically, so it begins where both sides have people enough; from there on, at every look.
    if min(n1, n2) < LEAST_PEOPLE or not 0 < holdout < 1:
        return -1.0, 1.0
    # A small side that happens to have few outcomes would also seem to vary little: with each side's own rate 5 to 8 %
    # of campaigns without effect gave a false alarm at some look. At least the rate of both sides: 1 %.
    pooled = (k1 + k2 + 1) / (n + 2)
    s1, s2 = max((k1 + 1) / (n1 + 2), pooled), max((k2 + 1) / (n2 + 2), pooled)
    variance = s1 * (1 - s1) / (1 - holdout) + s2 * (1 - s2) / holdout
    alpha = 1 - level
    rho2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tuned_for
    inside = (n * rho2 + 1) / (n * n * rho2) * 2 * math.log(math.sqrt(n * rho2 + 1) / alpha)
    half = math.sqrt(variance * inside)
    difference = k1 / n1 - k2 / n2
    return max(difference - half, -1.0), min(difference + half, 1.0)


def mismatched(treated: int, held_out: int, holdout: float) -> bool:
    """Whether the split is not the one drawn (sample ratio mismatch), by the exact binomial test."""
    n = treated + held_out
    as_few = float(bdtr(held_out, n, holdout))
    as_many = float(bdtrc(held_out - 1, n, holdout)) if held_out else 1.0
    return n > 0 and 2 * min(as_few, as_many) < MISMATCH


def _z(level: float) -> float:
    return float(ndtri(0.5 + level / 2))
