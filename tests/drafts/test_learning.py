import os
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from myna.decisions import DecisionLog
from myna.drafts import Guard, labelled, train
from myna.drafts.learning import HELD_SHARE, network_samples, probabilities, samples
from myna.drafts.logistic import auc
from myna.drafts.model import PRIOR, load, newest, save
from myna.gate import Reader
from myna.network import Action, ActionKind, Consent, Person, Post, Problem, Purpose
from myna.network.store import Store

DATA = Path(os.environ.get("MYNA_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
WORDS = [
    f"{a}{b}{c}" for a in ("ma", "ke", "lo", "ti") for b in ("ra", "ni", "so", "pu") for c in ("n", "l", "s", "ka")
]


def _texts(count: int, seed: int) -> tuple[list[str], list[float]]:
    """Made-up texts of made-up words; four of those words are minded."""
    rng = random.Random(seed)
    texts, labels = [], []
    for _ in range(count):
        bad = rng.random() < 0.3
        words = rng.choices(WORDS[4:], k=8) + ([rng.choice(WORDS[:4])] if bad else [])
        rng.shuffle(words)
        texts.append(" ".join(words))
        labels.append(float(bad))
    return texts, labels


def _embed(texts: object) -> np.ndarray:
    """A real if small embedding: which of the words are in it, in 16 random directions."""
    directions = np.random.default_rng(9).normal(size=(len(WORDS), 16))
    rows = np.array(
        [sum((directions[n] for n, w in enumerate(WORDS) if w in text.split()), np.full(16, 0.01)) for text in texts]
    )  # type: ignore[attr-defined]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _network(store: Store, posts: int = 900, name: str = "", seed: int = 4) -> None:
    """People who mind posts with the word `makan`."""
    rng = random.Random(seed)
    readers = [f"home:r{n}" for n in range(40)]
    store.append([Person(id, id[5:]) for id in [*readers, "home:a"]])
    facts: list[Post | Action] = []
    for n in range(posts):
        bad = n % 6 == 0
        words = rng.choices(WORDS[4:], k=7) + (["makan"] if bad else ["talos"])
        facts.append(Post(f"home:{name}{n}", "home:a", 1_700_000_000_000 + n * 60_000, " ".join(words)))
        for reader in rng.sample(readers, 12):
            facts.append(Action(f"home:s{name}{n}{reader}", reader, f"home:{name}{n}", ActionKind.SEEN, 1))
            if rng.random() < (0.15 if bad else 0.003):
                kind = rng.choice([ActionKind.REPORT, ActionKind.SHOW_LESS])
                facts.append(Action(f"home:m{name}{n}{reader}", reader, f"home:{name}{n}", kind, 2))
    store.append(facts)


def test_what_is_learnt_holds_for_texts_not_seen_and_is_the_same_each_time() -> None:
    texts, labels = _texts(1500, 1)
    model = train(samples(texts, labels), None)
    again = train(samples(texts, labels), None)
    assert model.head == again.head and np.array_equal(model.words, again.words)  # type: ignore[arg-type]
    new, truth = _texts(500, 2)
    found = probabilities(model, samples(new, truth), None)
    assert auc(found, np.array(truth)) > 0.95
    assert abs(found.mean() - np.mean(truth)) < 0.06


def test_the_words_that_weigh_most_are_shown_where_they_stand() -> None:
    model = train(samples(*_texts(1500, 1)), None)
    text = f"  {WORDS[40]} {WORDS[0]}  {WORDS[41]}"
    spans = model.telling_words(text)
    assert text[slice(*spans[0][0])] == WORDS[0]
    assert model.telling_words("") == model.telling_words(" \n") == []


def test_too_few_examples_leave_the_prior() -> None:
    texts, _ = _texts(200, 1)
    assert train(samples(texts, [0.0] * 200), None).words is None
    assert train(samples(texts, [1.0] * 10 + [0.0] * 190), None).words is None


def test_a_kept_model_is_the_same_when_read_again(tmp_path: Path) -> None:
    texts, labels = _texts(800, 1)
    model = save(tmp_path, train(samples(texts, labels), _embed))
    again = load(tmp_path)
    assert again.head == model.head and model.head.version == newest(tmp_path) != PRIOR
    few = samples(texts[:50], labels[:50])
    assert np.array_equal(probabilities(again, few, _embed), probabilities(model, few, _embed))
    assert not list(tmp_path.glob(".*"))  # no half-written file is left


def test_the_network_is_learnt_from_what_its_readers_minded(file_store: Store, tmp_path: Path, make_drafts) -> None:  # type: ignore[no-untyped-def]
    _network(file_store)
    drafts = make_drafts(file_store, tmp_path / "drafts")
    before = drafts.check("home:a", "makan talos")
    told: list[float] = []
    metrics = drafts.train(lambda done, total: told.append(done / total))
    assert told == sorted(told) and told[-1] == 1 and sum(0.4 < share < 0.6 for share in told) > 10
    assert metrics["trained"] and metrics["auc"] > 0.7 and metrics["network_posts"] == 900
    minded, calm = drafts.check("home:a", f"{WORDS[9]} makan"), drafts.check("home:a", f"{WORDS[9]} talos")
    assert minded.probability > 3 * calm.probability and before.probability < 0.1
    assert minded.spans == ((len(WORDS[9]) + 1, len(WORDS[9]) + 6),)
    log = DecisionLog(file_store)
    log.replays("draft", drafts._replay)
    assert log.replay(before.decision).same and log.replay(minded.decision).same  # each with its own version
    other = make_drafts(file_store, tmp_path / "drafts")  # as after a restart
    assert other.check("home:a", f"{WORDS[9]} makan").probability == minded.probability


def test_at_most_two_in_a_hundred_of_the_networks_posts_would_be_held(
    file_store: Store, tmp_path: Path, make_drafts
) -> None:  # type: ignore[no-untyped-def]
    _network(file_store)
    drafts = make_drafts(file_store, tmp_path / "drafts")
    drafts.train()
    model = load(tmp_path / "drafts" / "plain")
    later = Store(f"sqlite:///{tmp_path}/later.db")
    _network(later, 900, "later", 11)  # posts that it was not trained on
    scores = np.round(probabilities(model, network_samples(Reader(later)), None), 4)
    later.close()
    assert (scores >= model.head.threshold).mean() <= 2 * HELD_SHARE  # of 180 posts the share is known to a few
    assert (scores >= model.head.threshold).any()
    drafts.set_guard("home:a", Guard.HOLD)
    assert not drafts.check("home:a", "talos talos").hold


def test_posts_that_may_not_be_trained_on_are_not(file_store: Store) -> None:
    _network(file_store, 60)
    file_store.append([Consent("home:a", Purpose.TRAIN, False, "home:a", 1)])
    assert network_samples(Reader(file_store)).texts == []


def test_an_embedding_helps_and_one_trained_anew_is_noticed(file_store: Store, tmp_path: Path, make_drafts) -> None:  # type: ignore[no-untyped-def]
    _network(file_store)
    drafts = make_drafts(file_store, tmp_path / "drafts", _embed)
    drafts.train()
    log = DecisionLog(file_store)
    full = drafts.check("home:a", f"{WORDS[9]} makan")
    assert log.get(full.decision).input["meaning"] != 0
    drafts.set_embed(lambda texts: -_embed(texts))  # another language model
    plain = drafts.check("home:a", f"{WORDS[9]} makan")
    assert log.get(plain.decision).input["meaning"] == 0
    assert log.get(plain.decision).model == newest(tmp_path / "drafts" / "plain")
    log.replays("draft", drafts._replay)
    assert log.replay(full.decision).same and log.replay(plain.decision).same
    drafts.set_embed(None)
    drafts.train()
    assert newest(tmp_path / "drafts" / "full") == PRIOR


def test_a_labelled_file_beside_the_model_is_learnt_from(file_store: Store, tmp_path: Path, make_drafts) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "drafts"
    drafts = make_drafts(file_store, folder)
    texts, labels = _texts(600, 1)
    pl.DataFrame({"text": [*texts, None], "label": [*map(int, labels), 1]}).write_ndjson(folder / "labelled.jsonl")
    metrics = drafts.train()
    assert metrics["trained"] and metrics["labelled_without_text_or_label"] == 1
    assert drafts.check("home:lan", WORDS[0]).probability > 5 * drafts.check("home:lan", WORDS[40]).probability


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("labelled.jsonl", '{"text": "a", "mark": 1}\n', "columns text and label"),
        ("labelled.jsonl", '{"text": "a", "label": "yes"}\n', "must be 0 and 1"),
        ("labelled.jsonl", '{"text": "a", "label": 2}\n', "neither 0 nor 1"),
        ("labelled.parquet", "no parquet", "cannot be read"),
    ],
)
def test_a_labelled_file_that_is_wrong_says_how(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(Problem, match=said):
        labelled(tmp_path / name)


@pytest.mark.parametrize(
    ("folder", "offensive", "least"),
    [
        ("davidson_hate_offensive", pl.col("label_name") != "neither", 0.93),
        ("germeval2018_offensive", pl.col("coarse") != "OTHER", 0.70),
    ],
)
def test_real_offence_is_told_from_none(folder: str, offensive: pl.Expr, least: float) -> None:
    path = DATA / folder / "tweets.parquet"
    if not path.exists():
        pytest.skip(f"there is no {path}; set MYNA_DATA")
    frame = pl.read_parquet(path).with_columns(offensive.alias("y")).sample(4000, seed=1)
    fitted, kept = frame[:3000], frame[3000:]
    model = train(samples(fitted["text"].to_list(), fitted["y"].cast(pl.Float64).to_list()), None)
    found = probabilities(model, samples(kept["text"].to_list(), kept["y"].to_list()), None)
    assert auc(found, kept["y"].to_numpy()) > least
