"""What the decision log adds up to: spending, reservations, frequency, exposures, counts of clicks.

Everything here is found again from the log alone; `applied` in any order it gives the same, because it only counts,
adds integers, and keeps the earliest or latest of times.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myna.ads.pacing import DAY, HOUR, Rhythm, day_of
from myna.ads.prediction import NANO, Clicks
from myna.decisions import Decision

RESERVED_FOR = 30 * 60_000
"""Milliseconds for which the expected price of an ad not yet clicked is held back; most clicks come in minutes."""
_RHYTHM_DAYS = 7
_RHYTHM_LEAST = 100
"""Slots a day must have had to tell something of the rhythm."""


@dataclass(slots=True)
class Day:
    """A campaign's figures of one day (UTC): impressions by when shown, clicks and spend by when clicked."""

    impressions: int = 0
    clicks: int = 0
    spend: int = 0


@dataclass(slots=True)
class Account:
    """A campaign's figures. reserved: (when, micros) by auction, for ads shown and not yet clicked."""

    spent: int = 0
    impressions: int = 0
    clicks: int = 0
    ghosts: int = 0
    expected: int = 0
    first_shown: int = 0
    last_shown: int = 0
    days: dict[int, Day] = field(default_factory=dict)
    charges: list[tuple[int, int]] = field(default_factory=list)
    filtered: Counter[str] = field(default_factory=Counter)
    reserved: dict[str, tuple[int, int]] = field(default_factory=dict)
    held: int = 0
    """The sum of what is reserved."""
    exposed: dict[str, tuple[int, bool]] = field(default_factory=dict)
    """By person: when the campaign first won a slot of theirs, and whether they are in its holdout."""

    def day(self, at: int) -> Day:
        """The figures of the day of a time."""
        return self.days.setdefault(day_of(at), Day())

    def reserve(self, auction: str, at: int, amount: int) -> None:
        """Holds back what an ad just shown is expected to cost."""
        self.reserved[auction] = (at, amount)
        self.held += amount

    def release(self, auction: str) -> None:
        """Its click came, or its time is over."""
        if auction in self.reserved:
            self.held -= self.reserved.pop(auction)[1]

    def reserved_at(self, now: int) -> int:
        """Micros held back now."""
        # In the order they came, so the old ones are in front; what another process wrote late waits its turn.
        while self.reserved:
            auction, (at, _) = next(iter(self.reserved.items()))
            if at >= now - RESERVED_FOR:
                break
            self.release(auction)
        return self.held

    def spent_between(self, start: int, end: int) -> int:
        """Micros charged for clicks made in [start, end), both within the latest day charged."""
        return sum(amount for at, amount in self.charges if start <= at < end)


@dataclass(slots=True)
class Seen:
    """How often a person was shown a campaign on a day, and when last; ghosts count, so both sides fare alike."""

    day: int
    times: int
    last: int


class Ledger:
    """The accounts of all campaigns, and what is common to them."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.seen: dict[str, dict[str, Seen]] = {}
        self.clicks = Clicks()
        self.clicked: dict[str, int] = {}
        """By auction: when its ad was first clicked by a reader."""
        self.last_click: dict[str, int] = {}
        """By auction: when its link was last followed, by anybody."""
        self.known_clicks: set[str] = set()
        self.traffic: dict[int, NDArray[np.int64]] = {}
        """By day: slots offered in each hour, (24,)."""

    def account(self, campaign: str) -> Account:
        """A campaign's account, empty at first."""
        return self.accounts.setdefault(campaign, Account())

    def apply(self, decision: Decision) -> str:
        """Takes a decision in; returns the id of the campaign it changed, "" for none."""
        if decision.kind == "auction":
            return self._auction(decision)
        if decision.kind == "click":
            return self._click(decision)
        return ""

    def _auction(self, decision: Decision) -> str:
        at, person, output = decision.at, decision.actor, decision.output
        day = self.traffic.get(day_of(at))
        if day is None:
            day = self.traffic[day_of(at)] = np.zeros(24, np.int64)
        day[at % DAY // HOUR] += 1
        campaign: str = output["winner"]
        if not campaign:
            return ""
        account = self.account(campaign)
        if person:
            self._see(person, campaign, at)
            first = account.exposed.get(person)
            if first is None or at < first[0]:
                account.exposed[person] = (at, output["ghost"])
        if output["ghost"]:
            account.ghosts += 1
            return campaign
        account.impressions += 1
        account.day(at).impressions += 1
        account.first_shown = min(account.first_shown or at, at)
        account.last_shown = max(account.last_shown, at)
        account.expected += round(output["p"] * NANO)
        self.clicks.shown(output["kind"], output["base"])
        if decision.id not in self.clicked:
            account.reserve(decision.id, at, -int(-output["p"] * output["price"] // 1))
        return campaign

    def _see(self, person: str, campaign: str, at: int) -> None:
        seen = self.seen.setdefault(person, {})
        held = seen.get(campaign)
        if held is None or held.day < day_of(at):
            seen[campaign] = Seen(day_of(at), 1, at)
        elif held.day == day_of(at):
            held.times += 1
            held.last = max(held.last, at)

    def _click(self, decision: Decision) -> str:
        input, output = decision.input, decision.output
        auction, campaign, at = input["auction"], input["campaign"], input["at"]
        self.known_clicks.add(decision.id)
        self.last_click[auction] = max(self.last_click.get(auction, 0), at)
        account = self.account(campaign)
        if not output["counted"]:
            account.filtered[output["why"]] += 1
            return str(campaign)
        self.clicked[auction] = min(self.clicked.get(auction, at), at)
        account.release(auction)
        account.clicks += 1
        account.spent += output["charge"]
        day = account.day(at)
        day.clicks += 1
        day.spend += output["charge"]
        # Of the latest day charged, the single charges: what was spent before a restart in the day is found from them.
        charges = [*account.charges, (at, output["charge"])]
        latest = day_of(max(charges)[0])
        account.charges = [charge for charge in charges if charge[0] >= latest]
        self.clicks.clicked(input["kind_of_match"])
        return str(campaign)

    def forget(self, person_id: str) -> None:
        """A person was deleted: nothing here tells of them any more; money and counts stay."""
        self.seen.pop(person_id, None)
        for account in self.accounts.values():
            account.exposed.pop(person_id, None)

    def rhythm(self, now: int) -> Rhythm:
        """The network's rhythm from the last whole days that tell something; even until there are any."""
        today = day_of(now)
        whole = [
            hours
            for day, hours in self.traffic.items()
            if today - _RHYTHM_DAYS * DAY <= day < today and hours.sum() >= _RHYTHM_LEAST
        ]
        return Rhythm.of(np.sum(whole, axis=0) if whole else None)

    def state(self, now: int) -> dict[str, Any]:
        """All of it as plain values, to be compared with what a rebuild finds."""
        today = day_of(now)
        return {
            "accounts": {
                id: {
                    **{
                        name: getattr(account, name)
                        for name in (
                            "spent",
                            "impressions",
                            "clicks",
                            "ghosts",
                            "expected",
                            "first_shown",
                            "last_shown",
                        )
                    },
                    "days": {day: (d.impressions, d.clicks, d.spend) for day, d in sorted(account.days.items())},
                    "charges": sorted(account.charges),
                    "filtered": dict(sorted(account.filtered.items())),
                    "reserved": sum(held for at, held in account.reserved.values() if at >= now - RESERVED_FOR),
                    "exposed": dict(sorted(account.exposed.items())),
                }
                for id, account in sorted(self.accounts.items())
                if account != Account()
            },
            "seen": {
                person: {id: (s.times, s.last) for id, s in sorted(seen.items()) if s.day == today}
                for person, seen in sorted(self.seen.items())
                if any(s.day == today for s in seen.values())
            },
            "clicks": (
                self.clicks.impressions,
                self.clicks.clicks,
                dict(sorted(self.clicks.expected.items())),
                dict(sorted(self.clicks.observed.items())),
            ),
            "clicked": dict(sorted(self.clicked.items())),
            "traffic": {day: hours.tolist() for day, hours in sorted(self.traffic.items())},
        }
