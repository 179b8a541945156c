"""The auction of one slot: quality-weighted second price, pure functions.

score = bid x pClick x quality. The highest score wins and pays, for a click, the least bid with which it would still
have won: the second score / (its own pClick x quality), in whole micros rounded up, at least the reserve, never more
than its bid. With one slot and a price that does not depend on one's own bid, no lie about a click's value pays
(Vickrey 1961; for several slots that needs VCG, not the generalised second price: Edelman, Ostrovsky, Schwarz 2007).
Ties go to the smaller campaign id.

`bid` here is the bid after pacing (pacing.py) and never more than what is left of the budget.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myna.i18n import N_

RESERVE = 1_000
"""Micros: no click is sold for less."""

PAID = N_("{payer} paid for this ad")
INTEREST = N_("You seem interested in {topic}")
WORDS = N_("Shown beside posts about {words}")
LANGS = N_("Shown to everybody who reads {langs}")
EVERYBODY = N_("Shown to everybody")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who won at what price for a click (micros), and who was second; -1 for nobody."""

    winner: int
    second: int
    price: int


def sell(ids: Sequence[str], bids: Sequence[int], weights: Sequence[float], reserve: int = RESERVE) -> Outcome:
    """Sells one slot. bids: micros for a click; weights: pClick x quality, both > 0. All (candidates,)."""
    winner = second = -1
    for place in range(len(ids)):
        if bids[place] < reserve:
            continue
        key = (-bids[place] * weights[place], ids[place])
        if winner < 0 or key < (-bids[winner] * weights[winner], ids[winner]):
            winner, second = place, winner
        elif second < 0 or key < (-bids[second] * weights[second], ids[second]):
            second = place
    if winner < 0:
        return Outcome(-1, -1, 0)
    return Outcome(winner, second, price(winner, second, bids, weights, reserve))


def price(winner: int, second: int, bids: Sequence[int], weights: Sequence[float], reserve: int = RESERVE) -> int:
    """What the winner pays for a click, in micros."""
    least = bids[second] * weights[second] / weights[winner] if second >= 0 else 0.0
    return int(min(max(math.ceil(least), reserve), bids[winner]))


def best(
    bids: NDArray[np.int64], weights: NDArray[np.float64], ranks: NDArray[np.int64], count: int, reserve: int = RESERVE
) -> NDArray[np.int64]:
    """Places of the highest scores, the best first, ties by rank: what `sell` needs of a hundred thousand candidates.

    bids, weights, ranks: (candidates,); ranks: place of each id in sorted order.
    """
    scores = np.where(bids >= reserve, bids * weights, -1.0)
    if len(scores) > 4 * count:
        # Everything that ties with the last of the chosen comes along, so that ties are broken by id alone.
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        chosen = np.flatnonzero((scores >= least) & (scores > 0))
    else:
        chosen = np.flatnonzero(scores > 0)
    order = np.lexsort((ranks[chosen], -scores[chosen]))
    return chosen[order[:count]]


def decide(input: Mapping[str, Any]) -> dict[str, Any]:
    """An auction's outcome from its logged input: what was answered, and what a replay computes again.

    input: {"reserve", "candidates": [{"campaign", "post", "payer", "bid", "base", "p", "quality", "gate", "draw",
    "holdout", "match": {…}}], …}. gate: True, False, or None where the gate was not asked since two better ones passed.
    draw: the place in [0, 1) of this person in the campaign's own random order; below holdout means held out.
    """
    candidates = input["candidates"]
    allowed = [candidate for candidate in candidates if candidate["gate"] is True]
    ids = [candidate["campaign"] for candidate in allowed]
    weights = [candidate["p"] * candidate["quality"] for candidate in allowed]
    outcome = sell(ids, [candidate["bid"] for candidate in allowed], weights, input["reserve"])
    refused = [candidate["campaign"] for candidate in candidates if candidate["gate"] is False]
    result: dict[str, Any] = {
        "winner": "",
        "ghost": False,
        "price": 0,
        "scores": {
            candidate["campaign"]: candidate["bid"] * (candidate["p"] * candidate["quality"])
            for candidate in candidates
        },
        "refused": refused,
        "reasons": [],
    }
    if outcome.winner < 0:
        return result
    won = allowed[outcome.winner]
    return {
        **result,
        "winner": won["campaign"],
        "second": ids[outcome.second] if outcome.second >= 0 else "",
        "post": won["post"],
        "payer": won["payer"],
        "price": outcome.price,
        "p": won["p"],
        "base": won["base"],
        "kind": won["match"]["kind"],
        # The person is in the holdout of the one who won: the slot goes to nobody. Were it given to the second, the
        # people held out would see other ads than those reached, and the difference would measure those too. The log
        # names who would have won (ghost ads: Johnson, Lewis, Nubbemeyer 2017), so both sides can be compared.
        "ghost": won["draw"] < won["holdout"],
        "reasons": [{"text": PAID, "values": {"payer": won["payer"]}, "evidence": []}, _why(won["match"])],
    }


def _why(match: Mapping[str, Any]) -> dict[str, Any]:
    evidence = match.get("evidence", [])
    if match["kind"] == "interest":
        return {"text": INTEREST, "values": {"topic": match["topic"]}, "evidence": evidence}
    if match["kind"] == "words":
        return {"text": WORDS, "values": {"words": ", ".join(match["words"])}, "evidence": evidence}
    if match["langs"]:
        return {"text": LANGS, "values": {"langs": ", ".join(match["langs"])}, "evidence": []}
    return {"text": EVERYBODY, "values": {}, "evidence": []}
