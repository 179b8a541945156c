"""The ranking model: it learns a planted taste, says probabilities that come true, and sees nothing of the future."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.feed.ranking import metrics
from myna.feed.ranking.examples import examples, views
from myna.feed.ranking.features import GROUPS, NAMES, PLACE
from myna.feed.ranking.model import ACTIONS, load, save, sigmoid
from myna.feed.ranking.prior import fitted, prior
from myna.feed.ranking.training import platt, train
from myna.network import Action, ActionKind, Person, Post, now_ms

House = Any  # the one of conftest.py
HOUR = 3_600_000


def test_it_learns_a_planted_taste_better_than_popularity_and_recency(lively: House) -> None:
    model, found = train(lively.interests.activity.shadow(), lively.interests.known)
    assert model is not None
    assert found["auc"]["like"] > 0.75
    assert found["ndcg@10"]["ours"] > max(found["ndcg@10"]["recency"], found["ndcg@10"]["popularity"])
    assert 0.8 < found["predicted_over_actual"]["like"] < 1.25


def test_the_same_log_gives_the_same_model(lively: House) -> None:
    one, _ = train(lively.interests.activity.shadow(), lively.interests.known)
    two, _ = train(lively.interests.activity.shadow(), lively.interests.known)
    assert one is not None and two is not None and one.version == two.version


def test_with_too_few_views_the_prior_ranks_and_says_so(small: House) -> None:
    found = small.feeds.train()
    assert found["trained"] is False and "prior" in found["note"]
    assert small.feeds.model.metrics["kind"] == "prior"


def test_features_of_a_view_know_only_what_came_before_it(lively: House) -> None:
    before = examples(lively.interests.activity.shadow(), lively.interests.known)
    cut = int(np.median(before.at))
    # Everybody likes, answers and follows everything after the cut: no feature of an earlier view may change.
    later = [
        Action(f"home:late{person}x{post}", f"home:p{person}", f"home:{post}", ActionKind.LIKE, cut + HOUR)
        for person in range(30)
        for post in range(0, 500, 3)
    ]
    lively.add(*later)
    after = examples(lively.interests.activity.shadow(), lively.interests.known)
    then = before.at <= cut
    assert (after.at[: then.sum()] == before.at[then]).all()
    assert np.array_equal(after.table[: then.sum()], before.table[then])


def test_what_a_person_did_before_a_view_is_no_label_of_it(house: House) -> None:
    now = now_ms()
    house.add(
        Person("home:a", "a"), Person("home:b", "b"),
        Post("home:1", "home:a", now - 9 * HOUR, "one"), Post("home:2", "home:a", now - 9 * HOUR, "two"),
        Action("home:l1", "home:b", "home:1", ActionKind.LIKE, now - 5 * HOUR),
        Action("home:s1", "home:b", "home:1", ActionKind.SEEN, now - 4 * HOUR),
        Action("home:s2", "home:b", "home:2", ActionKind.SEEN, now - 4 * HOUR),
        Action("home:l2", "home:b", "home:2", ActionKind.LIKE, now - 3 * HOUR),
        Action("home:s3", "home:b", "home:2", ActionKind.SEEN, now - 2 * HOUR),
    )  # fmt: skip
    _, posts, _, labels = views(house.interests.activity)
    ids = house.interests.activity.post_ids.ids
    assert {ids[post]: bool(label[ACTIONS.index("like")]) for post, label in zip(posts, labels, strict=True)} == {
        "home:1": False,
        "home:2": True,
    }


def test_the_parts_of_a_score_sum_to_it(lively: House) -> None:
    model, _ = train(lively.interests.activity.shadow(), lively.interests.known)
    assert model is not None
    table = np.random.default_rng(0).normal(size=(20, len(NAMES))).astype(np.float32)
    weights = np.arange(len(ACTIONS), dtype=float)
    parts = model.parts(table, weights)
    assert parts.shape == (20, len(GROUPS) + 1)
    assert np.allclose(parts.sum(axis=1), model.probabilities(table) @ weights)


def test_a_model_is_read_as_it_was_written_and_a_damaged_one_is_none(
    house: House, tmp_path: pytest.TempPathFactory
) -> None:
    model = prior(house.interests.activity)
    save(tmp_path, model)  # type: ignore[arg-type]
    again = load(tmp_path)  # type: ignore[arg-type]
    assert again is not None and again.version == model.version
    file = tmp_path / "ranking.npz"  # type: ignore[operator]
    file.write_bytes(file.read_bytes()[:100])
    assert load(tmp_path) is None  # type: ignore[arg-type]


def test_the_prior_prefers_whom_one_follows_and_the_newer(small: House) -> None:
    model = prior(small.interests.activity)
    table = np.repeat(model.mean[None], 3, axis=0)
    table[1, PLACE["follows"]] = 1
    table[2, PLACE["age"]] += 2
    like = model.probabilities(table)[:, ACTIONS.index("like")]
    assert like[1] > like[0] > like[2]


def test_the_prior_learns_from_the_counts_of_an_archive_what_gets_likes(house: House) -> None:
    rng = np.random.default_rng(1)
    house.add(
        Person("x:a", "a"), Person("x:b", "b"),
        *(
            Post(f"x:{n}", f"x:{'ab'[n % 2]}", 1_460_000_000_000 + n, f"text {n}", media=bool(n % 3 == 0),
                 like_count=int(rng.poisson((60 if n % 3 == 0 else 10) * (1 + 4 * (n % 2)))) + 1)
            for n in range(400)
        ),
    )  # fmt: skip
    weights = fitted(house.interests.activity)
    assert weights["media"] > 0.2 > abs(weights["length"])


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=2, max_size=60))
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[float, bool]]) -> None:
    scores, labels = np.array([s for s, _ in pairs]), np.array([x for _, x in pairs])
    up, down = scores[labels], scores[~labels]
    found = metrics.auc(scores, labels)
    if not len(up) or not len(down):
        assert np.isnan(found)
    else:
        wins = (up[:, None] > down).sum() + 0.5 * (up[:, None] == down).sum()
        assert found == pytest.approx(wins / (len(up) * len(down)))


def test_ndcg_is_one_for_the_best_order_and_less_for_the_worst() -> None:
    gains, groups = np.array([1.0, 0, 0, 0, 1, 0]), np.array([1, 1, 1, 2, 2, 2])
    assert metrics.ndcg(gains, gains, groups) == pytest.approx(1)
    assert metrics.ndcg(-gains, gains, groups) < 0.7
    assert np.isnan(metrics.ndcg(gains, np.zeros(6), groups))


def test_platt_scaling_makes_overconfident_probabilities_come_true() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=6000)
    labels = rng.random(6000) < sigmoid(0.5 * logits - 1)
    scale, shift = platt(logits, labels)
    assert scale == pytest.approx(0.5, abs=0.1) and shift == pytest.approx(-1, abs=0.1)
    corrected = sigmoid(scale * logits + shift)
    assert metrics.calibration_error(corrected, labels) < 0.03 < metrics.calibration_error(sigmoid(logits), labels)


def test_a_network_of_few_people_can_be_trained(house: House, network: Callable[..., Any]) -> None:
    house.add(*network(12, 200, views=80))
    assert house.feeds.train()["trained"] is True
