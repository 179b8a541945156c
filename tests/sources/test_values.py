"""Values as files have them: times, ids, counts, lists."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.sources import values as v

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
COLUMNS = [v.texts, v.ids, v.times, v.counts, v.flags, v.lists]


@given(st.lists(JUNK, max_size=8))
def test_no_value_breaks_a_column(values: list[object]) -> None:
    for convert in COLUMNS:
        bad: v.Bad = {}
        assert len(convert(values, "a", bad)) == len(values)
        assert set(bad) <= set(range(len(values)))
    assert len(v.numbers(values, "a", {}, 1.0)) == len(values)


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)).map(lambda t: t.replace(microsecond=0, tzinfo=UTC))


@given(MOMENTS)
def test_a_time_is_the_same_however_it_is_written(moment: datetime) -> None:
    ms = round(moment.timestamp()) * 1000
    written = [
        moment.isoformat(),
        moment.isoformat().replace("+00:00", "Z"),
        moment.isoformat(" "),
        moment.replace(tzinfo=None).isoformat(),
        moment.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        ms // 1000,
        str(ms // 1000),
        float(ms // 1000),
        moment,
    ]
    assert [v.time(each) for each in written] == [ms] * len(written)


def test_large_numbers_of_a_time_are_milli_micro_or_nanoseconds() -> None:
    ms = 1_577_836_800_123
    assert [v.time(ms), v.time(ms * 1000), v.time(ms * 1_000_000), v.time(str(ms))] == [ms] * 4


def test_a_zone_is_reckoned_in() -> None:
    assert v.time("Wed Jan 01 07:00:00 +0700 2020") == v.time("2020-01-01T00:00:00Z") == 1_577_836_800_000


@pytest.mark.parametrize("value", ["soon", "2020-13-01", "Sat Foo 18 12:33:11 +0000 2023", [], {}, True])
def test_what_is_no_time_is_refused(value: object) -> None:
    bad: v.Bad = {}
    assert v.times([value], "created_at", bad) == [0]
    assert bad == {0: "created_at is not a time"}


def test_a_rounded_id_is_refused() -> None:
    bad: v.Bad = {}
    assert v.ids([7.0, 1.0e18, "@lan ", 2**70, None], "id", bad) == ["7", "", "lan", str(2**70), ""]
    assert bad == {1: "id is not an id"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [('["a", "b"]', ("a", "b")), ("a, b;c", ("a", "b", "c")), (["@a", 1, None], ("a", "1")), ([], ()), (None, ())],
)
def test_lists_are_read_in_every_form(value: object, expected: tuple[str, ...]) -> None:
    assert v.list_(value) == expected


@pytest.mark.parametrize(
    ("tag", "expected"), [("EN", "en"), ("in", "id"), ("und", ""), ("zh_CN", "zh-cn"), ("qme", ""), ("que", "que")]
)
def test_language_tags_are_made_alike(tag: str, expected: str) -> None:
    assert v.lang(tag) == expected
