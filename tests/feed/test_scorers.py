"""The steps from probabilities to scores."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from myna.feed.pipeline import FOR_YOU, score
from myna.feed.ranking.model import ACTIONS
from myna.feed.scorers.author_diversity import AuthorDiversity
from myna.feed.scorers.out_of_network import OutOfNetwork
from myna.feed.scorers.show_less import ShowLess
from myna.feed.scorers.weighted_sum import WEIGHTS, WeightedSum
from myna.feed.slate import Slate, from_log, to_log


def slate(n: int = 4, scores: list[float] | None = None, **columns: object) -> Slate:
    base = Slate(
        tuple(f"home:{i}" for i in range(n)), np.arange(n), np.ones(n, bool), np.zeros(n),
        np.full((n, len(ACTIONS)), 0.1), np.array(scores if scores is not None else [1.0] * n),
    )  # fmt: skip
    return replace(base, **{name: np.array(column) for name, column in columns.items()})


def test_the_score_is_the_sum_of_worth_times_probability() -> None:
    assert np.allclose(WeightedSum().score(slate()), 0.1 * sum(WEIGHTS.values()))


def test_show_less_lowers_by_likeness_and_leaves_the_rest() -> None:
    scores = ShowLess().score(slate(3, unwanted=[0.0, 0.5, 1.0]))
    assert scores[0] == 1 and scores[0] > scores[1] > scores[2] > 0


def test_of_equal_posts_the_one_in_network_wins() -> None:
    scores = OutOfNetwork().score(slate(2, network=[False, True]))
    assert scores[1] > scores[0]


def test_a_negative_score_is_never_raised_by_a_factor() -> None:
    bad = slate(2, [-1.0, -1.0], network=[False, False], unwanted=[1.0, 0.0], authors=[1, 1])
    for step in (ShowLess(), OutOfNetwork(), AuthorDiversity()):
        assert (step.score(bad) <= bad.scores).all()


def test_each_further_post_of_an_author_counts_less() -> None:
    scores = AuthorDiversity().score(slate(4, [4.0, 3.0, 2.0, 1.0], authors=[7, 7, 7, 8]))
    assert scores.tolist() == [4.0, 1.5, 0.5, 1.0]


slates = st.integers(0, 12).flatmap(
    lambda n: st.builds(
        lambda authors, network, unwanted, p: Slate(
            tuple(f"x:{i}" for i in range(n)), np.array(authors, np.int64), np.array(network, bool),
            np.array(unwanted, np.float64), np.array(p, np.float64).reshape(n, len(ACTIONS)),
        ),
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.floats(0, 1), min_size=n, max_size=n),
        st.lists(st.floats(0, 1), min_size=n * len(ACTIONS), max_size=n * len(ACTIONS)),
    )
)  # fmt: skip


@given(slates)
def test_a_slate_read_from_the_log_scores_the_same_to_the_bit(found: Slate) -> None:
    kept = to_log(found)
    once = from_log(kept)
    again = from_log(to_log(once))
    assert to_log(once) == kept
    assert score(once).scores.tobytes() == score(again).scores.tobytes()


@given(slates)
def test_the_selector_orders_by_score(found: Slate) -> None:
    ranked = score(from_log(to_log(found)))
    order = FOR_YOU.selector.select(ranked, 5)
    assert len(order) == min(5, len(found))
    assert (np.diff(ranked.scores[order]) <= 0).all()
