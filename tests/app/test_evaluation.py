from pathlib import Path

import numpy as np
import pytest

from myna.app.evaluation import evaluate, later_documents, ngram_bits_per_byte, ppmd_bits_per_byte
from myna.app.language import Language
from myna.corpus import Corpus
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.network import Deletion, Person, Post, Problem
from myna.network.store import Store

_DAY = 86_400_000


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store, Language]:
    home = tmp_path_factory.mktemp("home")
    store = Store(f"sqlite:///{home / 'myna.db'}")
    random = np.random.default_rng(0)
    words = "tram bridge garden library river market school kitchen winter letter opens closes sings waits".split()
    store.append([Person(f"home:{name}", name) for name in "abc"])
    store.append(
        [
            Post(
                f"home:{n}",
                f"home:{'c' if n > 1190 else 'ab'[n % 2]}",
                n * _DAY,
                " ".join(random.choice(words, 9)),
                "en",
            )
            for n in range(1200)
        ]
    )
    language = Language(home, Reader(store), DecisionLog(store))
    language.train(0.1)
    return home, store, language


def test_the_measure_is_that_of_training_and_its_parts_add_up(trained: tuple[Path, Store, Language]) -> None:
    home, store, language = trained
    found = evaluate(language, Reader(store), home)
    assert found["bits_per_byte"] == pytest.approx(language.about()["bits_per_byte"], rel=0.02)
    for name in ("languages", "authors", "months", "seen"):
        assert sum(row["bytes"] for row in found[name]) == found["bytes"]
        together = sum(row["bytes"] * row["bits_per_byte"] for row in found[name]) / found["bytes"]
        assert together == pytest.approx(found["bits_per_byte"], abs=0.001), name
    assert {row["name"] for row in found["seen"]} == {"authors trained on", "authors never seen"}
    assert {"xz -9e", "Kneser-Ney order 5"} <= found["peers"].keys()
    assert all(0.3 < bits < 9 for bits in found["peers"].values()), found["peers"]
    assert 0 <= found["memorisation"]["repeating"] <= 1
    assert len(found["samples"]) == 5


def test_peers_come_near_the_planted_entropy(trained: tuple[Path, Store, Language]) -> None:
    home, _, language = trained
    corpus = Corpus(home / "corpus" / language.about()["corpus"]["hash"])
    documents = list(later_documents(corpus))
    # Nine words of fourteen, all as likely: that many bits cannot be undercut.
    least = len(documents) * 9 * np.log2(14) / sum(document.bytes for document in documents)
    assert least < ngram_bits_per_byte(corpus) < 1.25 * least
    assert least < ppmd_bits_per_byte(corpus) < 1.4 * least


def test_without_a_model_or_its_text_it_says_what_to_do(trained: tuple[Path, Store, Language], tmp_path: Path) -> None:
    _, store, language = trained
    with pytest.raises(Problem, match="myna train"):
        evaluate(Language(tmp_path, Reader(store), DecisionLog(store)), Reader(store), tmp_path)
    with pytest.raises(Problem, match="is gone"):
        evaluate(language, Reader(store), tmp_path)


def test_what_is_cut_off_a_document_counts_neither_in_bits_nor_in_bytes(
    trained: tuple[Path, Store, Language],
) -> None:
    home, _, language = trained
    corpus = Corpus(home / "corpus" / language.about()["corpus"]["hash"])
    whole, lengths = list(later_documents(corpus)), np.diff(corpus.documents[corpus.train_documents :])
    middle = int(np.median(lengths))
    fitting = list(later_documents(corpus, middle))
    assert len(fitting) == (lengths <= middle).sum() < len(whole)
    assert set(fitting) < set(whole)


def test_deleted_posts_are_not_measured(trained: tuple[Path, Store, Language]) -> None:
    home, store, language = trained
    corpus = Corpus(home / "corpus" / language.about()["corpus"]["hash"])
    before = list(later_documents(corpus))
    gone = before[0].post_id
    store.append([Deletion(gone, "post", 1)])
    language.drop([gone])
    after = list(later_documents(Corpus(corpus.directory)))
    assert len(after) == len(before) - 1
    assert gone not in {document.post_id for document in after}
    assert ngram_bits_per_byte(Corpus(corpus.directory)) > 0
