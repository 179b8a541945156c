from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.model.verbatim import RUN, SHARED_BY, Verbatim, find_verbatim, run_hashes
from myna.network import Problem


def _corpus(passages: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Passages packed end to end with a separator before each, as a corpus keeps them."""
    row, offsets = [], []
    for passage in passages:
        row.append(999)
        offsets.append(len(row))
        row += passage
    return np.array(row, np.uint16), np.array(offsets), np.array([len(passage) for passage in passages])


_OWN = list(range(100, 120))
_COMMON = list(range(200, 220))


def _found() -> Verbatim:
    passages = [_OWN, *[[7 + n, *_COMMON] for n in range(SHARED_BY)], [1, 2, 3]]
    return find_verbatim(*_corpus(passages), np.arange(len(passages)))


def test_a_run_that_one_author_wrote_is_not_completed() -> None:
    found = _found()
    assert found(_OWN[: RUN - 1], _OWN[RUN - 1])
    assert found([5, 5, *_OWN[4 : 4 + RUN - 1]], _OWN[4 + RUN - 1])
    assert not found(_OWN[: RUN - 2], _OWN[RUN - 2]), "shorter than a run"
    assert not found(_OWN[: RUN - 1], 55), "another token goes on differently"


def test_what_three_authors_wrote_is_common_language() -> None:
    found = _found()
    assert not found.holds(_COMMON)
    assert found.holds([7, *_COMMON]), "with one author's own beginning it is theirs"


def test_one_author_does_not_make_a_run_common_by_repeating_it() -> None:
    passages = [_OWN] * 5
    assert find_verbatim(*_corpus(passages), np.zeros(5, int)).holds(_OWN)


def test_no_run_reaches_from_one_post_into_another() -> None:
    halves = [_OWN[: RUN - 1], _OWN[RUN - 1 :][: RUN - 1]]
    found = find_verbatim(*_corpus(halves), np.arange(2))
    assert len(found.hashes) == 0
    assert not found.holds(_OWN)


@given(st.lists(st.integers(0, 2**17), min_size=RUN, max_size=60), st.integers(0, 50))
def test_every_run_of_a_post_is_found_again(ids: list[int], place: int) -> None:
    row = np.array(ids, np.uint32)
    found = find_verbatim(row, np.array([0]), np.array([len(ids)]), np.array([0]))
    at = place % (len(ids) - RUN + 1)
    assert found(ids[: at + RUN - 1], ids[at + RUN - 1])


def test_the_hash_of_a_run_depends_on_nothing_around_it() -> None:
    random = np.random.default_rng(0)
    ids = random.integers(0, 5000, 400)
    hashes = run_hashes(ids)
    assert hashes[37] == run_hashes(ids[37 : 37 + RUN])[0]
    assert len(np.unique(hashes)) == len(hashes)
    assert len(run_hashes(ids[: RUN - 1])) == 0


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    found = _found()
    found.save(tmp_path)
    again = Verbatim.load(tmp_path)
    assert np.array_equal(again.hashes, found.hashes)
    assert again.holds(_OWN)
    with pytest.raises(Problem, match="myna train"):
        Verbatim.load(tmp_path / "none")
