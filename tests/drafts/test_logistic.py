import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from myna.drafts.logistic import Examples, auc, calibrate, fit, loss, sigmoid, threshold


def _planted(count: int, seed: int) -> tuple[Examples, np.ndarray]:
    """Texts whose chance that one of 20 readers minds is known; each seen by 1 to 100."""
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(count, 3)).astype(np.float32)
    logits = -2 + dense @ np.array([1.5, -1.0, 0.0])
    readers = rng.integers(1, 100, count).astype(float)
    chance = 1 - (1 - sigmoid(logits)) ** (readers / 20)
    y = (rng.random(count) < chance).astype(float)
    return Examples(sparse.csr_matrix((count, 8), dtype=np.float32), dense, y, readers, np.ones(count)), logits


def test_the_gradient_is_that_of_the_loss() -> None:
    examples, logits = _planted(40, 1)
    _, gradient = loss(logits, examples)
    for row in range(40):
        step = np.zeros(40)
        step[row] = 1e-5
        slope = (loss(logits + step, examples)[0] - loss(logits - step, examples)[0]) / 2e-5
        assert gradient[row] == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_the_planted_weights_are_found_whatever_the_number_of_readers() -> None:
    examples, _ = _planted(20_000, 2)
    found = fit(examples, 1.0, np.full(3, 1e-3), np.zeros(3), 0.0, 200)
    assert found.dense == pytest.approx([1.5, -1.0, 0.0], abs=0.08)
    assert found.base == pytest.approx(-2, abs=0.08)


def test_a_weight_without_evidence_stays_at_its_prior() -> None:
    examples, _ = _planted(500, 3)
    examples.dense[:, 2] = 0
    found = fit(examples, 1.0, np.full(3, 2.0), np.array([0.0, 0.0, 3.5]), 0.0, 100)
    assert found.dense[2] == pytest.approx(3.5)


def test_calibration_undoes_a_stretch_and_a_shift() -> None:
    examples, logits = _planted(20_000, 4)
    slope, shift = calibrate((logits - 0.7) * 2, examples)
    assert slope == pytest.approx(0.5, abs=0.04)
    assert shift == pytest.approx(0.7, abs=0.08)


@given(st.lists(st.floats(0, 1).map(lambda p: round(p, 2)), max_size=300), st.floats(0.001, 0.5))
def test_at_most_the_share_reaches_the_threshold_and_no_lower_one_would_do(scores: list[float], share: float) -> None:
    at = threshold(np.array(scores), share)
    reach = sum(score >= at for score in scores)
    assert reach <= share * len(scores) or not scores
    if scores:
        below = max(score for score in scores if score < at)
        assert sum(score >= below for score in scores) > int(share * len(scores))


def test_auc_counts_ties_half_and_needs_both_kinds() -> None:
    assert auc(np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1])) == 1
    assert auc(np.ones(4), np.array([0, 0, 1, 1])) == 0.5
    assert np.isnan(auc(np.ones(4), np.ones(4)))


def test_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]
