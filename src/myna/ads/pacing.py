"""Spending spread over the day: how much of its bid a campaign bids now. Pure functions of what the log says.

A campaign has an allowance for the day and a target that grows from 0 to it along the network's own rhythm. Its
multiplier is exp(GAIN x (target - committed) / an hour's worth), at most 1, where committed is what was charged today
and what is expected to be charged for ads shown but not yet clicked. This is dual mirror descent with the entropic
mirror map and target tracking (Balseiro, Lu, Mirrokni 2023), summed up: the sum of all its steps so far is the
difference of target and spending, so the state needs no memory of its own and is found in the log after a crash.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOUR = 3_600_000
DAY = 24 * HOUR
GAIN = 2.0
"""Nats of bid per hour's worth of overspending. Higher holds tighter and jumps more; measured in benchmarks/ads.py."""
LEAST = 0.05
"""Below this share of its bid a campaign waits instead of bidding."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def day_of(at: int) -> int:
    """The day (UTC) of a time, as its first millisecond."""
    return at - at % DAY


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the network's traffic spreads over the 24 hours of a day (UTC). cumulative: (25,) from 0 to 1."""

    cumulative: Floats

    @classmethod
    def of(cls, hours: Ints | None) -> "Rhythm":
        """From slots counted by hour over whole days, (24,); even where None. A twentieth is always spread evenly."""
        total = 0 if hours is None else int(hours.sum())
        share = np.full(24, 1 / 24) if hours is None or total == 0 else 0.95 * hours / total + 0.05 / 24
        cumulative = np.concatenate(([0.0], np.cumsum(share)))
        return cls(cumulative / cumulative[-1])

    def until(self, at: Ints | int) -> Floats:
        """Days of traffic since the epoch, fractions by the rhythm."""
        days, rest = np.divmod(np.asarray(at, np.int64), DAY)
        hours = rest / HOUR
        whole = np.minimum(hours.astype(np.int64), 23)
        below = self.cumulative[whole]
        result: Floats = days + below + (self.cumulative[whole + 1] - below) * (hours - whole)
        return result

    def between(self, start: Ints | int, end: Ints | int) -> Floats:
        """Days of traffic between two times, 0 where end is before start."""
        passed: Floats = np.maximum(self.until(end) - self.until(start), 0.0)
        return passed


@dataclass(frozen=True, slots=True)
class Purse:
    """Money and times of campaigns, each (campaigns,) int64: micros and milliseconds.

    since: when it was last started; before: what today's spending was then. reserved: expected for open impressions.
    """

    budget: Ints
    day_budget: Ints
    spent: Ints
    day_spent: Ints
    before: Ints
    reserved: Ints
    starts: Ints
    ends: Ints
    since: Ints


def allowance(purse: Purse, now: int, rhythm: Rhythm) -> Floats:
    """What may be spent today from the day's begin (or the campaign's start in it) on. (campaigns,) micros.

    The day budget where there is one; else what is left, spread over the rest of the flight.
    """
    begin, end = _today(purse, now)
    left = np.maximum(purse.budget - purse.spent + purse.day_spent - purse.before, 0).astype(np.float64)
    share = rhythm.between(begin, end) / np.maximum(rhythm.between(begin, purse.ends), 1e-9)
    whole = np.where(
        purse.day_budget > 0, np.minimum(left, np.maximum(purse.day_budget - purse.before, 0)), left * share
    )
    granted: Floats = np.minimum(whole, left)
    return granted


def multipliers(purse: Purse, now: int, rhythm: Rhythm) -> Floats:
    """The share of its bid that each campaign bids now, in (0, 1]; below LEAST it should wait. (campaigns,)"""
    begin, end = _today(purse, now)
    whole = allowance(purse, now, rhythm)
    passed = rhythm.between(begin, np.minimum(np.int64(now), end))
    target = whole * passed / np.maximum(rhythm.between(begin, end), 1e-9)
    hours = np.maximum((end - begin) / HOUR, 1.0)
    committed = purse.day_spent - purse.before + purse.reserved
    ahead = (committed - target) / np.maximum(whole / hours, 1.0)
    result: Floats = np.exp(-GAIN * np.maximum(ahead, 0.0))
    return result


def affordable(purse: Purse) -> Ints:
    """The most a click may cost now, so that neither budget can be overspent. (campaigns,) micros, 0 for none."""
    total = purse.budget - purse.spent - purse.reserved
    today = np.where(purse.day_budget > 0, purse.day_budget - purse.day_spent - purse.reserved, total)
    most: Ints = np.maximum(np.minimum(total, today), 0)
    return most


def _today(purse: Purse, now: int) -> tuple[Ints, Ints]:
    day = day_of(now)
    begin = np.maximum(np.maximum(purse.starts, purse.since), day)
    return begin, np.maximum(np.minimum(purse.ends, day + DAY), begin + 1)
