"""People sleep at night where they live, and write more at the weekend."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from myna.network import Person, Post
from myna.world import World


def _local_hours(world: World) -> dict[str, np.ndarray]:
    zones, hours = {}, {}
    for batch in world.batches():
        for fact in batch:
            if isinstance(fact, Person):
                zones[fact.id] = fact.timezone
            elif isinstance(fact, Post):
                zone = zones[fact.author_id]
                there = datetime.fromtimestamp(fact.created_at / 1000, UTC).astimezone(ZoneInfo(zone))
                hours.setdefault(zone, []).append(there.hour)
    return {zone: np.bincount(some, minlength=24) / len(some) for zone, some in hours.items() if len(some) > 400}


def test_each_time_zone_has_its_low_before_dawn_and_its_high_in_the_evening(world: World):
    by_zone = _local_hours(world)
    assert len(by_zone) >= 5
    assert {"Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York"} <= by_zone.keys()
    for zone, share in by_zone.items():
        assert share[2:6].sum() < 0.11, zone
        assert share[17:23].sum() > 0.28, zone


def test_the_rhythm_is_the_zone_s_own_and_not_the_clock_s_in_london(world: World):
    utc = {}
    for batch in world.batches():
        for fact in batch:
            if isinstance(fact, Post) and fact.lang in ("ja", "de"):
                utc.setdefault(fact.lang, []).append(fact.created_at // 3_600_000 % 24)
    peak = {lang: np.bincount(hours, minlength=24)[range(10, 14)].sum() / len(hours) for lang, hours in utc.items()}
    # 10:00 to 14:00 UTC is the evening in Tokyo, and the early afternoon in Berlin.
    assert peak["ja"] > 1.15 * peak["de"]


def test_reading_has_the_same_rhythm(world: World):
    zone = world.people.zone[world.seen.reader]
    hour = (world.seen.at - world.start) // 3_600_000
    local = np.floor(world.clock.local[np.clip(hour, 0, world.clock.hours - 1), zone]).astype(int)
    share = np.bincount(local % 24, minlength=24) / len(local)
    assert share[2:6].sum() < 0.11
    assert share[17:23].sum() > 0.28


def test_saturdays_and_sundays_are_busier(world: World):
    zone = world.people.zone[world.posts.author]
    hour = (world.posts.created_at - world.start) // 3_600_000
    there = world.start + hour * 3_600_000 + (world.clock.local[hour, zone] * 3_600_000).astype(np.int64)
    days = np.bincount((world.posts.created_at // 86_400_000 + 3) % 7, minlength=7)
    counted = np.bincount((np.arange(world.start, world.end, 86_400_000) // 86_400_000 + 3) % 7, minlength=7)
    per_day = days / counted
    assert per_day[5:].mean() > 1.03 * per_day[:5].mean()
    assert len(there) == len(world.posts)
