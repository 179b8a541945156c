from pathlib import Path

import numpy as np
import pytest

from myna.corpus import Corpus, gather, train_tokenizer, write_corpus
from myna.network import Post, Problem


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    posts = [
        Post(f"home:{n}", f"home:p{n % 5}", n * 1000, f"Post number {n} speaks of topic {n % 7}", "en",
             f"home:{n - 1}" if n % 3 == 0 and n else "")
        for n in range(60)
    ]  # fmt: skip
    gathered = gather(posts)
    texts = [p.text for d in gathered.documents for p in d.passages]
    return write_corpus(gathered, train_tokenizer(texts, 400), tmp_path)


def _text(corpus: Corpus) -> str:
    return corpus.tokenizer.decode(np.asarray(corpus.tokens).tolist())


def test_tokens_decode_to_the_documents_and_the_index_says_where_each_post_lies(corpus: Corpus) -> None:
    for row in corpus.posts.iter_rows(named=True):
        ids = corpus.tokens[row["offset"] : row["offset"] + row["length"]].tolist()
        number = row["post_id"].removeprefix("home:")
        assert corpus.tokenizer.decode(ids) == f"Post number {number} speaks of topic {int(number) % 7}"
        assert bool(corpus.learn[row["offset"]]) is row["learn"]
    assert corpus.documents[-1] == len(corpus.tokens) == corpus.description.tokens
    assert (corpus.tokens[corpus.documents[:-1]] == corpus.tokenizer.end).all()


def test_the_newest_documents_are_held_out(corpus: Corpus) -> None:
    described = corpus.description
    assert 0 < described.train_documents < described.documents
    assert described.held_out_bytes > 0


def test_a_deleted_post_is_overwritten_on_disk_wherever_it_stands(corpus: Corpus) -> None:
    assert "Post number 9 " in _text(corpus)
    assert corpus.drop(["home:9", "home:404"]) == corpus.posts.filter(corpus.posts["post_id"] == "home:9").height
    assert "Post number 9 " not in _text(corpus)
    assert "Post number 9 " not in _text(Corpus(corpus.directory))
    assert "Post number 10 " in _text(corpus)


def test_a_deleted_person_takes_all_their_posts_along(corpus: Corpus) -> None:
    corpus.drop(["home:p3"])
    assert not any(f"Post number {n} " in _text(corpus) for n in range(3, 60, 5))
    assert "Post number 4 " in _text(corpus)


def test_an_open_mapping_sees_a_deletion_made_elsewhere(corpus: Corpus) -> None:
    other = Corpus(corpus.directory)
    before = np.array(other.tokens)
    corpus.drop(["home:20"])
    assert (np.asarray(other.tokens) != before).any()


def test_the_same_documents_give_the_same_hash_and_what_a_kill_left_is_swept(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "building-1").mkdir()
    posts = [Post("home:1", "home:a", 1000, "One post only, with some words")]
    texts = ["One post only, with some words"]
    hashes = {write_corpus(gather(posts), train_tokenizer(texts, 300), tmp_path).description.hash for _ in range(2)}
    assert len(hashes) == 1
    assert not list(tmp_path.glob("building-*"))


def test_a_broken_corpus_says_what_to_do(corpus: Corpus) -> None:
    (corpus.directory / "corpus.json").write_text("{")
    with pytest.raises(Problem, match="builds it again"):
        Corpus(corpus.directory)
