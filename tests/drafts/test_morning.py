import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from myna.drafts.morning import LEAST, local, next_morning, zone_of

HOUR = 3_600_000
FIRST, LAST = datetime(2006, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _jumps(zone: ZoneInfo) -> list[datetime]:
    """Days of these twenty years on which the offset of the zone changes."""
    found = []
    day = FIRST
    offset = day.astimezone(zone).utcoffset()
    while day < LAST:
        day += timedelta(days=7)
        now = day.astimezone(zone).utcoffset()
        if now != offset:
            found.append(day)
            offset = now
    return found


def test_it_is_nine_there_at_most_33_hours_away_in_every_zone_for_twenty_years() -> None:
    rng = random.Random(5)
    span = _ms(LAST) - _ms(FIRST)
    asked = gaps = 0
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        moments = [_ms(FIRST) + rng.randrange(span) for _ in range(60)]
        # Around each jump, every hour of the week that holds it would be much: a handful of random ones.
        moments += [_ms(day) - rng.randrange(9 * 24 * HOUR) for day in _jumps(zone) for _ in range(6)]
        for now in moments:
            morning = next_morning(now, zone)
            asked += 1
            assert LEAST <= morning - now <= 33 * HOUR, (name, now)
            there = local(morning, zone)
            if (there.hour, there.minute, there.second) != (9, 0, 0):
                # Only where nine o'clock is skipped: a moment before, it is earlier than nine.
                gaps += 1
                assert local(morning - 1, zone).replace(tzinfo=None) < there.replace(tzinfo=None, hour=9), (name, now)
    assert asked > 40_000 and gaps < asked / 1000


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("Europe/Berlin", "2026-03-28T22:00+01:00", "2026-03-29T09:00+02:00"),  # clocks put forward in the night
        ("Europe/Berlin", "2026-10-24T22:00+02:00", "2026-10-25T09:00+01:00"),
        ("Asia/Ho_Chi_Minh", "2026-05-01T02:30+07:00", "2026-05-01T09:00+07:00"),
        ("Asia/Ho_Chi_Minh", "2026-05-01T08:30+07:00", "2026-05-02T09:00+07:00"),  # half an hour is no night
        ("Asia/Kathmandu", "2026-05-01T23:00+05:45", "2026-05-02T09:00+05:45"),
        ("Pacific/Apia", "2011-12-29T10:00-10:00", "2011-12-31T09:00+14:00"),  # there was no 30 December
    ],
)
def test_mornings_that_are_easily_got_wrong(zone: str, now: str, expected: str) -> None:
    found = next_morning(_ms(datetime.fromisoformat(now)), ZoneInfo(zone))
    assert found == _ms(datetime.fromisoformat(expected))


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "Europe", "/etc/passwd", "../../etc/passwd", "a\x00b", "x" * 5000, "\ud800"]
)
def test_a_zone_that_is_none_is_utc_and_known_to_be_so(name: str) -> None:
    assert zone_of(name) == (UTC, False)


def test_a_zone_is_found_by_its_name() -> None:
    zone, known = zone_of("Asia/Ho_Chi_Minh")
    assert known and zone == ZoneInfo("Asia/Ho_Chi_Minh")
