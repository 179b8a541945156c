"""Campaigns: what one must be, and how it is kept. Every change is a decision of kind `campaign` in the log."""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from myna.ads.auction import RESERVE
from myna.ads.token import destination
from myna.ads.types import Campaign, Status
from myna.decisions import Decision, DecisionLog
from myna.gate import ANYONE, Reader
from myna.network import NotFound, Problem, Purpose, Records, now_ms

_LONGEST = 100
"""Characters of a payer's or campaign's name; OpenRTB's DSA object has the same limit."""
_LATEST = 4_102_444_800_000


class Campaigns:
    """The campaigns of a network. The log tells what they are; records keep the current form beside it."""

    def __init__(self, reader: Reader, log: DecisionLog, records: Records) -> None:
        self._reader = reader
        self._log = log
        self._records = records
        self._held: dict[str, Campaign] = {}
        self.started_at: dict[str, int] = {}
        """When each was last started."""

    def create(
        self,
        owner_id: str,
        payer: str,
        name: str,
        post_id: str,
        bid: int,
        budget: int,
        starts_at: int,
        ends_at: int,
        day_budget: int = 0,
        url: str = "",
        interests: Iterable[str] = (),
        words: Iterable[str] = (),
        langs: Iterable[str] = (),
        holdout: float = 0.1,
    ) -> tuple[Campaign, Decision]:
        """A new campaign, paused. Raises Problem, saying what is wrong with which field."""
        now = now_ms()
        campaign = Campaign(
            f"c{now:011x}{secrets.token_hex(4)}",
            self._reader.person(owner_id).id,
            payer.strip(),
            name.strip(),
            post_id,
            url.strip(),
            bid,
            budget,
            day_budget,
            starts_at or now,
            ends_at,
            _clean("interests", interests),
            _clean("words", words),
            tuple(lang.lower() for lang in _clean("langs", langs)),
            holdout,
            Status.PAUSED,
            now,
        )
        campaign = checked(campaign, now)
        self._check_post(campaign)
        return campaign, self._keep(campaign, "create", campaign.owner_id)

    def set_status(self, id: str, status: Status, by: str = "") -> tuple[Campaign, Decision]:
        """Starts, pauses or ends a campaign; what has ended stays so. by: who asked, the owner where empty."""
        campaign = self.get(id)
        status = Status(status)
        if campaign.status is Status.ENDED:
            raise Problem(f"Campaign {campaign.name!r} has ended and stays so; make a new one.", 409)
        if status is Status.ACTIVE:
            self._check_post(campaign)
        return replace(campaign, status=status), self._keep(
            replace(self._held[id], status=status), "status", by or campaign.owner_id
        )

    def get(self, id: str) -> Campaign:
        """A campaign by id. Raises NotFound."""
        if id not in self._held:
            raise NotFound(f"There is no campaign {id!r}; `myna ads list` shows those there are.")
        return _as_of(self._held[id], now_ms())

    def all(self, owner_id: str | None = None) -> list[Campaign]:
        """All campaigns, or one person's, the oldest first."""
        now = now_ms()
        found = [_as_of(campaign, now) for campaign in self._held.values() if owner_id in (None, campaign.owner_id)]
        return sorted(found, key=lambda campaign: (campaign.created_at, campaign.id))

    def apply(self, decision: Decision) -> str:
        """Takes a logged change in; returns the campaign's id."""
        campaign = from_body(decision.output["campaign"], decision.actor)
        held = self._held.get(campaign.id)
        if campaign.status is Status.ACTIVE and (held is None or held.status is not Status.ACTIVE):
            self.started_at[campaign.id] = decision.at
        if not campaign.owner_id:
            # Its owner was deleted: nothing is advertised any more; the repository still tells what was.
            campaign = replace(campaign, status=Status.ENDED)
        self._held[campaign.id] = campaign
        return campaign.id

    def forget_owner(self, person_id: str) -> list[str]:
        """A person was deleted: their campaigns end. Returns their ids."""
        theirs = [campaign.id for campaign in self._held.values() if campaign.owner_id == person_id]
        for id in theirs:
            self._held[id] = replace(self._held[id], owner_id="", status=Status.ENDED)
        return theirs

    def mend(self) -> None:
        """Keeps beside the log again what a crash between the two left out."""
        kept = self._records.all()
        for campaign in self._held.values():
            if campaign.owner_id and kept.get(campaign.id) != to_body(campaign):
                self._records.put(campaign.id, to_body(campaign), campaign.owner_id)

    def _keep(self, campaign: Campaign, change: str, by: str) -> Decision:
        # The actor is the owner whoever asked: the decisions about a person's campaigns are theirs.
        body = to_body(campaign)
        who = "owner" if by == campaign.owner_id else by
        input = {"change": change, "by": who, "campaign": campaign.id}
        at = now_ms()
        id = self._log.write("campaign", campaign.owner_id, Purpose.ADS, input, {"campaign": body}, at=at)
        self._records.put(campaign.id, body, campaign.owner_id)
        return Decision(id, at, "campaign", campaign.owner_id, Purpose.ADS, "", input, {"campaign": body})

    def _check_post(self, campaign: Campaign) -> None:
        found = self._reader.posts(ANYONE, Purpose.READ, [campaign.post_id]).get(campaign.post_id)
        if found is None:
            raise NotFound(f"There is no public post {campaign.post_id!r} to promote; it may have been deleted.")
        if found.repost_of:
            raise Problem("A repost cannot be promoted; promote the post itself.", 422)
        ruling = self._reader.decide(ANYONE, Purpose.ADS, found)
        if not ruling.allow:
            raise Problem(f"This post may not be promoted: {ruling.reason}. Its author can allow ads for it.", 403)
        policy = self._reader.policy
        if found.author_id != campaign.owner_id and True not in (
            policy.author_says(found, Purpose.ADS),
            policy.operator_says(found, Purpose.ADS),
        ):
            raise Problem("Only one's own posts can be promoted, or those whose author has allowed ads for them.", 403)


def checked(campaign: Campaign, now: int) -> Campaign:
    """The campaign with its url in the one form that is linked to. Raises Problem for the first field that is wrong."""
    for label, money, least in (("bid", campaign.bid, RESERVE), ("budget", campaign.budget, campaign.bid)):
        if not _whole(money) or money <= 0:
            raise Problem(f"The {label} must be a whole number of micros greater than 0, not {money!r}.", 422)
        if money < least:
            what = f"the least price of a click, {RESERVE}" if label == "bid" else f"one click's bid, {campaign.bid}"
            raise Problem(f"The {label} of {money} micros is less than {what}. Raise it.", 422)
    if campaign.budget > 10**15:
        raise Problem("The budget is more than a thousand million; money is given in micros.", 422)
    if not _whole(campaign.day_budget) or campaign.day_budget < 0:
        raise Problem("The day budget must be a whole number of micros, or 0 for none.", 422)
    if campaign.day_budget and not campaign.bid <= campaign.day_budget <= campaign.budget:
        raise Problem("The day budget must lie between the bid for one click and the whole budget.", 422)
    for label, text in (("payer", campaign.payer), ("name", campaign.name)):
        if not 1 <= len(text) <= _LONGEST or not text.isprintable():
            raise Problem(f"The {label} must be 1 to {_LONGEST} printable characters.", 422)
    if not _whole(campaign.starts_at) or not _whole(campaign.ends_at):
        raise Problem("Start and end are whole milliseconds since 1970.", 422)
    if not 0 < campaign.starts_at < campaign.ends_at <= _LATEST:
        raise Problem("The end must lie after the start, and before the year 2100.", 422)
    if campaign.ends_at <= now:
        raise Problem("The end lies in the past.", 422)
    if not isinstance(campaign.holdout, int | float) or not 0 <= campaign.holdout <= 0.5:
        raise Problem(f"The holdout must be a share from 0 to 0.5, not {campaign.holdout!r}.", 422)
    if campaign.url:
        url = destination(campaign.url)
        if url is None or destination(url) != url:
            raise Problem("The link must be an http:// or https:// address with a host, at most 2000 characters.", 422)
        campaign = replace(campaign, url=url)
    return replace(campaign, holdout=float(campaign.holdout))


def to_body(campaign: Campaign) -> dict[str, Any]:
    """The campaign as kept, without its owner, whom record and decision name themselves."""
    body = {name: getattr(campaign, name) for name in Campaign.__slots__ if name != "owner_id"}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in body.items()} | {
        "status": str(campaign.status)
    }


def from_body(body: dict[str, Any], owner_id: str) -> Campaign:
    """The campaign that was kept."""
    lists = {name: tuple(body[name]) for name in ("interests", "words", "langs")}
    return Campaign(**{**body, **lists, "owner_id": owner_id, "status": Status(body["status"])})


def _as_of(campaign: Campaign, now: int) -> Campaign:
    return replace(campaign, status=Status.ENDED) if campaign.ends_at <= now else campaign


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _clean(label: str, texts: Iterable[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise Problem(f"{label} must be a list, not one text.", 422)
    cleaned = tuple(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))
    if len(cleaned) > 100 or any(len(text) > 200 or not text.isprintable() for text in cleaned):
        raise Problem(f"At most 100 {label} of at most 200 printable characters each.", 422)
    return cleaned
