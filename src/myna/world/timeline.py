"""When people write and read: the hour of the day where they live, their own habits, and the day of the week."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from myna.world.people import NIGHT_SHIFTS, ZONE_NAMES, People
from myna.world.streams import stream
from myna.world.types import HOUR, Floats, Ints

BY_HOUR = np.array(
    [
        0.35,
        0.18,
        0.1,
        0.07,
        0.07,
        0.14,
        0.4,
        0.85,
        1.05,
        0.95,
        0.9,
        0.95,
        1.2,
        1.1,
        0.9,
        0.85,
        0.9,
        1.05,
        1.25,
        1.45,
        1.6,
        1.55,
        1.25,
        0.75,
    ]
)
"""How much is done at each local hour: a low before dawn, a bump at noon, a high in the evening."""
BY_WEEKDAY = np.array([1.0, 1.0, 1.02, 1.0, 0.95, 1.08, 1.15])
"""Monday first."""
WEEKEND_LATER = 1
"""On Saturdays and Sundays the day begins an hour later."""


@dataclass(frozen=True, slots=True)
class Clock:
    """start: first millisecond. local: (hours + 1, zones) the local hour, with fractions. weights: (hours, zones,
    shifts) how much somebody of that zone and that shift does in that hour."""

    start: int
    hours: int
    local: Floats
    weights: Floats

    def of(self, people: People) -> Ints:
        """The column of weights, flattened over zones and shifts, that each person lives by."""
        shifts = np.array(sorted(set(NIGHT_SHIFTS)))
        return people.zone * len(shifts) + np.searchsorted(shifts, people.late)

    def is_late(self, hour: Ints, zone: Ints) -> Floats:
        """1 between 23:00 and 5:00 where they live, else 0."""
        local = self.local[hour, zone]
        return ((local >= 23) | (local < 5)).astype(np.float64)


def make(end: int, days: int) -> Clock:
    """The clock of a history of so many days that ends there."""
    start = end - days * 24 * HOUR
    hours = days * 24
    local = np.empty((hours + 1, len(ZONE_NAMES)))
    weekday = np.empty((hours + 1, len(ZONE_NAMES)), np.int64)
    for column, name in enumerate(ZONE_NAMES):
        zone = ZoneInfo(name)
        for hour in range(hours + 1):
            there = datetime.fromtimestamp((start + hour * HOUR) / 1000, UTC).astimezone(zone)
            local[hour, column] = there.hour + there.minute / 60
            weekday[hour, column] = there.weekday()
    shifts = np.array(sorted(set(NIGHT_SHIFTS)))
    felt = local[:-1, :, None] - shifts - np.where(weekday[:-1, :, None] >= 5, WEEKEND_LATER, 0)
    weights = BY_HOUR[np.floor(felt).astype(np.int64) % 24] * BY_WEEKDAY[weekday[:-1], None]
    return Clock(start, hours, local, weights)


@dataclass(frozen=True, slots=True)
class Sessions:
    """When people sit down to read. keys: person * span + milliseconds since the start, sorted."""

    span: int
    keys: Ints

    def after(self, person: Ints, since_start: Ints) -> tuple[Ints, Ints]:
        """The first session of each person after that time, and its start; -1 where there is none."""
        if not len(self.keys):
            none = np.full(len(person), -1, np.int64)
            return none, none
        at = np.searchsorted(self.keys, person * self.span + since_start)
        found = self.keys[np.minimum(at, len(self.keys) - 1)]
        held = (at < len(self.keys)) & (found // self.span == person)
        return np.where(held, at, -1), np.where(held, found % self.span, -1)


def sessions(people: People, clock: Clock, count: int, seed: int) -> Sessions:
    """So many sessions, in proportion to how much people read and to when they are awake."""
    rng = stream(seed, "sessions")
    span = (clock.hours + 2) * HOUR
    if not count:
        return Sessions(span, np.zeros(0, np.int64))
    ends = np.cumsum(people.reads)
    person = np.searchsorted(ends, rng.random(count) * ends[-1], "right")
    column = clock.of(people)[person]
    weights = clock.weights.reshape(clock.hours, -1)
    drawn = rng.random(count)
    hour = np.empty(count, np.int64)
    for each in np.unique(column):
        rows = np.flatnonzero(column == each)
        by_hour = np.cumsum(weights[:, each])
        hour[rows] = np.searchsorted(by_hour, drawn[rows] * by_hour[-1], "right")
    within = (rng.random(count) * HOUR).astype(np.int64)
    return Sessions(span, np.unique(person * span + hour * HOUR + within))
