"""The vector files: near the exact order, and whole after any crash."""

import os
from pathlib import Path

import numpy as np
import pytest

from myna.search.vectors import Vectors


def made(count: int, dimension: int = 96, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    clusters = np.random.default_rng(9).standard_normal((40, dimension))
    rows = clusters[draw.integers(0, 40, count)] + 0.7 * draw.standard_normal((count, dimension)) + 0.5
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_the_nearest_are_nearly_those_of_an_exact_search(tmp_path: Path) -> None:
    rows = made(6000)
    vectors = Vectors(tmp_path, "v")
    vectors.append(range(1, 3001), rows[:3000])
    vectors.append(range(3001, 6001), rows[3000:])
    recalls = []
    for query in made(20, seed=1):
        exact = set((np.argsort(-(rows @ query))[:20] + 1).tolist())
        found = vectors.nearest(query, 20)
        recalls.append(len(exact & {seq for seq, _ in found}) / 20)
        assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert np.mean(recalls) > 0.85


def test_vectors_are_there_after_reopening_and_for_other_processes(tmp_path: Path) -> None:
    rows = made(10)
    one, other = Vectors(tmp_path, "v"), Vectors(tmp_path, "v")
    one.append([5, 7], rows[:2])
    other.refresh()
    assert other.nearest(rows[1], 1)[0][0] == 7
    assert other.seq == 7 and len(other) == 2
    assert len(Vectors(tmp_path, "another")) == 0


def test_a_cleared_row_holds_nothing_and_is_never_found(tmp_path: Path) -> None:
    rows = made(4)
    vectors = Vectors(tmp_path, "v")
    vectors.append([1, 2, 3, 4], rows)
    assert vectors.clear([4, 99]) == 1
    assert 4 not in [seq for seq, _ in vectors.nearest(rows[3], 4)]
    assert vectors.similar(rows[3], [4]) == {}
    assert vectors.seq == 4, "what was read is not read again"
    held = next(tmp_path.glob("vectors-*")) / "rows.i8"
    assert not any(held.read_bytes()[3 * 96 :])


@pytest.mark.parametrize("step", range(3))
def test_clearing_that_was_cut_off_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    Vectors(tmp_path, "v").append([1, 2, 3], made(3))
    calls = iter([*[None] * step, OSError("cut off")])

    def sync(_descriptor: int) -> None:
        if error := next(calls):
            raise error

    with monkeypatch.context() as patch, pytest.raises(OSError, match="cut off"):
        patch.setattr(os, "fsync", sync)
        Vectors(tmp_path, "v").clear([2])
    Vectors(tmp_path, "v").clear([2])
    directory = next(tmp_path.glob("vectors-*"))
    assert not any((directory / "rows.i8").read_bytes()[96:192])
    assert not any((directory / "codes.u64").read_bytes()[16:32])


@pytest.mark.parametrize("torn", ["seqs.i64", "codes.u64", "rows.i8", "scales.f32"])
def test_what_a_crash_tore_is_left_out_and_overwritten(tmp_path: Path, torn: str) -> None:
    rows = made(6)
    Vectors(tmp_path, "v").append([1, 2, 3], rows[:3])
    path = next(tmp_path.glob("vectors-*")) / torn
    path.write_bytes(path.read_bytes()[:-3])
    again = Vectors(tmp_path, "v")
    assert len(again) == 2 and again.seq == 2
    again.append([3, 4], rows[2:4])
    assert [again.nearest(rows[place], 1)[0][0] for place in range(4)] == [1, 2, 3, 4]


def test_vectors_that_are_none_are_refused(tmp_path: Path) -> None:
    vectors = Vectors(tmp_path, "v")
    with pytest.raises(ValueError, match="finite"):
        vectors.append([1], np.array([[np.nan, 1.0]], np.float32))
    vectors.append([1], made(1))
    with pytest.raises(ValueError, match="dimensions"):
        vectors.append([2], made(1, dimension=32))
