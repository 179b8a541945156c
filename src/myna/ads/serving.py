"""One slot of a feed: who may take it, at what bid, and who wins. The whole of it is one decision in the log.

Order of exclusion, each with its name in the log: dates, budget, own, blocked, language, audience, frequency, recent,
pacing; then the gate, asked from the best score down until two have passed (nobody below them can win or set the
price). What a campaign had spent at that moment is not repeated there: it is the sum of the log before this decision.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from myna.ads.auction import RESERVE, best
from myna.ads.audience import Match
from myna.ads.book import Book
from myna.ads.ledger import Seen
from myna.ads.pacing import LEAST, day_of
from myna.ads.prediction import KINDS

A_DAY = 3
"""Times that a person sees a campaign in a day (UTC) at most."""
APART = 60_000
"""Milliseconds between two times, so that no page shows the same ad twice."""
LISTED = 16
"""Candidates written to the log with their figures, the best ones; the others are counted."""
NAMED = 256
"""Excluded campaigns named in the log; of more, only how many for each reason."""
_AT_ONCE = 4


def draw(campaign: str, person: str) -> float:
    """A person's place in [0, 1) in a campaign's own random order: below its holdout, the person is held out.

    A hash, so that it needs no memory, never changes, and is independent between campaigns and of everything else.
    """
    digest = hashlib.blake2b(f"{campaign}\n{person}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


class Candidates:
    """The campaigns left for one slot, as places in the book, with why the others are out."""

    def __init__(self, book: Book, now: int) -> None:
        self.book = book
        self.open = np.ones(len(book.campaigns), bool)
        self.excluded: dict[str, np.ndarray] = {}
        self._out("dates", (book.purse.starts > now) | (book.purse.ends <= now))
        self._out("budget", book.most < RESERVE)

    def exclude(self, reason: str, places: Collection[int]) -> None:
        """These are out, where they were not already."""
        if places:
            mask = np.zeros(len(self.open), bool)
            mask[list(places)] = True
            self._out(reason, mask)

    def only(self, reason: str, places: Collection[int]) -> None:
        """All but these are out."""
        mask = np.ones(len(self.open), bool)
        mask[list(places)] = False
        self._out(reason, mask)

    def pace(self) -> None:
        """Those that spent ahead of their time wait."""
        self._out("pacing", self.book.pace < LEAST)

    def _out(self, reason: str, mask: np.ndarray) -> None:
        mask = mask & self.open
        if mask.any():
            self.excluded[reason] = np.flatnonzero(mask)
            self.open &= ~mask

    def told(self) -> dict[str, Any]:
        """Who is out, by reason: ids, or how many where they are too many to name."""
        total = sum(len(places) for places in self.excluded.values())
        return {
            reason: [self.book.campaigns[place].id for place in places] if total <= NAMED else len(places)
            for reason, places in sorted(self.excluded.items())
        }


def too_often(seen: Mapping[str, Seen], places: Mapping[str, int], now: int) -> tuple[list[int], list[int]]:
    """Places of campaigns this person saw often enough today, and of those seen a moment ago."""
    often = [places[id] for id, s in seen.items() if id in places and s.day == day_of(now) and s.times >= A_DAY]
    recent = [places[id] for id, s in seen.items() if id in places and now - s.last < APART]
    return often, recent


def rank(
    candidates: Candidates, matches: Mapping[int, Match], mean: float, factors: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The best candidates as they enter the log, but for the gate and the draw."""
    book = candidates.book
    places = np.flatnonzero(candidates.open)
    if not len(places):
        return []
    bids = np.minimum(np.floor(book.bids[places] * book.pace[places]).astype(np.int64), book.most[places])
    base = book.bases(mean)[places]
    kinds = np.full(len(places), KINDS.index("broad"))
    for row, place in enumerate(places.tolist()) if len(matches) * 8 > len(places) else ():
        if place in matches:
            kinds[row] = KINDS.index(matches[place].kind)
    if len(matches) * 8 <= len(places):
        for place, match in matches.items():
            row = int(np.searchsorted(places, place))
            if row < len(places) and places[row] == place:
                kinds[row] = KINDS.index(match.kind)
    # Rounded as logged, so that the replay, which has only the log, ranks exactly as was ranked here.
    p = np.round(np.minimum(base * np.array([factors[kind] for kind in KINDS])[kinds], 0.5), 9)
    quality = np.round(book.quality[places], 6)
    chosen = best(bids, p * quality, book.ranks[places], LISTED)
    listed = []
    for row in chosen.tolist():
        place = int(places[row])
        campaign = book.campaigns[place]
        match = matches.get(place, Match("broad", langs=campaign.langs))
        listed.append(
            {
                "campaign": campaign.id,
                "post": campaign.post_id,
                "payer": campaign.payer,
                "bid": int(bids[row]),
                "pace": round(float(book.pace[place]), 6),
                "base": round(float(base[row]), 9),
                "p": float(p[row]),
                "quality": float(quality[row]),
                "holdout": campaign.holdout,
                "match": told(match),
            }
        )
    return listed


def told(match: Match) -> dict[str, Any]:
    """How an ad fits, as it enters the log."""
    return {
        "kind": match.kind,
        "topic": match.topic,
        "words": list(match.words),
        "langs": list(match.langs),
        "evidence": list(match.evidence),
    }


def chunks(listed: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The candidates in the steps in which the gate is asked about them."""
    return [listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE)]
