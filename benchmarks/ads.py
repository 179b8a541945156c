"""Ads: how fast an auction is, whether lies pay in it, whether budgets are spent, and how fast links redirect.

    myna bench ads [--file auctions.parquet] [--quick]

With the iPinYou layout (columns market_price, click, pctr; campaign 2997) pacing is replayed on real
prices too. The times of day there are not recorded: auctions are spread evenly over a day in the order of the log.
"""

import http.client
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from result import Row

from myna.ads.auction import RESERVE, best, price, sell
from myna.ads.pacing import DAY, Purse, Rhythm, affordable, multipliers

IPINYOU = "ipinyou_2997_auctions_2013/auctions_first_half.parquet"


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """All rows."""
    yield from latency(quick)
    yield from filling(quick)
    yield from truthfulness(quick)
    yield from utilisation(quick)
    yield from redirects()
    found = _ipinyou(data)
    if found is not None:
        yield from real_prices(found)


# -- latency -------------------------------------------------------------------------------------------------------


def latency(quick: bool) -> Iterator[Row]:
    """The median time to find winner and price among line items that all may take part: ours and a plain loop."""
    rng = np.random.default_rng(1)
    for count in (1_000, 100_000):
        bids = rng.integers(RESERVE, 2_000_000, count)
        weights = rng.uniform(1e-4, 0.05, count)
        ranks = rng.permutation(count)
        ids = [f"c{rank:06d}" for rank in ranks]
        plain_bids, plain_weights = bids.tolist(), weights.tolist()
        paces = rng.uniform(0.1, 1, count)

        def ours(bids=bids, weights=weights, ranks=ranks, paces=paces) -> tuple[int, int]:
            paced = np.floor(bids * paces).astype(np.int64)
            first, second = best(paced, weights, ranks, 2)
            return int(first), price(0, 1, [int(paced[first]), int(paced[second])], [weights[first], weights[second]])

        def loop(bids=plain_bids, weights=plain_weights, ids=ids, paces=paces.tolist()) -> tuple[int, int]:
            outcome = sell(ids, [int(bid * pace) for bid, pace in zip(bids, paces, strict=True)], weights)
            return outcome.winner, outcome.price

        assert ours() == loop()
        rounds = 20 if quick else 200
        asked = 5.0 if count == 100_000 else None
        yield Row(
            f"auction among {count:,} eligible line items, median", "ms", _median_ms(ours, rounds),
            {"plain Python loop": _median_ms(loop, max(rounds // 10, 5))}, asked, more_is_better=False,
        )  # fmt: skip


def _median_ms(call, rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.process_time_ns()
        call()
        taken.append(time.process_time_ns() - begun)
    return float(np.median(taken)) / 1e6


def filling(quick: bool) -> Iterator[Row]:
    """The time to fill a slot with 100 campaigns in play, gate, consent and blocks asked, writing the log left out.

    Processor time, for a reader's first slot on a page, and for the second, when who they are is known already.
    """
    from myna.ads import Ads, Status
    from myna.decisions import DecisionLog
    from myna.gate import Reader
    from myna.network import Person, Post, Records, now_ms
    from myna.network.store import Store
    from myna.people.types import Interest

    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/myna.db")
        now = now_ms()
        store.append([Person(f"home:p{n}", f"p{n}", lang="en") for n in range(400)])
        store.append([Post(f"home:q{n}", f"home:p{n}", now, f"all about tea {n}", "en") for n in range(100)])
        log = DecisionLog(store)
        interest = Interest("i", "tea", 1.0, ("home:q1",))
        ads = Ads(
            Path(folder) / "ads", Reader(store), log, Records(store, "campaign"),
            lambda person, topics: [interest] if "tea" in topics else [], "http://127.0.0.1:8421",
        )  # fmt: skip
        for n in range(100):
            campaign = ads.create(
                f"home:p{n}", "Tea & Co", f"Campaign {n}", f"home:q{n}", 100_000 + 1_000 * n, 50_000_000, 0,
                now + 10 * DAY, interests=["tea"] if n % 3 == 0 else [], words=["tea"] if n % 3 == 1 else [],
                url="https://example.org/",
            )  # fmt: skip
            ads.set_status(campaign.id, Status.ACTIVE)
        nearby = [Post(f"home:n{n}", "home:p399", now, "tea and cake and other things", "en") for n in range(5)]
        writing = [0]
        write = log.write

        def timed(*given, **named):
            begun = time.process_time_ns()
            try:
                return write(*given, **named)
            finally:
                writing[0] += time.process_time_ns() - begun

        log.write = timed
        taken: tuple[list[int], list[int]] = ([], [])
        for n in range(100, 200 if quick else 390):
            for second in (0, 1):
                writing[0] = 0
                begun = time.process_time_ns()
                ads.fill(f"home:p{n}", nearby)
                taken[second].append(time.process_time_ns() - begun - writing[0])
        store.close()
    for name, found in zip(("first", "second"), taken, strict=True):
        yield Row(
            f"filling a page's {name} slot with 100 campaigns, median", "ms", float(np.median(found)) / 1e6, {}, 2.0,
            more_is_better=False,
        )  # fmt: skip


# -- truthfulness --------------------------------------------------------------------------------------------------


def truthfulness(quick: bool) -> Iterator[Row]:
    """The share of auctions in which somebody gains by bidding another value than their own, found by trying."""
    rng = np.random.default_rng(2)
    auctions = 400 if quick else 4_000
    ours = first = generalised = 0
    for _ in range(auctions):
        values = [int(v) for v in rng.integers(5_000, 1_000_000, 6)]
        weights = rng.uniform(0.002, 0.05, 6).tolist()
        lies = [int(lie) for lie in rng.integers(1_000, 1_200_000, 40)]
        ours += any(_gains(_second, values, weights, who, lies) for who in range(6))
        first += any(_gains(_first, values, weights, who, lies) for who in range(6))
        generalised += any(_gains(_gsp, values, weights, who, lies) for who in range(6))
    yield Row(
        "auctions in which some lie about a click's value pays", "%", 100 * ours / auctions,
        {"first price": 100 * first / auctions, "generalised second price, 4 slots": 100 * generalised / auctions},
        0.0, more_is_better=False,
    )  # fmt: skip


def _gains(utility, values, weights, who, lies) -> bool:
    honest = utility(values, values, weights, who)
    return any(
        utility([lie if i == who else value for i, value in enumerate(values)], values, weights, who) > honest + 1e-9
        for lie in lies
    )


def _second(bids, values, weights, who) -> float:
    outcome = sell([str(i) for i in range(len(bids))], bids, weights)
    return weights[who] * (values[who] - outcome.price) if outcome.winner == who else 0.0


def _first(bids, values, weights, who) -> float:
    winner = max(range(len(bids)), key=lambda i: bids[i] * weights[i])
    return weights[who] * (values[who] - bids[who]) if winner == who else 0.0


def _gsp(bids, values, weights, who, slots=(1.0, 0.7, 0.5, 0.35)) -> float:
    order = sorted(range(len(bids)), key=lambda i: -bids[i] * weights[i])
    place = order.index(who)
    if place >= len(slots):
        return 0.0
    after = order[place + 1]
    return slots[place] * weights[who] * (values[who] - bids[after] * weights[after] / weights[who])


# -- pacing --------------------------------------------------------------------------------------------------------


def utilisation(quick: bool) -> Iterator[Row]:
    """Many advertisers with day budgets over simulated days of uneven traffic: what is spent, when, and its value."""
    advertisers, slots, days = (60, 30_000, 2) if quick else (200, 100_000, 3)
    paced = _market(advertisers, slots, days, pacing=True)
    greedy = _market(advertisers, slots, days, pacing=False)
    peers = {name: {"no pacing": value} for name, value in greedy.items()}
    names = {
        "spent": ("budget spent, mean over campaigns", "%", None, True),
        "close": ("campaigns that spent at least 95 % of their budget", "%", None, True),
        "over": ("budgets overspent", "campaigns", 0.0, False),
        "value": ("value of the clicks to the advertisers", "% of no pacing", None, True),
        "unevenness": ("distance of spending from the day's rhythm (0 none, 1 all)", "", None, False),
    }
    for name, (what, unit, asked, more) in names.items():
        scale = 100 / greedy["value"] if name == "value" else 1
        shown = {peer: value * scale for peer, value in peers[name].items()}
        yield Row(f"{what} ({advertisers} advertisers)", unit, paced[name] * scale, shown, asked, more)


def _market(advertisers: int, slots: int, days: int, pacing: bool) -> dict[str, float]:
    rng = np.random.default_rng(3)
    hours = 1 + 0.9 * np.sin((np.arange(24) - 9) / 24 * 2 * np.pi)
    counted = (hours * 1_000).astype(np.int64)
    rhythm = Rhythm.of(counted)
    first = 20_000 * DAY
    per_day = rng.multinomial(slots, hours / hours.sum(), days)
    times = np.concatenate(
        [
            np.sort(
                first
                + day * DAY
                + np.repeat(np.arange(24), per_day[day]) * DAY // 24
                + rng.integers(0, DAY // 24, slots)
            )
            for day in range(days)
        ]
    )
    values = rng.lognormal(12.2, 0.5, advertisers).astype(np.int64)
    # About half of them could win more than they can pay for.
    budgets = (rng.lognormal(0, 0.8, advertisers) * slots * 0.02 * values.mean() / advertisers * 0.35).astype(np.int64)
    budgets = np.maximum(budgets, 5 * values)
    zero = np.zeros(advertisers, np.int64)
    purse = Purse(
        budgets * days, budgets, zero.copy(), zero.copy(), zero.copy(), zero.copy(),
        np.full(advertisers, first), np.full(advertisers, first + days * DAY), zero.copy(),
    )  # fmt: skip
    ranks = np.arange(advertisers)
    value = 0.0
    by_hour = np.zeros((advertisers, 24))
    spent_on_day = np.zeros((days, advertisers))
    day = -1
    pace = np.ones(advertisers)
    settled = 0
    for at in times.tolist():
        if (at - first) // DAY != day:
            day = (at - first) // DAY
            purse.day_spent[:] = 0
            settled = 0
        if at - settled > 60_000:
            pace = multipliers(purse, at, rhythm) if pacing else pace
            settled = at
        most = affordable(purse)
        interested = rng.random(advertisers) < 0.15
        clicks = rng.beta(2, 98, advertisers)
        bids = np.where(interested & (pace >= 0.05), np.minimum((values * pace).astype(np.int64), most), 0)
        found = best(bids, clicks, ranks, 2)
        if not len(found):
            continue
        won = int(found[0])
        cost = price(0, len(found) - 1 if len(found) > 1 else -1, bids[found].tolist(), clicks[found].tolist())
        if rng.random() < clicks[won]:
            purse.spent[won] += cost
            purse.day_spent[won] += cost
            spent_on_day[day, won] += cost
            by_hour[won, (at % DAY) * 24 // DAY] += cost
            value += float(values[won])
    share = purse.spent / purse.budget
    even = counted / counted.sum()
    profile = by_hour / np.maximum(by_hour.sum(1, keepdims=True), 1)
    active = purse.spent > 20 * values
    return {
        "spent": 100 * float(share.mean()),
        "close": 100 * float((share >= 0.95).mean()),
        "over": float(((spent_on_day > budgets).any(0) | (purse.spent > purse.budget)).sum()),
        "value": value,
        "unevenness": float(np.abs(profile[active] - even).sum(1).mean() / 2),
    }


# -- real prices ---------------------------------------------------------------------------------------------------


def _ipinyou(data: Path | None) -> Path | None:
    if data is None:
        where = os.environ.get("MYNA_DATA")
        data = Path(where) if where else Path(__file__).parents[1].parent / "shared" / "data"
    for path in (data, data / IPINYOU, data / Path(IPINYOU).name):
        if path.is_file():
            return path
    return None


def real_prices(path: Path) -> Iterator[Row]:
    """One advertiser against logged market prices with 1/32 of the money: clicks won, budget used."""
    log = pl.read_parquet(path)
    prices = log["market_price"].to_numpy().astype(float)
    clicks = log["click"].to_numpy()
    predicted = log["pctr"].to_numpy().astype(float)
    budget = float(prices.sum()) / 32
    # A click is worth the mean price of one, as in the published linear baselines: the same for all three.
    worth = prices.sum() / predicted.sum()
    times = (np.arange(len(prices)) * (DAY - 1) // len(prices)).astype(np.int64)
    results = {
        name: _replay(prices, clicks, predicted, times, budget, worth, name) for name in ("ours", "greedy", "lot")
    }
    order = np.argsort(prices / np.maximum(predicted, 1e-9))
    affordable_ = np.cumsum(prices[order]) <= budget
    optimum = float(predicted[order][affordable_].sum())
    for place, what, unit, scale in (
        (1, "expected clicks won", "% of the optimum in hindsight", 100 / optimum),
        (2, "budget used", "%", 100 / budget),
        (0, "clicks won", "clicks", 1.0),
    ):
        peers = {
            "in full until broke": results["greedy"][place] * scale,
            "in full, by lot at our pace": results["lot"][place] * scale,
        }
        yield Row(f"iPinYou 2997, 1/32 of the money: {what}", unit, results["ours"][place] * scale, peers)


def _replay(prices, clicks, predicted, times, budget, worth, how) -> tuple[float, float, float]:
    rng = np.random.default_rng(4)
    micro = 1_000
    one = lambda value: np.array([value], np.int64)  # noqa: E731
    purse = Purse(one(int(budget * micro)), one(0), one(0), one(0), one(0), one(0), one(0), one(DAY), one(0))
    rhythm = Rhythm.of(None)
    won = expected = spent = 0.0
    pace = 1.0
    for i in range(len(prices)):
        if how != "greedy" and i % 20 == 0:
            purse.spent[0] = purse.day_spent[0] = int(spent * micro)
            pace = float(multipliers(purse, int(times[i]), rhythm)[0])
        # By lot: bids in full, but takes part only as often as the pace says (throttling).
        share = float(rng.random() < pace) if how == "lot" else pace
        bid = worth * predicted[i] * share
        if bid >= prices[i] and spent + prices[i] <= budget:
            spent += prices[i]
            won += clicks[i]
            expected += predicted[i]
    return float(won), float(expected), float(spent)


# -- links ---------------------------------------------------------------------------------------------------------


def redirects() -> Iterator[Row]:
    """The time of a redirect over loopback, from a links process of its own, one connection."""
    from myna.ads import links
    from myna.ads.token import Keyring, Link

    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        begun = time.monotonic()
        url = links.ensure_running(directory, port=0)
        started = time.monotonic() - begun
        token = Keyring(directory).sign(Link("https://example.org/tea", "c", "d", 1))
        connection = http.client.HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]))
        taken = []
        for _ in range(500):
            at = time.perf_counter()
            connection.request("GET", f"/c/{token}", headers={"User-Agent": "Mozilla/5.0 (X11) Firefox/140.0"})
            answer = connection.getresponse()
            answer.read()
            taken.append(time.perf_counter() - at)
            assert answer.status == 302
        links.stop(directory)
    yield Row("links process: from start to first answer", "s", started, {}, 0.5, more_is_better=False)
    yield Row("redirect, median", "ms", float(np.median(taken)) * 1e3, {}, None, more_is_better=False)
    yield Row("redirect, 99th percentile", "ms", float(np.quantile(taken, 0.99)) * 1e3, {}, None, more_is_better=False)
