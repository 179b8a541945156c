"""Campaigns and their reports, and the public repository of ads."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from myna.ads.types import Campaign, PublicAd, Report, Status
from myna.api.asking import ANYBODY, Asker, KnownAsker, Network, acting
from myna.api.native.fields import WHOLE, Body, FactId, For, Line, Moment, PartId, PersonName
from myna.gate import Actor, ActorKind
from myna.network import NotFound, Purpose

router = APIRouter(tags=["ads"])

Micros = Annotated[int, Field(ge=0, le=10**15, description="Millionths of the network's currency; 0 for none."), WHOLE]
Price = Annotated[int, Field(ge=1, le=10**15, description="Millionths of the network's currency."), WHOLE]
Listed = Annotated[list[Line], Field(max_length=100)]


class NewCampaign(Body):
    """A campaign to be made, paused. Whom it is to reach: interests, words of posts near the ad, languages; all empty
    for everybody. holdout: the share of people who see no ad of it, so that what it caused can be measured."""

    payer: Line
    name: Line
    post_id: FactId
    bid: Price
    budget: Price
    starts_at: Moment
    ends_at: Moment
    day_budget: Micros = 0
    url: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""
    interests: Listed = Field(default_factory=list)
    words: Listed = Field(default_factory=list)
    langs: Listed = Field(default_factory=list)
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    person: PersonName = ""


class NewStatus(Body):
    """What the campaign is to do."""

    status: Annotated[Status, Field(strict=False)]


@dataclass(frozen=True, slots=True)
class Campaigns:
    """Campaigns, the oldest first."""

    campaigns: list[Campaign]


@dataclass(frozen=True, slots=True)
class Repository:
    """Every ad that was shown."""

    ads: list[PublicAd]


@router.get("/ads", openapi_extra=ANYBODY)
def repository(myna: Network, actor: Asker) -> Repository:
    """The public repository: every ad that was shown, who paid, whom it was meant for, how many it reached."""
    return Repository(myna.ads.repository())


@router.post("/campaigns", status_code=201)
def create(myna: Network, actor: KnownAsker, body: NewCampaign) -> Campaign:
    """Makes a campaign, paused."""
    owner = acting(myna, actor, body.person, Purpose.ADS)
    return myna.create_campaign(owner_id=owner, **body.model_dump(exclude={"person"}))


@router.get("/campaigns")
def campaigns(myna: Network, actor: KnownAsker, whom: For = "") -> Campaigns:
    """A person's campaigns; for the operator, all of them."""
    if actor.kind is ActorKind.OPERATOR and not whom:
        return Campaigns(myna.campaigns())
    return Campaigns(myna.campaigns(acting(myna, actor, whom, Purpose.ADS)))


@router.get("/campaigns/{campaign}")
def campaign(myna: Network, actor: KnownAsker, campaign: PartId) -> Campaign:
    """A campaign."""
    return _theirs(myna, actor, campaign)


@router.patch("/campaigns/{campaign}")
def set_status(myna: Network, actor: KnownAsker, campaign: PartId, body: NewStatus) -> Campaign:
    """Starts, pauses or ends a campaign."""
    _theirs(myna, actor, campaign)
    by = "operator" if actor.kind is ActorKind.OPERATOR else ""
    return myna.set_campaign_status(campaign, body.status, by)


@router.get("/campaigns/{campaign}/report")
def report(myna: Network, actor: KnownAsker, campaign: PartId) -> Report:
    """A campaign's figures, and what it caused with its interval."""
    _theirs(myna, actor, campaign)
    return myna.campaign_report(campaign)


def _theirs(myna: Network, actor: Actor, id: str) -> Campaign:
    found = myna.ads.campaign(id)
    if actor.kind is ActorKind.OPERATOR:
        return found
    if not actor.person_id or found.owner_id != acting(myna, actor, "", Purpose.ADS):
        raise NotFound(f"There is no campaign {id!r} of yours.")
    return found
