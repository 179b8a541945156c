"""The campaigns in play as arrays, so that an auction looks at all of them at once. Made anew when one changes."""

from collections.abc import Mapping, Sequence

import numpy as np

from myna.ads.audience import Audiences
from myna.ads.ledger import Ledger
from myna.ads.pacing import DAY, Purse, Rhythm, affordable, day_of, multipliers
from myna.ads.prediction import bases, quality
from myna.ads.types import Campaign

_SETTLE = 1_000
"""Milliseconds after which multipliers are computed again though nothing was charged."""


class Book:
    """Campaigns that are active and not yet over at the time it is made. Arrays: (campaigns,), in the order given."""

    def __init__(
        self,
        campaigns: Sequence[Campaign],
        authors: Mapping[str, str],
        complaints: Mapping[str, int],
        since: Mapping[str, int],
    ) -> None:
        self.campaigns = list(campaigns)
        self.places = {campaign.id: place for place, campaign in enumerate(campaigns)}
        self.audiences = Audiences.of(self.campaigns)
        self.people: dict[str, list[int]] = {}
        """Campaigns by whose they are: their owner and the author of their post."""
        for place, campaign in enumerate(campaigns):
            for person in {campaign.owner_id, authors.get(campaign.post_id, campaign.owner_id)}:
                self.people.setdefault(person, []).append(place)
        count = len(self.campaigns)
        order = sorted(range(count), key=lambda place: self.campaigns[place].id)
        self.ranks = np.empty(count, np.int64)
        self.ranks[order] = np.arange(count)
        self.bids = np.array([campaign.bid for campaign in campaigns], np.int64)
        self.complaints = np.array([complaints.get(campaign.post_id, 0) for campaign in campaigns], np.int64)
        self.impressions = np.zeros(count, np.int64)
        self.clicks = np.zeros(count, np.int64)
        self.quality = np.ones(count)
        zero = np.zeros(count, np.int64)
        self.purse = Purse(
            np.array([campaign.budget for campaign in campaigns], np.int64),
            np.array([campaign.day_budget for campaign in campaigns], np.int64),
            zero.copy(),
            zero.copy(),
            zero.copy(),
            zero.copy(),
            np.array([campaign.starts_at for campaign in campaigns], np.int64),
            np.array([campaign.ends_at for campaign in campaigns], np.int64),
            np.array([since.get(campaign.id, 0) for campaign in campaigns], np.int64),
        )
        self.pace = np.ones(count)
        self.most = zero.copy()
        self._dirty: set[int] = set(range(count))
        self._settled = 0
        self._rhythm = Rhythm.of(None)
        self._rhythm_day = -1

    def touch(self, campaign: str) -> None:
        """This campaign's account changed."""
        if campaign in self.places:
            self._dirty.add(self.places[campaign])

    def settle(self, ledger: Ledger, now: int) -> None:
        """Brings money, paces and counts up to now."""
        if day_of(now) != self._rhythm_day:
            self._rhythm, self._rhythm_day = ledger.rhythm(now), day_of(now)
            self._dirty = set(range(len(self.campaigns)))
        late = now - self._settled >= _SETTLE or now < self._settled
        if late:
            self._dirty.update(int(place) for place in np.flatnonzero(self.purse.reserved))
        for place in self._dirty:
            self._read(place, ledger, now)
        if self._dirty or late:
            self.pace = multipliers(self.purse, now, self._rhythm)
            self.most = affordable(self.purse)
            self._settled = now
        self._dirty.clear()

    def bases(self, mean: float) -> np.ndarray:
        """pClick of each before how it fits. (campaigns,) float64"""
        return bases(self.impressions, self.clicks, mean)

    def _read(self, place: int, ledger: Ledger, now: int) -> None:
        account = ledger.account(self.campaigns[place].id)
        today = day_of(now)
        purse = self.purse
        purse.spent[place] = account.spent
        figures = account.days.get(today)
        purse.day_spent[place] = figures.spend if figures else 0
        since = int(purse.since[place])
        purse.before[place] = account.spent_between(today, since) if today < since < today + DAY else 0
        purse.reserved[place] = account.reserved_at(now)
        self.impressions[place] = account.impressions
        self.clicks[place] = account.clicks
        self.quality[place] = quality(account.impressions, int(self.complaints[place]))
