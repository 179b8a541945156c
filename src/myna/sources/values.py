"""From a column of values as a file has them to a column of one type. What cannot be converted is noted by row.

A column is a list of Python values, None for missing. `bad` maps a row's index to why its record is left out; the
first reason stands. The usual case, all values of the right type already, is a check in C and costs almost nothing.
"""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import repeat
from typing import Any
from zoneinfo import available_timezones

import orjson

Bad = dict[int, str]

UNFIT = object()
"""Stands for a value that Python cannot hold: it is of no type, so that no column takes it."""

_SECONDS = 100_000_000_000
"""A number of a time below this is in seconds (until the year 5138), else in milliseconds, micro- or nanoseconds."""
_EXACT = 2**53
_NO_LANG = frozenset("und unk unknown none nan null zxx mul mis art qme qht qam qst qct".split())
"""What says that the language is not known, Twitter's own codes (from `qme`) among them."""
_OLD_LANG = {"in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro", "msa": "ms", "fil": "tl"}
_TWITTER_TIME = re.compile(r"\w{3} (\w{3}) (\d{1,2}) (\d\d):(\d\d):(\d\d) ([+-]\d{4}) (\d{4})", re.ASCII)
_MONTHS = {name: place for place, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_YES = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_NO = frozenset({"false", "f", "no", "n", "0", "0.0", "", "nan", "none", "null"})
_LIST = re.compile(r"[\s,;|]+")


class Unfit(ValueError):
    """A value that is not what its column should hold."""


def _column(values: Sequence[Any], name: str, what: str, convert: Callable[[Any], Any], blank: Any, bad: Bad) -> Any:
    out = []
    for row, value in enumerate(values):
        try:
            out.append(convert(value))
        except (ValueError, TypeError, OverflowError, RecursionError):
            out.append(blank)
            bad.setdefault(row, f"{name} is not {what}")
    return out


def _types(values: Sequence[Any]) -> set[type]:
    return set(map(type, values))


def texts(values: Sequence[Any], name: str, bad: Bad) -> list[str]:
    """Text; "" where missing."""
    types = _types(values)
    if types <= {str}:
        return list(values)
    if types <= {str, type(None)}:
        return [value or "" for value in values]
    return _column(values, name, "text", text, "", bad)  # type: ignore[no-any-return]


def ids(values: Sequence[Any], name: str, bad: Bad) -> list[str]:
    """Ids as text, without a leading @; "" where missing."""
    types = _types(values)
    if types <= {str, type(None)}:
        return [value.strip().removeprefix("@") if value else "" for value in values]
    if types <= {int}:
        return list(map(str, values))
    return _column(values, name, "an id", id_, "", bad)  # type: ignore[no-any-return]


def times(values: Sequence[Any], name: str, bad: Bad) -> list[int]:
    """Milliseconds since the epoch; 0 where missing."""
    return _column(values, name, "a time", time, 0, bad)  # type: ignore[no-any-return]


def counts(values: Sequence[Any], name: str, bad: Bad) -> list[int]:
    """Whole numbers; 0 where missing."""
    types = _types(values)
    if types <= {int}:
        return list(values)
    if types <= {int, type(None)}:
        return [value or 0 for value in values]
    return _column(values, name, "a whole number", count, 0, bad)  # type: ignore[no-any-return]


def flags(values: Sequence[Any], name: str, bad: Bad) -> list[bool]:
    """Yes or no; no where missing."""
    if _types(values) <= {bool}:
        return list(values)
    return _column(values, name, "true or false", flag, False, bad)  # type: ignore[no-any-return]


def numbers(values: Sequence[Any], name: str, bad: Bad, missing: float) -> list[float]:
    """Numbers; `missing` where missing."""
    return _column(values, name, "a number", lambda value: number(value, missing), missing, bad)  # type: ignore[no-any-return]


def lists(values: Sequence[Any], name: str, bad: Bad) -> list[tuple[str, ...]]:
    """Lists of text: as lists, as JSON, or as words with spaces or commas between; () where missing."""
    return _column(values, name, "a list", list_, (), bad)  # type: ignore[no-any-return]


def text(value: Any) -> str:
    """One text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | float | int):
        return "" if value != value else str(value)
    raise Unfit(value)


def id_(value: Any) -> str:
    """One id. A number that was rounded on its way (2^53 and more as floating point) is none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip().removeprefix("@")
    if isinstance(value, bool):
        raise Unfit(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
    raise Unfit(value)


def time(value: Any) -> int:
    """One time as milliseconds since the epoch, UTC: a number in seconds, milli-, micro- or nanoseconds; ISO 8601;
    Twitter's `Sat Feb 18 12:33:11 +0000 2023`; RFC 5322. Without a zone it is taken as UTC. 0 where missing."""
    if value is None or value == "":
        return 0
    if isinstance(value, str):
        return _read_time(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        if isinstance(value, datetime):
            return _from_datetime(value)
        raise Unfit(value)
    if isinstance(value, float) and math.isnan(value):
        return 0
    size = abs(value)
    if size < _SECONDS:
        return round(value * 1000)
    if size < _SECONDS * 1000:
        return round(value)
    if size < _SECONDS * 1_000_000:
        return round(value) // 1000
    return round(value) // 1_000_000


def _read_time(value: str) -> int:
    if found := _TWITTER_TIME.fullmatch(value):
        month, day, hour, minute, second, zone, year = found.groups()
        if month not in _MONTHS:
            raise Unfit(value)
        moment = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
        shift = (int(zone[1:3]) * 60 + int(zone[3:])) * 60_000
        return round(moment.timestamp()) * 1000 - (shift if zone[0] == "+" else -shift)
    try:
        return _from_datetime(datetime.fromisoformat(value))
    except ValueError:
        pass
    if value.lower() in ("nan", "nat", "none", "null"):
        return 0
    if len(value) < 40:
        try:
            return time(int(value))
        except ValueError:
            pass
        try:
            return time(float(value))
        except (ValueError, OverflowError):
            pass
        return _from_datetime(parsedate_to_datetime(value.removesuffix(" UTC") + " +0000" * value.endswith(" UTC")))
    raise Unfit(value)


def _from_datetime(value: datetime) -> int:
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return (value - datetime(1970, 1, 1, tzinfo=UTC)) // _MILLISECOND


_MILLISECOND = datetime(1970, 1, 1, 0, 0, 0, 1000) - datetime(1970, 1, 1)


def count(value: Any) -> int:
    """One whole number; 0 where missing."""
    if value is None or value == "":
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        if len(value) > 40:
            raise Unfit(value)
        value = float(value) if "." in value or "n" in value.lower() else int(value)
    if isinstance(value, float):
        if math.isnan(value):
            return 0
        if not value.is_integer():
            raise Unfit(value)
        return int(value)
    if isinstance(value, int):
        return value
    raise Unfit(value)


def number(value: Any, missing: float) -> float:
    """One number."""
    if value is None or value == "":
        return missing
    if isinstance(value, dict | list):
        raise Unfit(value)
    found = float(value)
    return missing if math.isnan(found) else found


def flag(value: Any) -> bool:
    """One yes or no; no where missing."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, int | float):
        if value in (0, 1):
            return bool(value)
    elif isinstance(value, str):
        if value.strip().lower() in _YES:
            return True
        if value.strip().lower() in _NO:
            return False
    raise Unfit(value)


def list_(value: Any) -> tuple[str, ...]:
    """One list of text."""
    if not value:
        return ()
    if isinstance(value, str):
        if not value.startswith("["):
            return tuple(word for word in _LIST.split(value) if word)
        value = orjson.loads(value)
    if not isinstance(value, list):
        raise Unfit(value)
    if _types(value) <= {str} and not any("@" in found or " " in found or "\n" in found for found in value):
        return tuple(filter(None, value))
    return tuple(" ".join(found.split()) for found in (id_(each) for each in value) if found)


@lru_cache(4096)
def lang(value: str) -> str:
    """A language tag in lower case, today's code for an old one; "" for what says that it is not known."""
    value = value.strip().lower().replace("_", "-")
    return "" if value in _NO_LANG else _OLD_LANG.get(value, value)


@lru_cache(4096)
def timezone(value: str) -> str | None:
    """The IANA name, UTC where missing, None for what is no IANA name."""
    if not value:
        return "UTC"
    return value if value in available_timezones() else None


def missing(count: int) -> list[Any]:
    """A column that a file does not have."""
    return list(repeat(None, count))
