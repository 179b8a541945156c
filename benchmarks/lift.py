"""Lift: do the intervals hold what they promise, and what would others have reported of the same campaigns?

    myna bench lift [--file customers.parquet] [--quick]

Simulated campaigns with a planted effect, by a generator of this file that shares nothing with the estimator: people
differ in how much they like the author's posts anyway, and the ad reaches those who like them more (selection by the
auction). Then, where Hillstrom's e-mail experiment is at hand, a replay: samples of it as campaigns with a holdout of a
tenth, against the known answer of the whole.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from result import Row

from myna.ads.measurement import always_valid, lift, newcombe
from myna.ads.serving import draw

HILLSTROM = "hillstrom_email_2008/customers.parquet"
HOLDOUT = 0.1


@dataclass(frozen=True)
class Simulated:
    """One campaign: of each person whether reached, held out (ghost) or neither, and whether they had an outcome."""

    reached: np.ndarray
    ghost: np.ndarray
    outcome: np.ndarray


def simulate(number: int, people: int, effect: float) -> Simulated:
    """A campaign whose ad raises each reached person's probability of an outcome by `effect`."""
    rng = np.random.default_rng([11, number])
    liking = rng.beta(1, 24, people)
    would_win = rng.random(people) < np.clip(liking * 8, 0.05, 0.95)  # the auction finds those who like it anyway
    held = np.array([draw(f"campaign {number}", f"person {n}") < HOLDOUT for n in range(people)])
    reached, ghost = would_win & ~held, would_win & held
    outcome = rng.random(people) < np.clip(liking + effect * reached, 0, 1)
    return Simulated(reached, ghost, outcome)


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """All rows."""
    yield from planted(quick)
    yield from peeking(quick)
    found = _hillstrom(data)
    if found is not None:
        yield from hillstrom(found, quick)


def planted(quick: bool) -> Iterator[Row]:
    """Coverage with an effect, false alarms without: ours and the comparison of those reached with those not."""
    runs, people = (300, 8_000) if quick else (2_000, 20_000)
    for effect in (0.02, 0.0):
        covered = naive_covered = alarms = naive_alarms = 0
        estimates, naive = [], []
        for number in range(runs):
            found = simulate(number + (0 if effect else 10_000), people, effect)
            treated, held = int(found.reached.sum()), int(found.ghost.sum())
            ours = lift(
                treated,
                held,
                int((found.reached & found.outcome).sum()),
                int((found.ghost & found.outcome).sum()),
                HOLDOUT,
            )
            others = ~found.reached
            difference = found.outcome[found.reached].mean() - found.outcome[others].mean()
            low, high = newcombe(
                int((found.reached & found.outcome).sum()), treated,
                int((others & found.outcome).sum()), int(others.sum()),
            )  # fmt: skip
            covered += ours.low <= effect <= ours.high
            alarms += ours.low > 0 or ours.high < 0
            naive_covered += low <= effect <= high
            naive_alarms += low > 0 or high < 0
            estimates.append(ours.difference)
            naive.append(difference)
        name = "reached against not reached"
        if effect:
            yield Row(
                f"95 % interval holds the planted effect ({runs} campaigns, ±{196 * (0.0475 / runs) ** 0.5:.1f})", "%",
                100 * covered / runs, {name: 100 * naive_covered / runs}, 95 - 196 * (0.0475 / runs) ** 0.5,
            )  # fmt: skip
            yield Row(
                "mean estimate, where the truth is 2.00", "points", 100 * float(np.mean(estimates)),
                {name: 100 * float(np.mean(naive))},
            )  # fmt: skip
        else:
            yield Row(
                f"campaigns without effect that seem to have one ({runs} campaigns)", "%", 100 * alarms / runs,
                {name: 100 * naive_alarms / runs}, 5 + 196 * (0.0475 / runs) ** 0.5, more_is_better=False,
            )  # fmt: skip


def peeking(quick: bool) -> Iterator[Row]:
    """False alarms of who looks again and again and stops at the first sign, and effects found by the end."""
    runs, people = (300, 10_000) if quick else (1_000, 20_000)
    looks = np.unique(np.geomspace(100, people, 100).astype(int)) - 1
    for effect in (0.0, 0.03):
        always = fixed = 0
        for number in range(runs):
            rng = np.random.default_rng([12, number, int(effect * 1000)])
            ghost = rng.random(people) < HOLDOUT
            outcome = rng.random(people) < 0.05 + effect * ~ghost
            n1, n2 = np.cumsum(~ghost)[looks], np.cumsum(ghost)[looks]
            k1, k2 = np.cumsum(~ghost & outcome)[looks], np.cumsum(ghost & outcome)[looks]
            counts = list(zip(k1.tolist(), n1.tolist(), k2.tolist(), n2.tolist(), strict=True))
            always += any(low > 0 or high < 0 for low, high in (always_valid(*c, HOLDOUT) for c in counts))
            fixed += any(low > 0 or high < 0 for low, high in (newcombe(*c) for c in counts))
        name = "95 % interval, looked at as often"
        if effect:
            yield Row(
                "an effect of 3 points on 5 found while peeking", "%", 100 * always / runs, {name: 100 * fixed / runs}
            )
        else:
            yield Row(
                f"false alarms with {len(looks)} looks", "%", 100 * always / runs, {name: 100 * fixed / runs}, 5.0,
                more_is_better=False,
            )  # fmt: skip


def _hillstrom(data: Path | None) -> Path | None:
    if data is None:
        where = os.environ.get("MYNA_DATA")
        data = Path(where) if where else Path(__file__).parents[1].parent / "shared" / "data"
    for path in (data, data / HILLSTROM, data / Path(HILLSTROM).name):
        if path.is_file() and path.suffix == ".parquet":
            return path
    return None


def hillstrom(path: Path, quick: bool) -> Iterator[Row]:
    """Replays campaigns out of a real randomised experiment: intervals from samples against the whole's answer."""
    table = pl.read_parquet(path)
    runs, sample = (200, 6_000) if quick else (1_000, 6_000)
    for segment in ("Mens E-Mail", "Womens E-Mail"):
        mailed = table.filter(pl.col("segment") == segment)["visit"].to_numpy().astype(bool)
        without = table.filter(pl.col("segment") == "No E-Mail")["visit"].to_numpy().astype(bool)
        truth = float(mailed.mean() - without.mean())
        covered, estimates = 0, []
        for number in range(runs):
            rng = np.random.default_rng([13, number])
            held = int(rng.binomial(sample, HOLDOUT))
            treated = rng.choice(mailed, sample - held)
            control = rng.choice(without, held)
            found = lift(sample - held, held, int(treated.sum()), int(control.sum()), HOLDOUT)
            covered += found.low <= truth <= found.high
            estimates.append(found.difference)
        yield Row(
            f"Hillstrom, {segment}: interval of {sample:,} people holds the whole's {100 * truth:+.2f} points", "%",
            100 * covered / runs, {}, 95 - 196 * (0.0475 / runs) ** 0.5,
        )  # fmt: skip
        yield Row(f"Hillstrom, {segment}: mean estimate", "points of visits", 100 * float(np.mean(estimates)))
