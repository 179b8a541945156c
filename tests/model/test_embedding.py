import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.corpus import Tokenizer, clean, train_tokenizer
from myna.model import DIMENSIONS, Embedder, fit_embedder, new_model, shape_of
from myna.network import Problem

_TOPICS = {
    "harbour": "ship sail anchor crane dock tide pilot ferry".split(),
    "garden": "tomato seed soil rain compost bean leaf spade".split(),
    "match": "goal referee striker keeper penalty corner pitch league".split(),
    "phở": "bún nước mắm hành chanh ớt rau thịt".split(),
}


def _posts(seed: int, count: int) -> list[tuple[str, str, int]]:
    random = np.random.default_rng(seed)
    names = list(_TOPICS)
    return [
        (f"home:{n}", " ".join(random.choice(_TOPICS[names[n % 4]], 8)) + ".", n) for n in range(count)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([text for _, text, _ in _posts(0, 400)], 400)


@pytest.fixture(scope="module")
def fitted(tokenizer: Tokenizer) -> tuple[Embedder, dict[str, object]]:
    model = new_model(shape_of(64, 2, len(tokenizer), 64), 0)
    return fit_embedder(model, tokenizer, clean, _posts(0, 400), _posts(1, 80))


def test_posts_of_one_topic_lie_nearer_than_those_of_another(fitted: tuple[Embedder, dict[str, object]]) -> None:
    embedder, quality = fitted
    assert quality["kept"] == "contrast"
    # Words of a topic that no post holds together.
    vectors = embedder(["ship crane tide", "sail dock ferry", "tomato soil bean", "seed rain spade"])
    likeness = vectors @ vectors.T
    assert min(likeness[0, 1], likeness[2, 3]) > max(likeness[0, 2], likeness[0, 3], likeness[1, 2], likeness[1, 3])


def test_learning_from_pairs_finds_more_held_out_partners(fitted: tuple[Embedder, dict[str, object]]) -> None:
    _, quality = fitted
    assert quality["questions"] == 80
    assert float(str(quality["mean_reciprocal_rank"])) > float(str(quality["start"]))


@settings(max_examples=50)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_texts_become_unit_vectors_the_same_alone_or_together(
    fitted: tuple[Embedder, dict[str, object]], texts: list[str]
) -> None:
    embedder, _ = fitted
    vectors = embedder(texts)
    assert vectors.shape == (len(texts), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    for text, vector in zip(texts, vectors, strict=True):
        assert np.array_equal(embedder([text])[0], vector)


def test_a_saved_embedding_gives_the_same_vectors_to_half_precision(
    fitted: tuple[Embedder, dict[str, object]], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    embedder, _ = fitted
    embedder.save(tmp_path)
    again = Embedder.load(tmp_path, tokenizer, clean)
    texts = [text for _, text, _ in _posts(2, 20)]
    assert np.allclose(again(texts), embedder(texts), atol=5e-3)


def test_mentions_and_links_do_not_move_a_post(fitted: tuple[Embedder, dict[str, object]]) -> None:
    embedder, _ = fitted
    plain, decorated = embedder(["ship sail anchor", "@lan ship sail anchor https://example.org/x"])
    assert plain @ decorated > 0.999


def test_too_few_posts_for_pairs_still_embed(tokenizer: Tokenizer) -> None:
    model = new_model(shape_of(64, 2, len(tokenizer), 64), 0)
    embedder, quality = fit_embedder(model, tokenizer, clean, _posts(0, 3), [])
    assert quality["kept"] == "start"
    assert embedder(["ship sail"]).shape == (1, DIMENSIONS)


def test_the_fit_is_the_same_for_the_same_seed(tokenizer: Tokenizer) -> None:
    model = new_model(shape_of(64, 2, len(tokenizer), 64), 0)
    first, second = (fit_embedder(model, tokenizer, clean, _posts(0, 100), [], 5)[0].table for _ in range(2))
    assert np.array_equal(first, second)


def test_a_missing_embedding_says_what_to_do(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="myna train"):
        Embedder.load(tmp_path, tokenizer, clean)


def test_embedding_does_not_import_torch() -> None:
    code = "import sys, myna.model, myna.corpus, myna.app.language; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
