"""What a reader does with posts and people: forms that work without a script; htmx gets the part that changed."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from myna.i18n import N_
from myna.network import ActionKind, EdgeKind, Problem, Purpose
from myna.web.cards import cards
from myna.web.people import standing_to
from myna.web.render import Current, Page, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False, prefix="/do")

Id = Annotated[str, Form(max_length=500)]
Back = Annotated[str, Form(max_length=2000)]
On = Annotated[bool, Form()]

DONE = {
    (EdgeKind.FOLLOW, True): N_("You follow @{handle} now."),
    (EdgeKind.FOLLOW, False): N_("You no longer follow @{handle}."),
    (EdgeKind.MUTE, True): N_("@{handle} is muted: their posts are no longer in your feed."),
    (EdgeKind.MUTE, False): N_("@{handle} is no longer muted."),
    (EdgeKind.BLOCK, True): N_("@{handle} is blocked: neither of you sees the other."),
    (EdgeKind.BLOCK, False): N_("@{handle} is no longer blocked."),
}


@router.post("/like")
def like(page: Current, post: Id, back: Back = "/", on: On = True) -> Response:
    """Likes a post, or no longer."""
    page.myna.act(page.me.id, post, ActionKind.LIKE if on else ActionKind.UNLIKE)
    return _changed(page, post, back)


@router.post("/repost")
def repost(page: Current, post: Id, back: Back = "/") -> Response:
    """Passes a post on."""
    page.myna.repost(page.me.id, post)
    return _changed(page, post, back)


@router.post("/less")
def less(page: Current, post: Id, back: Back = "/") -> Response:
    """Shows less like this."""
    page.myna.act(page.me.id, post, ActionKind.SHOW_LESS)
    return _gone(page, back, N_("You will see less like this."))


@router.post("/report")
def report(page: Current, post: Id, back: Back = "/") -> Response:
    """Reports a post to the operator."""
    page.myna.act(page.me.id, post, ActionKind.REPORT)
    return _gone(page, back, N_("Reported. Thank you; the operator sees it."))


@router.post("/relate")
def relate(
    page: Current, person: Id, kind: Annotated[EdgeKind, Form()], back: Back = "/", on: On = True, card: On = False
) -> Response:
    """Follows, mutes or blocks a person, or no longer. card: asked on a post, which then gives way to a sentence."""
    other = page.myna.person(person)
    page.myna.relate(page.me.id, other.id, kind, on)
    if page.partial and not card:
        return page.render("relations.html", person=other, standing=standing_to(page, other.id), back=back)
    return _gone(page, back, DONE[kind, on], other.id if on and card else "", kind, handle=other.handle)


@router.post("/delete")
def delete(page: Current, id: Id, confirmed: On = False) -> Response:
    """Deletes one's own post, or oneself with all posts, once confirmed."""
    me = page.me
    if not confirmed:
        mine = id == me.id
        shown = [] if mine else cards(page, [page.myna.post(page.actor, id)])
        return page.render("delete.html", id=id, mine=mine, cards=shown)
    page.myna.delete(page.actor, id)
    if id == me.id:
        page.request.session.clear()
        return page.go("/sign-in", N_("You and all you wrote are deleted."))
    return page.go("/me", N_("The post is deleted everywhere."))


@router.post("/consent")
def consent(page: Current, subject: Id, purpose: Annotated[Purpose, Form()], allow: On, back: Back = "/me") -> Response:
    """Says yes or no to a purpose, for all one's posts or for one."""
    page.me  # noqa: B018  raises SignInNeeded
    page.myna.consent(page.actor, subject, purpose, allow)
    if page.partial:
        return page.render("switch.html", subject=subject, purpose=purpose, yes=allow, back=back)
    return page.go(back, N_("Kept."))


@router.post("/interest")
def interest(page: Current, interest: Id, hidden: On = True) -> Response:
    """Says "not me" to an interest, or takes it back."""
    page.myna.hide_interest(page.me.id, interest, hidden)
    return page.go("/me#interests", N_("It is used for nothing now.") if hidden else N_("It is used again."))


@router.post("/seen")
def seen(
    page: Current,
    post: Annotated[list[str], Form(max_length=200)],
    seconds: Annotated[list[float], Form(max_length=200)],
) -> Response:
    """What was in view in a feed, and for how long; told by the page's script."""
    for id, time in zip(post, seconds, strict=False):
        try:
            page.myna.act(page.me.id, id, ActionKind.SEEN)
            page.myna.act(page.me.id, id, ActionKind.DWELL, min(max(time, 0.0), 600.0))
        except Problem as problem:
            if problem.status != 404:  # deleted meanwhile: there is nothing to learn about
                raise
    return Response(status_code=204)


@router.post("/open")
def opened(page: Current, post: Id) -> Response:
    """A post was opened from a feed; told by the page's script."""
    page.myna.act(page.me.id, post, ActionKind.CLICK)
    return Response(status_code=204)


def _changed(page: Page, post_id: str, back: str) -> Response:
    if not page.partial:
        return page.go(back)
    return page.render("acts.html", card=cards(page, [page.myna.post(page.actor, post_id)])[0], back=back)


def _gone(
    page: Page, back: str, notice: str, person_id: str = "", kind: EdgeKind | None = None, **values: str
) -> Response:
    if not page.partial:
        return page.go(back, notice, **values)
    return page.render("gone.html", text=page.words.say(notice, **values), person_id=person_id, kind=kind, back=back)
