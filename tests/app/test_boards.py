"""A run's event files, read back with TensorBoard's own reader."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from myna.app.boards import Board
from myna.app.language import Language
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.network import Person, Post
from myna.network.store import Store


def _read(directory: Path) -> Any:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="the package tensorboard is not installed: pip install 'myna[tensorboard]'",
    )
    found = accumulator.EventAccumulator(str(directory), {accumulator.SCALARS: 0, accumulator.TENSORS: 0})
    found.Reload()
    return found


def _scalars(directory: Path, name: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in _read(directory).Scalars(name)]


def _point(step: int, **more: Any) -> dict[str, Any]:
    return {"step": step, "steps": 9, "at": 1_000_000 + step, "loss": float(step), **more}


def test_points_are_read_back_with_their_steps_times_and_samples(tmp_path: Path) -> None:
    board = Board(tmp_path, 0)
    board({"stage": "embedding"})
    board(_point(1, mfu=0.5, sample="the tram"))
    board(_point(2, bits_per_byte=3.25))
    board.close()
    assert _scalars(tmp_path, "loss") == [(1, 1.0), (2, 2.0)]
    assert _scalars(tmp_path, "bits_per_byte") == [(2, 3.25)]
    read = _read(tmp_path)
    assert [event.wall_time for event in read.Scalars("loss")] == [1000.001, 1000.002]
    (sample,) = read.Tensors("sample/text_summary")
    assert sample.tensor_proto.string_val == [b"the tram"]


def test_what_a_kill_undid_is_written_once(tmp_path: Path) -> None:
    for begin, end in ((0, 6), (3, 9)):
        board = Board(tmp_path, begin, [_point(step) for step in range(1, begin + 1)])
        for step in range(begin + 1, end + 1):
            board(_point(step))
        board.close()
    assert _scalars(tmp_path, "loss") == [(step, float(step)) for step in range(1, 10)]


def test_what_is_measured_again_after_the_last_step_is_written_once(tmp_path: Path) -> None:
    last = {"step": 9, "steps": 9, "at": 1, "bits_per_byte": 3.0}
    for kept in ([], [_point(9), last]):
        board = Board(tmp_path, 9 if kept else 0, kept)
        if not kept:
            board(_point(9))
        board(last)
        board.close()
    assert _scalars(tmp_path, "bits_per_byte") == [(9, 3.0)]
    assert _scalars(tmp_path, "loss") == [(9, 9.0)]


class Killed(BaseException):
    pass


def test_a_version_keeps_its_runs_events_once_each_even_when_the_run_was_killed(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'myna.db'}")
    store.append([Person("home:a", "a")])
    store.append([Post(f"home:{n}", "home:a", 1000 + n, f"the tram {n} needs thing {n % 7} today") for n in range(120)])
    told = 0

    def die(point: dict[str, Any]) -> None:
        nonlocal told
        told += "loss" in point
        if told == 3:
            raise Killed

    with pytest.raises(Killed):
        Language(tmp_path, Reader(store), DecisionLog(store)).train(0.03, tell=die)
    language = Language(tmp_path, Reader(store), DecisionLog(store))
    version = language.train(0.03)["version"]
    curve, folder = language.curve(), language.folder(version) / "tensorboard"
    for name in ("loss", "bits_per_byte", "tokens_per_second", "learning_rate", "gradient_norm", "peak_memory"):
        written = _scalars(folder, name)
        assert written, name
        steps = [point["step"] for point in curve if name in point]
        assert Counter(step for step, _ in written) == Counter(steps), name
        values = [point[name] for point in curve if name in point]
        assert [value for _, value in written] == pytest.approx(values, rel=1e-5)
    assert all(point["peak_memory"] > 1e7 for point in curve)
    assert not (tmp_path / "models" / "language" / "run").exists()
