import pytest

from myna.training import faster_precision, threads_here


def test_precision_is_one_of_two_and_threads_follow_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faster_precision("cpu") in ("float32", "bfloat16")
    assert faster_precision("cuda:0") == "bfloat16"
    monkeypatch.setenv("MYNA_THREADS", "3")
    assert threads_here(2) == 3
    monkeypatch.delenv("MYNA_THREADS")
    assert threads_here(10**6) == 1
