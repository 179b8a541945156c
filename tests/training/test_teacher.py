import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from myna.corpus import Corpus
from myna.training import Family, Plan, Trainer
from myna.training.order import IGNORED
from myna.training.teacher import Teacher

_END, _PAD = 0, 1


class Row:
    """Documents of these tokens, each beginning with the end of the one before."""

    end, pad = _END, _PAD

    def __init__(self, *documents: list[int], unlearned: tuple[int, ...] = ()) -> None:
        self.tokens = np.concatenate([[_END, *document] for document in documents])
        self.learn = np.ones(len(self.tokens), np.uint8)
        self.learn[list(unlearned)] = 0
        self.documents = np.cumsum([0, *(len(document) + 1 for document in documents)])
        self.train_documents = len(documents)


def _expected(row: Row, read: list[int], target: int, vocabulary: int = 20) -> dict[int, float]:
    """What a teacher that counted the row expects after these tokens, where the target came."""
    targets = np.full((1, len(read)), IGNORED)
    targets[0, -1] = target
    teacher = Teacher(row, vocabulary, row.train_documents)
    tokens, chances = teacher.expects(np.array([read]), targets)
    found: dict[int, float] = {}
    for token, chance in zip(tokens[0].tolist(), chances[0].tolist(), strict=True):
        if chance:
            found[token] = found.get(token, 0.0) + chance
    return found


def test_what_followed_often_is_expected_and_the_longer_run_says_more() -> None:
    row = Row(*[[5, 6, 7]] * 10, *[[8, 6, 9]] * 10)
    after_one = _expected(row, [_END, 4, 6], 19)
    assert after_one[7] == pytest.approx(after_one[9])
    after_two = _expected(row, [_END, 5, 6], 19)
    assert after_two[7] > 0.8 > 0.2 > after_two.get(9, 0.0)
    assert sum(after_two.values()) < 1


def test_chances_are_those_of_interpolated_absolute_discounting_without_the_place_itself() -> None:
    # After 5 came 6 four times and 7 twice, one of which is the place that asks.
    row = Row(*[[5, 6]] * 4, *[[5, 7]] * 2)
    found = _expected(row, [5], 7)
    assert found == pytest.approx({6: (4 - 0.75) / 5, 7: (1 - 0.75) / 5})
    # At the beginning of a document the last two tokens are known too; what they leave goes to the last one.
    left = 0.75 * 2 / 5
    found = _expected(row, [_END, 5], 7)
    assert found == pytest.approx({6: (4 - 0.75) / 5 * (1 + left), 7: 0.25 / 5 * (1 + left)})


def test_what_was_said_once_teaches_nothing() -> None:
    row = Row(*[[5, 6, 7]] * 3, [10, 11, 12, 13, 14])
    assert not _expected(row, [_END, 10, 11, 12], 13)
    assert not _expected(row, [_END, 10, 11], 12)


def test_text_of_a_single_post_teaches_nothing() -> None:
    assert not _expected(Row([5, 6, 7, 8]), [_END, 5, 6], 7)
    assert not _expected(Row([]), [_END], 5)


def test_what_is_deleted_or_only_read_is_not_counted() -> None:
    told = Row(*[[5, 6, 7]] * 3, *[[5, 6, 8]] * 5)
    assert _expected(told, [_END, 5, 6], 7)[8] > 0.3
    deleted = Row(*[[5, 6, 7]] * 3, *[[_PAD, _PAD, _PAD]] * 5)
    assert 8 not in _expected(deleted, [_END, 5, 6], 7)
    only_read = Row(*[[5, 6, 7]] * 3, *[[5, 6, 8]] * 5, unlearned=tuple(12 + 4 * n + 3 for n in range(5)))
    assert 8 not in _expected(only_read, [_END, 5, 6], 7)


def test_no_run_goes_over_the_border_of_documents() -> None:
    row = Row(*[[5], [6, 7]] * 4)
    assert 7 in _expected(row, [_END, 6], 19)
    teacher = Teacher(row, 20, row.train_documents)
    # 5, the end, 6: were it one run, its follower would be known as one of three tokens.
    assert all(_END not in set((order.longer % 20).tolist()) for order in teacher._orders)


def test_later_documents_are_not_counted() -> None:
    row = Row(*[[5, 6]] * 4, *[[5, 7]] * 4)
    teacher = Teacher(row, 20, 4)
    tokens, chances = teacher.expects(np.array([[5]]), np.array([[19]]))
    assert set(tokens[chances > 0].tolist()) == {6}


def test_a_taught_run_learns_faster_and_is_the_same_run_each_time(corpus: Corpus, plan: Plan, family: Family) -> None:
    def trained(teacher: int) -> Trainer:
        trainer = Trainer(dataclasses.replace(plan, teacher=teacher, steps=20), family, corpus)
        trainer.run()
        return trainer

    taught, again, alone = trained(10_000), trained(10_000), trained(0)
    assert (taught.bits_per_byte() or 0) < (alone.bits_per_byte() or 0)
    weights = zip(taught.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)


def test_the_teachers_share_falls_to_nothing(plan: Plan) -> None:
    taught = dataclasses.replace(plan, teacher=10 * plan.batch * plan.context)
    shares = [taught.share(step) for step in range(taught.steps + 1)]
    assert shares[0] == 1.0 and shares[10] == 0.5 and shares[-1] == 0.0
    assert all(a > b for a, b in pairwise(shares) if a)
    assert 0.1 <= min(share for share in shares if share) < 0.2
    assert not dataclasses.replace(plan, teacher=0).share(0)
