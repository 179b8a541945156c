import pytest

from myna.training import allocator_environment, faster_precision, threads_here


def test_the_allocators_variables_are_named_until_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in allocator_environment().items():
        monkeypatch.setenv(name, value)
    assert allocator_environment() == {}


def test_precision_is_one_of_two_and_threads_follow_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faster_precision("cpu") in ("float32", "bfloat16")
    assert faster_precision("cuda:0") == "bfloat16"
    monkeypatch.setenv("MYNA_THREADS", "3")
    assert threads_here(2) == 3
    monkeypatch.delenv("MYNA_THREADS")
    assert threads_here(10**6) == 1
