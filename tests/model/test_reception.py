from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from myna.model.reception import FEWEST, SETTLED, Reception, Written, fit_reception, history
from myna.network import Problem

_DAY = SETTLED


def _planted(count: int, seed: int = 0) -> tuple[list[Written], np.ndarray]:
    """Posts whose likes grow with what they are about and with their author; reposts are noise, replies never came."""
    random = np.random.default_rng(seed)
    fame = {"a": 1.0, "b": 3.0, "c": 5.0}
    love = {"rain": -0.8, "tea": 0.0, "otters": 0.8}
    posts, logs = [], []
    for n in range(count):
        author, topic = random.choice(list(fame)), random.choice(list(love))
        posts.append(Written(str(author), n * _DAY // 4, f"some words on {topic} number {random.integers(9)}"))
        logs.append([max(fame[author] + love[topic] + random.normal(0, 0.3), 0), random.random(), 0])
    return posts, np.array(logs)


def test_later_posts_are_foreseen_better_than_by_the_authors_mean() -> None:
    posts, logs = _planted(1200)
    fitted = fit_reception(posts[:900], logs[:900])
    past = history(posts, logs, fitted.mean)[900:]
    found = fitted(posts[900:], past, None)
    ours, mean = (spearmanr(each, logs[900:, 0])[0] for each in (found[:, 0], past[:, 0]))
    assert ours > mean + 0.01
    authors = np.array([post.author_id for post in posts[900:]])
    for author in "abc":
        own = authors == author
        assert spearmanr(found[own, 0], logs[900:, 0][own])[0] > 0.7, "what the author's mean cannot tell"


def test_the_expected_error_is_told() -> None:
    posts, logs = _planted(1200)
    fitted = fit_reception(posts, logs)
    assert fitted.spread[0] == pytest.approx(0.3, abs=0.1), "the noise that was planted"
    assert fitted.measured.tolist() == [1, 1, 0]


def test_a_post_knows_nothing_of_what_came_less_than_a_day_before_it() -> None:
    posts = [Written("a", at, "x") for at in (0, _DAY // 2, _DAY, _DAY * 2)]
    logs = np.array([[5.0], [7.0], [9.0], [11.0]])
    before = history(posts, logs, np.array([1.0]))
    assert before[0, 0] == before[1, 0] == 1.0, "nothing is settled yet"
    assert before[2, 0] == pytest.approx((1 + 5) / 2)
    assert before[3, 0] == pytest.approx((1 + 5 + 7 + 9) / 4)
    changed = history(posts, logs + np.array([[0], [0], [0], [99]]), np.array([1.0]))
    assert np.array_equal(before, changed)


def test_authors_do_not_mix() -> None:
    posts = [Written(author, n * _DAY, "x") for n, author in enumerate("abababab")]
    logs = np.array([[1.0], [9.0]] * 4)
    found = history(posts, logs, np.array([1.0]))
    assert found[6, 0] == 1.0
    assert found[7, 0] == pytest.approx((1 + 9 * 3) / 4)


def test_vectors_count_where_words_say_nothing() -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(800, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    posts = [Written("a", n * _DAY, "always the same") for n in range(800)]
    logs = np.maximum(3 + 4 * vectors[:, :1] @ np.ones((1, 3)), 0)
    fitted = fit_reception(posts[:600], logs[:600], vectors[:600], "m-1")
    found = fitted(posts[600:], history(posts, logs, fitted.mean)[600:], vectors[600:])
    assert spearmanr(found[:, 0], logs[600:, 0])[0] > 0.9


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    posts, logs = _planted(400)
    fitted = fit_reception(posts, logs, language="")
    fitted.save(tmp_path / "f.safetensors")
    again = Reception.load(tmp_path / "f.safetensors")
    past = history(posts, logs, fitted.mean)
    assert np.allclose(again(posts[:20], past[:20], None), fitted(posts[:20], past[:20], None), atol=1e-4)
    assert again.language == ""
    (tmp_path / "f.safetensors").write_bytes(b"no")
    with pytest.raises(Problem, match="cannot be read"):
        Reception.load(tmp_path / "f.safetensors")


def test_too_few_posts_are_told() -> None:
    posts, logs = _planted(FEWEST - 1)
    with pytest.raises(Problem, match="at least"):
        fit_reception(posts, logs)
