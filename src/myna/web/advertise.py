"""Ads: one's campaigns and what they caused, and the public repository of all ads."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from myna.ads.types import Campaign, Status
from myna.i18n import N_
from myna.network import NotFound, Problem, Purpose, Visibility
from myna.web.cards import cards
from myna.web.render import Current, Page, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)

STATUSES = {Status.PAUSED: N_("paused"), Status.ACTIVE: N_("running"), Status.ENDED: N_("ended")}
Field = Annotated[str, Form(max_length=500)]


@router.get("/ads")
def campaigns(page: Current) -> Response:
    """The campaigns of the person signed in, and the form for a new one."""
    me = page.me
    mine = [post for post in page.myna.posts_by(page.actor, me.id, limit=50) if _promotable(post.visibility, post.text)]
    expected = page.myna.expected_likes(me.id)
    mine.sort(key=lambda post: -expected.get(post.id, 0.0))
    today = datetime.now(page.words.zone).date()
    return page.render(
        "ads.html",
        campaigns=page.myna.campaigns(me.id),
        statuses=STATUSES,
        posts=mine,
        expected=expected,
        topics=page.myna.interests.topics(),
        starts=today,
        ends=today + timedelta(days=14),
    )


@router.post("/ads")
def create(
    page: Current,
    post: Field,
    payer: Field,
    bid: Field,
    budget: Field,
    starts: Annotated[date, Form()],
    ends: Annotated[date, Form()],
    name: Field = "",
    url: Annotated[str, Form(max_length=2000)] = "",
    day_budget: Field = "",
    interests: Annotated[str, Form(max_length=2000)] = "",
    words: Annotated[str, Form(max_length=2000)] = "",
    langs: Field = "",
    holdout: Field = "10",
) -> Response:
    """Makes a campaign, paused."""
    me = page.me
    promoted = page.myna.post(page.actor, post)
    if promoted.author_id != me.id:
        raise Problem("Only your own posts can be promoted; choose one of them.", 403)
    campaign = page.myna.create_campaign(
        owner_id=me.id,
        payer=payer.strip(),
        name=name.strip() or promoted.text[:60],
        post_id=post,
        url=url.strip(),
        bid=_micros(bid, "bid"),
        budget=_micros(budget, "budget"),
        day_budget=_micros(day_budget, "daily budget") if day_budget.strip() else 0,
        starts_at=_midnight(page, starts),
        ends_at=_midnight(page, ends + timedelta(days=1)),
        interests=_listed(interests),
        words=_listed(words),
        langs=_listed(langs),
        holdout=float(_decimal(holdout, "holdout")) / 100,
    )
    return page.go(f"/ads/campaign/{campaign.id}", N_("Made, and paused. Start it when you are ready."))


@router.get("/ads/repository")
def repository(page: Current) -> Response:
    """Every ad that was shown: who paid, for whom it was meant, whom it reached. For everybody, signed in or not."""
    page.myna.ads.ingest()
    found = list(reversed(page.myna.ads.repository()))[:500]
    posts = page.myna.reader.posts(page.actor, Purpose.READ, [ad.post_id for ad in found])
    owners = page.myna.reader.people(ad.on_behalf_of for ad in found)
    shown = {card.post.id: card for card in cards(page, posts.values())}
    return page.render("repository.html", ads=found, cards=shown, owners=owners)


@router.get("/ads/campaign/{id}")
def report(page: Current, id: str) -> Response:
    """A campaign's figures."""
    campaign = _mine(page, id)
    page.myna.ads.ingest()
    found = page.myna.campaign_report(campaign.id)
    posts = page.myna.reader.posts(page.actor, Purpose.READ, [campaign.post_id])
    return page.render(
        "campaign.html", report=found, campaign=found.campaign, cards=cards(page, posts.values()), statuses=STATUSES
    )


@router.post("/ads/status")
def status(page: Current, campaign: Field, status: Annotated[Status, Form()]) -> Response:
    """Starts, pauses or ends a campaign."""
    found = _mine(page, campaign)
    page.myna.set_campaign_status(found.id, status, "operator" if page.viewer is None else "")
    return page.go(
        f"/ads/campaign/{found.id}", N_("The campaign is now {status}."), status=page.words.say(STATUSES[status])
    )


def _mine(page: Page, id: str) -> Campaign:
    """A campaign of the person signed in; the operator may see all."""
    who = page.viewer.id if page.viewer else ""
    if not who and not page.operator:
        page.me  # noqa: B018  raises SignInNeeded
    for campaign in page.myna.campaigns(None if page.operator else who):
        if campaign.id == id:
            return campaign
    raise NotFound(f"There is no campaign {id!r} of yours.")


def _promotable(visibility: Visibility, text: str) -> bool:
    return visibility is Visibility.PUBLIC and bool(text.strip())


def _decimal(text: str, what: str) -> Decimal:
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise Problem(f"The {what} {text!r} is no number; write it like 12.50.", 422) from None
    if not value.is_finite() or not 0 <= value < 10**9:
        raise Problem(f"The {what} {text!r} is out of range.", 422)
    return value


def _micros(text: str, what: str) -> int:
    return int(_decimal(text, what) * 1_000_000)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _midnight(page: Page, day: date) -> int:
    start = datetime(day.year, day.month, day.day, tzinfo=page.words.zone)
    return int(start.astimezone(UTC).timestamp() * 1000)
