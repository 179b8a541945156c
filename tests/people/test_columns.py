"""Columns that grow."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from myna.people.columns import Columns, Names


@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.booleans()), max_size=200))
def test_what_was_appended_is_there_in_order(rows: list[tuple[int, bool]]) -> None:
    columns = Columns(number=np.int64, flag=bool, vector=(np.float32, 3))
    for number, flag in rows:
        columns.append(number=number, flag=flag)
    assert list(zip(columns["number"].tolist(), columns["flag"].tolist(), strict=True)) == rows
    assert columns["vector"].shape == (len(rows), 3)


def test_a_copy_is_apart_and_grows_by_itself() -> None:
    columns = Columns(number=np.int64)
    columns.append(number=7)
    other = columns.copy()
    other["number"][0] = 8
    other.append(number=9)
    assert columns["number"].tolist() == [7] and other["number"].tolist() == [8, 9]


def test_a_name_keeps_its_row() -> None:
    names = Names(["a"])
    assert (names.add("b"), names.add("a"), names.row("b"), names.row("c")) == (1, 0, 1, -1)
