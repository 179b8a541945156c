"""Drafts: their risk, holding them until the author's morning, posting them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from myna.api.asking import KnownAsker, Network, acting
from myna.api.native.fields import Body, FactIdOrNone, For, Moment, PartId, PersonName, Text
from myna.api.native.posts import Acting
from myna.app.types import Forecast
from myna.drafts.types import Draft, Guard, Risk
from myna.network import Post, Visibility

router = APIRouter(tags=["drafts"])


class Checked(Body):
    """A text that may be posted."""

    text: Text
    reply_to: FactIdOrNone = ""
    person: PersonName = ""


class Forecasted(Checked):
    """A text that may be posted, or that quotes."""

    quote_of: FactIdOrNone = ""


class Held(Checked):
    """A text to be held. until: by default the author's next morning; 0 for no set time."""

    quote_of: FactIdOrNone = ""
    visibility: Annotated[Visibility, Field(strict=False)] = Visibility.PUBLIC
    until: Moment | None = None


class Rewritten(Body):
    """A draft's new text."""

    text: Text
    person: PersonName = ""


class NewGuard(Body):
    """What the author wants of the guard."""

    guard: Annotated[Guard, Field(strict=False)]
    person: PersonName = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a text can expect. forecast: null where nothing is known of that."""

    forecast: Forecast | None


@dataclass(frozen=True, slots=True)
class Drafts:
    """A person's held drafts."""

    drafts: list[Draft]


@dataclass(frozen=True, slots=True)
class GuardSet:
    """What a person has set the guard to."""

    guard: Guard


@router.post("/risk")
def check(myna: Network, actor: KnownAsker, body: Checked) -> Risk:
    """How likely the author will regret this text, and why."""
    return myna.check_draft(acting(myna, actor, body.person), body.text, body.reply_to)


@router.post("/forecast")
def forecast(myna: Network, actor: KnownAsker, body: Forecasted) -> Expected:
    """What likes, reposts and replies this text can expect if its author posts it now."""
    return Expected(myna.forecast(acting(myna, actor, body.person), body.text, body.reply_to, body.quote_of))


@router.post("/drafts", status_code=201)
def hold(myna: Network, actor: KnownAsker, body: Held) -> Draft:
    """Holds a text. It never posts itself."""
    who = acting(myna, actor, body.person)
    return myna.hold_draft(who, body.text, body.reply_to, body.quote_of, body.until, body.visibility)


@router.get("/drafts")
def drafts(myna: Network, actor: KnownAsker, whom: For = "") -> Drafts:
    """A person's held drafts."""
    return Drafts(myna.drafts_of(acting(myna, actor, whom)))


@router.put("/drafts/{draft}")
def rewrite(myna: Network, actor: KnownAsker, draft: PartId, body: Rewritten) -> Draft:
    """Gives a held draft another text."""
    return myna.drafts.save(acting(myna, actor, body.person), draft, body.text)


@router.post("/drafts/{draft}/post", status_code=201)
def post(myna: Network, actor: KnownAsker, draft: PartId, body: Acting) -> Post:
    """Posts a held draft now."""
    return myna.post_draft(acting(myna, actor, body.person), draft)


@router.delete("/drafts/{draft}", status_code=204)
def discard(myna: Network, actor: KnownAsker, draft: PartId, whom: For = "") -> None:
    """Throws a held draft away."""
    myna.discard_draft(acting(myna, actor, whom), draft)


@router.get("/guard")
def guard(myna: Network, actor: KnownAsker, whom: For = "") -> GuardSet:
    """What a person has set the guard to."""
    return GuardSet(myna.drafts.guard(acting(myna, actor, whom)))


@router.put("/guard")
def set_guard(myna: Network, actor: KnownAsker, body: NewGuard) -> GuardSet:
    """Sets the guard: off, advise, or hold."""
    myna.drafts.set_guard(acting(myna, actor, body.person), body.guard)
    return GuardSet(body.guard)
