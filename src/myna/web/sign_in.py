"""Signing in and out, and the page's language and theme."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from myna.i18n import LOCALES, N_
from myna.network import Forbidden, Problem
from myna.web.directory import find_people
from myna.web.guard import Attempts
from myna.web.render import THEMES, Current, Page, PageRoute, local

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_YEAR = 365 * 86_400
_OPERATOR = "operator"
attempts = Attempts()


@router.get("/sign-in")
def ask(
    page: Current,
    q: Annotated[str, Query(max_length=200)] = "",
    next: Annotated[str, Query(max_length=2000)] = "/",
) -> Response:
    """In a demo, whom to be; else the form for handle and password."""
    return _form(page, q, next)


@router.post("/sign-in")
def sign_in(
    page: Current,
    handle: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    person: Annotated[str, Form(max_length=500)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Signs in: in a demo as `person`, else with handle and password, the operator as `operator`."""
    session = page.request.session
    if person:
        if not page.myna.settings.demo:
            raise Forbidden("Signing in without a password is for demos only.")
        found = page.myna.person(person)
        session.clear()
        session["person"] = found.id
        return page.go(next)
    keys = (f"address {page.request.client.host if page.request.client else ''}", f"handle {handle.strip().lower()}")
    try:
        attempts.count(*keys)
        if handle.strip() == _OPERATOR:
            if not page.myna.accounts.check_operator(password):
                raise Problem("This is not the operator's password.", 401)
            session.clear()
            session["operator"] = True
            landing = "/overview" if next == "/" else next
        else:
            found = page.myna.accounts.check_password(handle, password)
            session.clear()
            session["person"] = found.id
            landing = next
    except Problem as problem:
        return _form(page, "", next, problem, handle)
    attempts.clear(*keys)
    return page.go(landing)


@router.post("/sign-out")
def sign_out(page: Current) -> Response:
    """Signs out."""
    page.request.session.clear()
    return page.go("/sign-in", N_("You are signed out."))


@router.post("/settings")
def settings(
    page: Current,
    lang: Annotated[str, Form(max_length=10)] = "",
    theme: Annotated[str, Form(max_length=10)] = "",
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Keeps the language and the theme, in cookies of their own so that they outlast signing out."""
    answer = RedirectResponse(local(back), 303)
    if lang in LOCALES:
        answer.set_cookie("lang", lang, max_age=_YEAR, samesite="lax", httponly=True)
    if theme in THEMES:
        answer.set_cookie("theme", theme, max_age=_YEAR, samesite="lax", httponly=True)
    return answer


def _form(page: Page, q: str, next: str, problem: Problem | None = None, handle: str = "") -> Response:
    people = find_people(page.myna, q, 24) if page.myna.settings.demo else []
    template = "choices.html" if page.partial else "sign_in.html"
    status = problem.status if problem else 200
    return page.render(template, status, people=people, q=q, next=local(next), problem=problem, handle=handle)
