"""A small corpus of simulated posts, and models of the family the app trains."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from myna.corpus import Corpus, gather, train_tokenizer, write_corpus
from myna.model import new_model, shape_of
from myna.network import Post
from myna.training import Family, Plan, Size, make_plan

FAMILY = Family(shape_of, new_model)


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    who, does, what = (
        text.split()
        for text in ("the-ferry a-nurse our-team my-uncle", "finds paints sells likes", "boats rice maps tea")
    )
    posts = []
    for n in range(300):
        words = [str(random.choice(part)) for part in (who, does, what)]
        posts.append(Post(f"home:{n}", f"home:p{n % 9}", n, f"{' '.join(words)} number {n}", "en",
                          f"home:{n - 2}" if n % 4 == 3 else ""))  # fmt: skip
    gathered = gather(posts)
    texts = [p.text for d in gathered.documents for p in d.passages]
    return write_corpus(gathered, train_tokenizer(texts, 400), tmp_path_factory.mktemp("corpus")).directory


@pytest.fixture
def corpus(corpus_folder: Path) -> Corpus:
    return Corpus(corpus_folder)


@pytest.fixture
def plan(corpus: Corpus) -> Plan:
    made = make_plan(Size(64, 2, 32), FAMILY, corpus.vocabulary, 1 << 20, 8, 1.0, 0.1, 0.1, "float32", seed=3)
    return dataclasses.replace(made, steps=30, warmup=3, cooldown=20)


@pytest.fixture
def family() -> Family:
    return FAMILY
