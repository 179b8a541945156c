import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.corpus import Tokenizer, clean, train_tokenizer
from myna.model import DIMENSIONS, PREFIXES, Embedder, fit_embedder, new_model, shape_of
from myna.model.embedding import Features
from myna.network import Problem

_TOPICS = {
    "harbour": "ship sail anchor crane dock tide pilot ferry".split(),
    "garden": "tomato seed soil rain compost bean leaf spade".split(),
    "match": "goal referee striker keeper penalty corner pitch league".split(),
    "phở": "bún nước mắm hành chanh ớt rau thịt".split(),
} | {
    f"topic {n}": [
        f"{a}{n}{b}" for a in ("ka", "lo", "mi", "su", "vo", "ny", "dre", "pil") for b in ("ra", "ten", "mok", "sy")
    ]
    for n in range(12)
}


def _posts(seed: int, count: int) -> list[tuple[str, str, int]]:
    random = np.random.default_rng(seed)
    names = list(_TOPICS)
    return [
        (f"home:{n}", " ".join(random.choice(_TOPICS[names[n % len(names)]], 8)) + ".", n) for n in range(count)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([text for _, text, _ in _posts(0, 400)], 400)


@pytest.fixture(scope="module")
def fitted(tokenizer: Tokenizer) -> tuple[Embedder, dict[str, object]]:
    model = new_model(shape_of(64, 2, len(tokenizer), 64), 0)
    return fit_embedder(model, tokenizer, clean, _posts(0, 800), _posts(1, 80))


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


@pytest.mark.parametrize("length", PREFIXES)
def test_a_cut_vector_is_the_prefix_at_unit_length_and_still_tells_topics_apart(
    fitted: tuple[Embedder, dict[str, object]], length: int
) -> None:
    embedder, _ = fitted
    texts = [text for _, text, _ in _posts(2, 40)]
    cut, whole = embedder.cut(length)(texts), embedder(texts)[:, :length]
    assert cut.shape == (40, length)
    assert np.allclose(cut, whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-5)
    likeness = cut @ cut.T
    np.fill_diagonal(likeness, -1)
    assert np.mean(likeness.argmax(1) % 4 == np.arange(40) % 4) > 0.9


def test_a_cut_embedding_loads_as_it_was_cut(
    fitted: tuple[Embedder, dict[str, object]], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    embedder, _ = fitted
    embedder.save(tmp_path)
    texts = ["ship sail anchor", "tomato soil"]
    short = Embedder.load(tmp_path, tokenizer, clean, dimensions=64)
    assert np.array_equal(short(texts), Embedder.load(tmp_path, tokenizer, clean).cut(64)(texts))


@pytest.mark.parametrize("length", [0, -1, DIMENSIONS + 1])
def test_a_cut_to_no_or_too_many_dimensions_is_refused(fitted: tuple[Embedder, dict[str, object]], length: int) -> None:
    with pytest.raises(Problem, match="dimensions"):
        fitted[0].cut(length)


def test_no_word_outside_of_the_vocabulary_is_remembered(tokenizer: Tokenizer) -> None:
    features = Features(tokenizer, 4096, clean)
    Embedder(features, np.ones((features.rows, 8), np.float32))(["ship Zwetschgendatschi sail", "#ZwetschgenDatschi"])
    assert set(features._known) <= {"ship", "sail"}
    assert all(len(tokenizer.encode(" " + word)) == 1 for word in features._known)


def test_a_hashtag_of_several_words_shares_rows_with_its_words(tokenizer: Tokenizer) -> None:
    features = Features(tokenizer, 4096, clean)
    tag, words = features.of(["#RedTomatoSoil", "red tomato soil"])
    hashed = {row for row in words if row >= len(tokenizer)}
    assert len(hashed) == 4, "and the beginning of the one that is longer"
    assert hashed < set(tag)


def test_forms_of_a_word_share_its_beginning_which_older_tables_do_not_have(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    for beginnings in (True, False):
        features = Features(tokenizer, 4096, clean, beginnings)
        Embedder(features, np.ones((features.rows, 8), np.float32)).save(tmp_path)
        again = Embedder.load(tmp_path, tokenizer, clean).features
        one, two = ({row for row in rows if row >= len(tokenizer)} for rows in again.of(["gardener", "gardens"]))
        assert len(one & two) == beginnings


def test_posts_tied_by_an_answer_come_together_beyond_what_they_share_in_words(tokenizer: Tokenizer) -> None:
    model = new_model(shape_of(64, 2, len(tokenizer), 64), 0)
    posts = _posts(0, 400)
    # Harbours are answered with gardens, and matches with phở: no word in common.
    answers = [(posts[n][0], posts[n + 1][0]) for n in range(0, 400, 2)] * 20
    tied = fit_embedder(model, tokenizer, clean, posts, [], answers=answers)[0]
    untied = fit_embedder(model, tokenizer, clean, posts, [])[0]
    texts = ["ship crane tide", "tomato soil bean"]
    likeness = [float(vectors[0] @ vectors[1]) for vectors in (tied(texts), untied(texts))]
    assert likeness[0] > likeness[1] + 0.1


def test_ties_to_posts_that_are_not_there_are_passed_over(tokenizer: Tokenizer) -> None:
    model = new_model(shape_of(64, 2, len(tokenizer), 64), 0)
    gone = [("home:0", "home:gone"), ("home:gone", "home:1")]
    with_gone = fit_embedder(model, tokenizer, clean, _posts(0, 100), [], answers=gone, follows=gone)[0].table
    assert np.array_equal(with_gone, fit_embedder(model, tokenizer, clean, _posts(0, 100), [])[0].table)


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
