"""The auction keeps what it promises its bidders."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.ads.auction import RESERVE, best, sell

bids = st.lists(st.integers(1, 2_000_000), min_size=1, max_size=8)
weight = st.floats(1e-6, 0.5)


@st.composite
def auctions(draw: st.DrawFn) -> tuple[list[str], list[int], list[float]]:
    offered = draw(bids)
    ids = [f"c{place}" for place in draw(st.permutations(range(len(offered))))]
    # Few distinct values, so that ties are tried too.
    offered = [bid - bid % draw(st.sampled_from([1, 100_000])) or 1 for bid in offered]
    weights = draw(st.lists(st.one_of(weight, st.sampled_from([0.01, 0.02])), min_size=len(ids), max_size=len(ids)))
    return ids, offered, weights


@given(auctions())
def test_price_lies_between_reserve_and_bid(auction):
    ids, offered, weights = auction
    outcome = sell(ids, offered, weights)
    if outcome.winner < 0:
        assert all(bid < RESERVE for bid in offered)
    else:
        assert RESERVE <= outcome.price <= offered[outcome.winner]


@given(auctions())
def test_highest_score_wins_and_pays_least_winning_bid(auction):
    ids, offered, weights = auction
    outcome = sell(ids, offered, weights)
    if outcome.winner < 0 or outcome.price == RESERVE:
        return
    won = outcome.winner
    assert offered[won] * weights[won] == max(b * w for b, w in zip(offered, weights, strict=True) if b >= RESERVE)
    # Two micros less than the price, and the second would have won (one for rounding up, one for the tie).
    lower = [*offered]
    lower[won] = outcome.price - 2
    assert sell(ids, lower, weights).winner != won


@settings(max_examples=300)
@given(auctions(), st.data())
def test_no_lie_pays(auction, data):
    ids, values, weights = auction
    who = data.draw(st.integers(0, len(ids) - 1))
    honest = sell(ids, values, weights)
    gain = (values[who] - honest.price) if honest.winner == who else 0
    assert gain >= 0
    for lie in (data.draw(st.integers(1, 3_000_000)), values[who] + 1, max(values[who] - 1, 1), honest.price + 1):
        told = [*values]
        told[who] = lie
        outcome = sell(ids, told, weights)
        lied = (values[who] - outcome.price) if outcome.winner == who else 0
        assert lied <= gain


@given(auctions(), st.data())
def test_higher_bid_never_loses_what_a_lower_one_won(auction, data):
    ids, offered, weights = auction
    outcome = sell(ids, offered, weights)
    if outcome.winner < 0:
        return
    raised = [*offered]
    raised[outcome.winner] += data.draw(st.integers(0, 1_000_000))
    again = sell(ids, raised, weights)
    assert again.winner == outcome.winner
    assert again.price >= outcome.price
    assert again.price <= max(outcome.price, raised[again.winner])


@given(auctions(), st.randoms(use_true_random=False))
def test_order_of_candidates_does_not_matter(auction, random):
    ids, offered, weights = auction
    outcome = sell(ids, offered, weights)
    order = list(range(len(ids)))
    random.shuffle(order)
    again = sell([ids[i] for i in order], [offered[i] for i in order], [weights[i] for i in order])
    assert again.price == outcome.price
    assert (ids[order[again.winner]] if again.winner >= 0 else "") == (
        ids[outcome.winner] if outcome.winner >= 0 else ""
    )


@given(auctions(), st.integers(1, 4))
def test_best_finds_what_sorting_finds(auction, count):
    ids, offered, weights = auction
    places = {id: rank for rank, id in enumerate(sorted(ids))}
    ranks = np.array([places[id] for id in ids])
    found = best(np.array(offered), np.array(weights), ranks, count)
    scores = [b * w for b, w in zip(offered, weights, strict=True)]
    expected = sorted((i for i in range(len(ids)) if offered[i] >= RESERVE), key=lambda i: (-scores[i], ids[i]))
    assert found.tolist() == expected[:count]


def test_price_is_rounded_up_to_whole_micros():
    outcome = sell(["a", "b"], [500_000, 100_001], [0.03, 0.01])
    assert outcome.winner == 0
    assert outcome.price == math.ceil(100_001 / 3)
