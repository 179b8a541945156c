"""Compose: writing, the guard's advice and suggestions while one writes, and the drafts that wait for the morning."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from myna.app.suggesting import suggest as suggest_texts
from myna.app.types import Forecast
from myna.drafts.types import Guard, Risk
from myna.i18n import N_
from myna.network import Problem, Purpose, Visibility
from myna.network.validity import LONGEST_TEXT
from myna.web.cards import cards
from myna.web.render import Current, Page, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)

GUARDS = {
    Guard.OFF: N_("Off: nobody looks at what I write."),
    Guard.ADVISE: N_("Advise: tell me while I write if I may regret it."),
    Guard.HOLD: N_("Hold: what I may regret waits for my morning, unless I say “post now anyway”."),
}
AUDIENCES = {
    Visibility.PUBLIC: N_("Everybody"),
    Visibility.UNLISTED: N_("Everybody with the link; not in search or feeds"),
    Visibility.FOLLOWERS: N_("My followers"),
}
_OWN = 50
"""A writer's newest posts, whose language and style suggestions go on with."""
Text = Annotated[str, Form(max_length=LONGEST_TEXT)]
Id = Annotated[str, Form(max_length=500)]


@router.get("/compose")
def compose(
    page: Current,
    reply_to: Annotated[str, Query(max_length=500)] = "",
    quote_of: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """The page to write on."""
    return _write(page, "", reply_to, quote_of)


@router.post("/compose")
def send(
    page: Current,
    text: Text = "",
    reply_to: Id = "",
    quote_of: Id = "",
    visibility: Annotated[Visibility, Form()] = Visibility.PUBLIC,
    do: Annotated[str, Form()] = "post",
) -> Response:
    """Posts, holds or checks what was written. do: post (the guard has its say), now (it has none), hold, check,
    suggest."""
    me = page.me
    if do == "suggest":
        return _write(page, text, reply_to, quote_of, visibility, offers=_offers(page, text, reply_to))
    if not text.strip():
        return _write(page, text, reply_to, quote_of, problem=Problem("A post needs some text.", 422))
    if do == "check":
        risk = page.myna.check_draft(me.id, text, reply_to)
        forecast = page.myna.forecast(me.id, text, reply_to, quote_of)
        return _write(page, text, reply_to, quote_of, visibility, risk, forecast)
    if do == "hold":
        draft = page.myna.hold_draft(me.id, text, reply_to, quote_of, None, visibility)
        return page.go(
            "/compose#held", N_("Held until {time}. It will not post itself."), time=page.words.at(draft.until)
        )
    if do == "post" and page.myna.drafts.guard(me.id) is Guard.HOLD:
        risk = page.myna.check_draft(me.id, text, reply_to)
        if risk.hold:
            draft = page.myna.hold_draft(me.id, text, reply_to, quote_of, risk.until, visibility)
            notice = N_("Your guard held this until {time}, as you asked it to. Below you can still post it now.")
            return page.go("/compose#held", notice, time=page.words.at(draft.until))
    post = page.myna.publish(me.id, text, reply_to, quote_of, visibility)
    return page.go(f"/post/{post.id}", N_("Posted."))


@router.post("/compose/check")
def check(page: Current, text: Text = "", reply_to: Id = "", quote_of: Id = "") -> Response:
    """The guard's advice and the forecast, for htmx while one writes."""
    me = page.me
    if not text.strip() or page.myna.drafts.guard(me.id) is Guard.OFF:
        return page.render("advice.html", risk=None, forecast=None, text=text)
    risk, forecast = page.myna.check_draft(me.id, text, reply_to), page.myna.forecast(me.id, text, reply_to, quote_of)
    return page.render("advice.html", risk=risk, forecast=forecast, text=text)


@router.post("/compose/suggest")
def suggest(page: Current, text: Text = "", reply_to: Id = "") -> Response:
    """How the text might go on, for htmx."""
    return page.render("offers.html", offers=_offers(page, text, reply_to), text=text)


@router.post("/compose/take")
def take(
    page: Current,
    offer: Text = "",
    reply_to: Id = "",
    quote_of: Id = "",
    visibility: Annotated[Visibility, Form()] = Visibility.PUBLIC,
) -> Response:
    """Puts a suggestion into the text box; posts nothing."""
    return _write(page, offer, reply_to, quote_of, visibility, taken=True)


@router.post("/compose/guard")
def guard(page: Current, guard: Annotated[Guard, Form()]) -> Response:
    """Sets how far the guard may go."""
    page.myna.drafts.set_guard(page.me.id, guard)
    return page.go("/compose", N_("Your guard is set."))


@router.post("/drafts/save")
def save(page: Current, draft: Id, text: Text) -> Response:
    """Keeps a changed draft."""
    page.myna.drafts.save(page.me.id, draft, text)
    return page.go("/compose#held", N_("The draft is saved."))


@router.post("/drafts/post")
def post(page: Current, draft: Id) -> Response:
    """Posts a held draft."""
    published = page.myna.post_draft(page.me.id, draft)
    return page.go(f"/post/{published.id}", N_("Posted."))


@router.post("/drafts/discard")
def discard(page: Current, draft: Id) -> Response:
    """Throws a held draft away."""
    page.myna.discard_draft(page.me.id, draft)
    return page.go("/compose#held", N_("The draft is gone."))


def _offers(page: Page, text: str, reply_to: str) -> list[str]:
    myna = page.myna
    answered = myna.post(page.actor, reply_to) if page.me and reply_to else None
    own = myna.reader.posts_by(page.actor, Purpose.READ, page.me.id, limit=_OWN)
    usual = Counter(post.lang for post in own if post.lang).most_common(1)
    lang = (answered.lang if answered else "") or (usual[0][0] if usual else page.locale)
    said = [post.text for post in own]
    after = [answered.text] if answered else []
    return suggest_texts(myna.language, text, after, lang=lang, own=said, actor=page.actor)


def _write(
    page: Page,
    text: str,
    reply_to: str,
    quote_of: str,
    visibility: Visibility = Visibility.PUBLIC,
    risk: Risk | None = None,
    forecast: Forecast | None = None,
    problem: Problem | None = None,
    offers: list[str] | None = None,
    taken: bool = False,
) -> Response:
    me = page.me
    other = reply_to or quote_of
    about = cards(page, [page.myna.post(page.actor, other)]) if other else []
    return page.render(
        "compose.html",
        problem.status if problem else 200,
        text=text,
        reply_to=reply_to,
        quote_of=quote_of,
        visibility=visibility,
        audiences=AUDIENCES,
        about=about,
        risk=risk,
        forecast=forecast,
        problem=problem,
        offers=offers,
        taken=taken,
        may_suggest=page.myna.language.ready,
        guard=page.myna.drafts.guard(me.id),
        guards=GUARDS,
        held=page.myna.drafts_of(me.id),
    )
