"""When the author's next morning is: in their own zone, right also where clocks or dates jump.

A zone is what the author's profile says, an IANA name; it is never guessed from an address.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

HOUR = 9
"""Local hour at which a held draft comes back."""
LEAST = 3_600_000
"""Milliseconds: a morning nearer than this is no night's rest, and the next one is meant."""


def zone_of(name: str) -> tuple[tzinfo, bool]:
    """The zone of an IANA name, and whether it is one; UTC where it is not."""
    try:
        return ZoneInfo(name), True
    except (KeyError, ValueError, OSError):
        # Unknown names are KeyError, absolute paths and NULs ValueError, names of folders ("Europe") OSError.
        return UTC, False


def local(at: int, zone: tzinfo) -> datetime:
    """The wall clock there at this time (milliseconds UTC)."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)


def next_morning(now: int, zone: tzinfo, hour: int = HOUR) -> int:
    """The next time the clock there shows `hour`:00 that is at least an hour away, milliseconds UTC.

    Where that time is skipped (clocks put forward over it, or a whole day left out at the date line) it is the moment
    that the clock before the jump would have called so (PEP 495). Always in the future, at most 33 hours away.
    """
    day = local(now, zone).replace(tzinfo=None, hour=hour, minute=0, second=0, microsecond=0)
    for later in range(3):
        wall = day + timedelta(days=later)
        for fold in (0, 1):
            at = round(wall.replace(tzinfo=zone, fold=fold).timestamp() * 1000)
            if at - now >= LEAST:
                return at
    raise AssertionError("some morning of three days is an hour away")  # no zone has jumped two days
