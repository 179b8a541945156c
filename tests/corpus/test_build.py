from pathlib import Path

import numpy as np
import pytest

from myna.corpus import build_corpus, keep_to_permitted
from myna.gate import Reader
from myna.network import Action, ActionKind, Consent, Deletion, Person, Post, Problem, Purpose, Visibility
from myna.network.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(f"sqlite:///{tmp_path / 'myna.db'}")
    store.append([Person("home:a", "a"), Person("x:b", "b")])
    store.append([Post(f"home:{n}", "home:a", n + 1, f"Home speaks of matter {n} today") for n in range(30)])
    store.append([Post(f"x:{n}", "x:b", n + 1, f"Elsewhere speaks of thing {n} today") for n in range(30)])
    return store


def _held(corpus: object) -> str:
    return corpus.tokenizer.decode(np.asarray(corpus.tokens).tolist())  # type: ignore[attr-defined]


def test_only_what_the_gate_admits_is_learned_and_the_rules_are_counted(store: Store, tmp_path: Path) -> None:
    store.append([Post("home:99", "home:a", 99, "For followers only, please", visibility=Visibility.FOLLOWERS)])
    store.append([Consent("home:7", Purpose.TRAIN, False, "home:a", 1)])
    corpus = build_corpus(Reader(store), tmp_path / "corpus")
    text = _held(corpus)
    assert "Elsewhere" not in text
    assert "followers" not in text
    assert "matter 7 today" not in text
    assert corpus.description.admitted == {"own network": 29}


def test_the_operators_yes_admits_posts_from_elsewhere(store: Store, tmp_path: Path) -> None:
    store.append([Consent("x:*", Purpose.TRAIN, True, "operator", 1)])
    corpus = build_corpus(Reader(store), tmp_path / "corpus")
    assert "Elsewhere" in _held(corpus)
    assert corpus.description.admitted == {"own network": 30, "the operator said yes": 30}


def test_a_no_given_after_the_build_takes_the_post_out(store: Store, tmp_path: Path) -> None:
    reader = Reader(store)
    corpus = build_corpus(reader, tmp_path / "corpus")
    store.append([Consent("home:3", Purpose.TRAIN, False, "home:a", 5), Deletion("home:4", "post", 6)])
    assert keep_to_permitted(corpus, reader) == 2
    assert "matter 3 today" not in _held(corpus)
    assert "matter 4 today" not in _held(corpus)
    assert "matter 5 today" in _held(corpus)


def test_an_empty_network_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="myna import PATH"):
        build_corpus(Reader(Store(f"sqlite:///{tmp_path / 'empty.db'}")), tmp_path / "corpus")


def test_a_network_of_refused_posts_says_how_to_allow_them(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.db'}")
    store.append([Post("x:1", "x:b", 1, "Words from elsewhere")])
    with pytest.raises(Problem, match="--allow train"):
        build_corpus(Reader(store), tmp_path / "corpus")


def test_an_older_corpus_is_removed_when_a_new_one_stands(store: Store, tmp_path: Path) -> None:
    reader = Reader(store)
    first = build_corpus(reader, tmp_path / "corpus")
    store.append([Post("home:100", "home:a", 1000, "One more post with other words")])
    second = build_corpus(reader, tmp_path / "corpus")
    assert second.directory.exists()
    assert not first.directory.exists()


def test_likes_given_here_make_levels_of_reaction(store: Store, tmp_path: Path) -> None:
    day = 86_400_000
    store.append([Post(f"home:d{n}", "home:a", n * day, f"Of day {n} there is this to say") for n in range(1, 400)])
    reader = Reader(store)
    told = "<|reaction:4|>"
    assert told not in build_corpus(reader, tmp_path / "before").tokenizer.controls
    likes = [
        Action(f"home:l{n}-{who}", f"home:p{who}", f"home:d{n}", ActionKind.LIKE, n * day + 1)
        for n in range(1, 400)
        for who in range(n % 7)
    ]
    store.append(likes)
    assert told in build_corpus(reader, tmp_path / "after").tokenizer.controls
    first = build_corpus(reader, tmp_path / "then", facts=reader.last_seq() | {"actions": 0})
    assert told not in first.tokenizer.controls
    store.append(
        [Action(f"{like.id}-back", like.person_id, like.post_id, ActionKind.UNLIKE, like.at + 1) for like in likes]
    )
    assert told not in build_corpus(reader, tmp_path / "back").tokenizer.controls
