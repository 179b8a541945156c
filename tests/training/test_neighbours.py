import dataclasses

import numpy as np
import pytest
import torch

from myna.corpus import Corpus
from myna.training import Family, Plan, Trainer
from myna.training.neighbours import neighbour_embeddings

_WIDTH = 32


@dataclasses.dataclass
class Row:
    """One document of these tokens."""

    tokens: np.ndarray
    pad: int = 1
    train_documents: int = 1

    @property
    def documents(self) -> np.ndarray:
        return np.array([0, len(self.tokens)])


def _likeness(table: np.ndarray, a: int, b: int) -> float:
    return float(table[a] @ table[b] / np.sqrt((table[a] ** 2).sum() * (table[b] ** 2).sum()))


@pytest.fixture(scope="module")
def sentences() -> np.ndarray:
    """Who (10 to 29) does (30 to 49) what (50 to 69), in odd lines; the even ones are of other whos, and so on."""
    random = np.random.default_rng(2)
    whos, does, whats = (random.integers(0, 10, 4000) * 2 + np.arange(4000) % 2 for _ in range(3))
    return np.stack((np.zeros(4000, np.int64), whos + 10, does + 30, whats + 50), 1).ravel()


def test_tokens_that_stand_beside_the_same_begin_near_each_other(sentences: np.ndarray) -> None:
    table = neighbour_embeddings(Row(sentences), 70, _WIDTH, 0)
    assert table is not None
    same = np.mean([_likeness(table, a, a + 2) for a in (10, 31, 52, 55)])
    other = np.mean([_likeness(table, a, a + 1) for a in (10, 31, 52, 55)])
    assert same > 0.5 > 0.2 > other
    assert np.sqrt((table[10:] ** 2).mean(1)) == pytest.approx(np.full(60, 0.06), rel=1e-4)
    assert not table[1:10].any()


def test_a_deleted_post_says_nothing_of_its_neighbours(sentences: np.ndarray) -> None:
    without = np.concatenate((sentences, [1, 1, 1]))
    deleted = np.concatenate((sentences, [1, 1, 1], [0, 9, 8]))
    deleted[-3:] = 1
    tables = [neighbour_embeddings(Row(tokens), 70, _WIDTH, 0) for tokens in (sentences, without, deleted)]
    assert all(table is not None and np.array_equal(table, tables[0]) for table in tables)


def test_where_there_is_too_little_to_say_it_says_none(sentences: np.ndarray) -> None:
    assert neighbour_embeddings(Row(sentences), 70, 96, 0) is None
    assert neighbour_embeddings(Row(np.array([0])), 70, _WIDTH, 0) is None


def test_a_new_run_begins_so_and_one_that_goes_on_does_not(plan: Plan, family: Family, corpus: Corpus) -> None:
    plan = dataclasses.replace(plan, neighbours=True)
    begun = Trainer(plan, family, corpus).model.model.embed_tokens.weight.detach()
    found = neighbour_embeddings(corpus, len(begun), plan.width, plan.seed)
    assert found is not None
    known = torch.from_numpy(found.any(1))
    assert torch.equal(begun[known], torch.from_numpy(found)[known])
    assert (begun[~known] != 0).any()
    given = family.build(family.shape(plan.width, plan.layers, plan.vocabulary, plan.context), 5)
    weights = given.model.embed_tokens.weight.detach().clone()
    assert torch.equal(Trainer(plan, family, corpus, start=given).model.model.embed_tokens.weight, weights)


def test_half_trained_they_are_ahead(plan: Plan, family: Family, corpus: Corpus) -> None:
    bits = []
    for neighbours in (True, False):
        trainer = Trainer(dataclasses.replace(plan, neighbours=neighbours), family, corpus)
        bits.append(trainer.run(until=lambda trainer=trainer: trainer.step >= 30) or 0.0)  # type: ignore[misc]
    assert bits[0] < bits[1]
