from collections import Counter
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.corpus import Corpus
from myna.training import IGNORED, Order, held_out

_END, _PAD = 0, 1


@dataclass
class Row:
    """Documents of the given lengths; every token but END is told apart by its number."""

    documents: np.ndarray
    train_documents: int
    end: int = _END
    pad: int = _PAD
    vocabulary: int = 1 << 20

    def __post_init__(self) -> None:
        self.tokens = np.arange(2, self.documents[-1] + 2)
        self.tokens[self.documents[:-1]] = _END
        self.learn = np.ones(len(self.tokens), np.uint8)
        lengths = np.diff(self.documents)
        zeros, ones = np.zeros_like(lengths), np.ones_like(lengths)
        self.passages = np.stack([self.documents[:-1] + 1, lengths - 1, zeros + 3, ones], 1)


def _row(lengths: list[int], held: int = 0) -> Row:
    return Row(np.cumsum([0, *lengths]), len(lengths) - held)


@settings(max_examples=60)
@given(st.lists(st.integers(2, 30), min_size=1, max_size=40), st.integers(1, 40), st.integers(0, 9))
def test_an_epoch_predicts_no_token_twice_and_leaves_out_less_than_a_window(
    lengths: list[int], context: int, seed: int
) -> None:
    row = _row(lengths)
    order = Order(row, seed, context)
    told = Counter(int(id) for place in range(order.windows) for id in order.window(place)[1] if id > _END)
    if len(row.tokens) > context:
        assert set(told.values()) <= {1}
        assert len(row.tokens) - len(lengths) - sum(told.values()) <= context


@settings(max_examples=40)
@given(st.integers(0, 100), st.integers(1, 6))
def test_processes_share_out_exactly_the_batch_of_one(step: int, processes: int) -> None:
    order = Order(_row([7, 3, 12, 5, 20, 2, 9]), 4, 8)
    ids, targets, count = order.batch(step, 6)
    parts = [
        order.batch(step, 6, slice(6 * rank // processes, 6 * (rank + 1) // processes)) for rank in range(processes)
    ]
    assert np.array_equal(np.concatenate([part[0] for part in parts]), ids)
    assert np.array_equal(np.concatenate([part[1] for part in parts]), targets)
    assert {part[2] for part in parts} == {count}


def test_epochs_differ_and_a_seed_repeats_itself() -> None:
    row = _row([5] * 40)
    first, again, other = (Order(row, seed, 10) for seed in (1, 1, 2))
    epoch = [first.window(place)[0].tolist() for place in range(first.windows)]
    assert epoch == [again.window(place)[0].tolist() for place in range(first.windows)]
    assert epoch != [other.window(place)[0].tolist() for place in range(first.windows)]
    assert epoch != [first.window(first.windows + place)[0].tolist() for place in range(first.windows)]


def test_held_out_documents_are_never_read_for_training() -> None:
    row = _row([6] * 20, held=5)
    order = Order(row, 0, 16)
    read = {int(id) for place in range(3 * order.windows) for id in order.window(place)[0]}
    assert not read & set(row.tokens[row.documents[15] :].tolist()) - {_END}


def test_a_deleted_post_is_neither_learned_nor_measured(corpus: Corpus) -> None:
    order = Order(corpus, 0, 32)
    last = corpus.posts.tail(1)
    first = corpus.posts.head(1)
    before, bytes_before = held_out(corpus, 64)[1:]
    # A copy in memory: the corpus on disk serves the other tests.
    tokens = np.array(corpus.tokens)
    for row in (last, first):
        tokens[row["offset"][0] : row["offset"][0] + row["length"][0]] = corpus.pad
    corpus.tokens = tokens
    after, bytes_after = held_out(corpus, 64)[1:]
    assert (after != IGNORED).sum() < (before != IGNORED).sum()
    assert bytes_before - bytes_after == last["bytes"][0]
    assert all(corpus.pad not in order.window(place)[1] for place in range(order.windows))


def test_measuring_counts_each_held_out_post_once_with_its_end() -> None:
    row = _row([6, 6, 4, 9], held=2)
    _, targets, size = held_out(row, 64)
    assert size == 6
    assert sorted(targets[targets != IGNORED].tolist()) == sorted([*row.tokens[13:16], *row.tokens[17:25], _END, _END])


def test_a_document_longer_than_the_context_is_measured_by_neither_side() -> None:
    _, targets, size = held_out(_row([6, 50], held=1), 16)
    assert size == 0
    assert (targets == IGNORED).all()


def test_a_run_too_short_for_the_text_reads_its_newest_end_twice() -> None:
    row = _row([10] * 100)
    order = Order(row, 1, 9, 200)
    read = Counter(int(id) for place in range(200 // 9) for id in order.window(place)[1] if id > _END)
    assert min(read) >= 900
    assert max(read.values()) <= 3
    whole = Order(row, 1, 9, 3000)
    assert whole.windows == Order(row, 1, 9).windows
    assert Order(row, 1, 9, 1).windows == 1
