"""A page: who looks at it, in which language, and how it is drawn and answered."""

import hashlib
from collections.abc import Callable, Coroutine
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

import myna as package
from myna.app import Myna
from myna.gate import ANYONE, OPERATOR, Actor, person_actor
from myna.i18n import N_
from myna.network import HOME, WORLD, Forbidden, NotFound, Person, Problem, source_of
from myna.web import plots
from myna.web.guard import from_this_site
from myna.web.text import marked, to_html
from myna.web.words import LANGUAGES, PURPOSES, Words, choose_locale, is_language

HERE = Path(__file__).parent
THEMES = {"auto": N_("As my device"), "light": N_("Light"), "dark": N_("Dark")}
_PLUMES = 10


class SignInNeeded(Problem):
    """The page is somebody's own."""

    def __init__(self) -> None:
        super().__init__("Sign in first: this page is about you.", 401)


class Page:
    """One request for a page, and the answer to it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.myna: Myna = request.app.state.myna

    # -- who ---------------------------------------------------------------------------------------------------------

    @cached_property
    def viewer(self) -> Person | None:
        """The person signed in."""
        id = self.request.session.get("person", "")
        found = self.myna.reader.people([id]).get(id) if id else None
        if id and found is None:
            self.request.session.clear()
        return found

    @property
    def me(self) -> Person:
        """The person signed in. Raises SignInNeeded."""
        if self.viewer is None:
            raise SignInNeeded
        return self.viewer

    @property
    def operator(self) -> bool:
        """Whether the operator is signed in."""
        return bool(self.request.session.get("operator"))

    @property
    def may_oversee(self) -> bool:
        """Whether the Overview and the decisions of others may be seen: by the operator, in a demo by everybody."""
        return self.operator or self.myna.settings.demo

    def oversee(self) -> None:
        """Raises Forbidden for whoever may not."""
        if not self.may_oversee:
            if self.viewer is None:
                raise SignInNeeded
            raise Forbidden("This page is the operator's.")

    @property
    def actor(self) -> Actor:
        """In whose name posts are read."""
        if self.viewer is not None:
            return person_actor(self.viewer.id)
        return OPERATOR if self.operator else ANYONE

    # -- how ---------------------------------------------------------------------------------------------------------

    @cached_property
    def locale(self) -> str:
        """The language of the page."""
        cookies, headers = self.request.cookies, self.request.headers
        return choose_locale(cookies.get("lang", ""), headers.get("accept-language", ""))

    @cached_property
    def words(self) -> Words:
        """Messages, numbers and times for this reader."""
        zone = self.viewer.timezone if self.viewer else "UTC"
        return Words(self.locale, zone, self.myna.settings.currency)

    @property
    def theme(self) -> str:
        """auto, light or dark."""
        theme = self.request.cookies.get("theme", "auto")
        return theme if theme in THEMES else "auto"

    @property
    def partial(self) -> bool:
        """Whether htmx asks, and wants a part of a page."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def here(self) -> str:
        """This page's path and query: where forms lead back to."""
        if self.partial:
            shown = urlsplit(self.request.headers.get("hx-current-url", "/"))
            return shown.path + (f"?{shown.query}" if shown.query else "")
        url = self.request.url
        if self.request.method != "GET":
            return "/"
        return url.path + (f"?{url.query}" if url.query else "")

    # -- answers -----------------------------------------------------------------------------------------------------

    def render(self, template: str, status: int = 200, **context: Any) -> Response:
        """A template as an answer. The person's own pages are kept in no shared cache."""
        notice = None if self.partial else self.request.session.pop("notice", None)
        say = self.words.say(notice[0], **notice[1]) if notice else ""
        html = environment(self.locale).get_template(template).render(page=self, w=self.words, notice=say, **context)
        return HTMLResponse(html, status, {"Cache-Control": "no-store", "Vary": "HX-Request, Cookie, Accept-Language"})

    def go(self, to: str, notice: str = "", **values: str) -> Response:
        """Leads on to a page of this site, with something to say there."""
        if notice:
            self.request.session["notice"] = [notice, values]
        to = local(to)
        if self.partial:
            return Response(headers={"HX-Redirect": to})
        return RedirectResponse(to, 303)

    def refuse(self, problem: Problem) -> Response:
        """A problem as an answer: a page, or one sentence for htmx to show."""
        if isinstance(problem, SignInNeeded):
            # The operator is nobody in particular: said, or the form would seem to have forgotten them.
            notice = N_("This page is a person's own. You are signed in as the operator.") if self.operator else ""
            return self.go("/sign-in?" + urlencode({"next": self.here}), notice)
        if self.partial:
            return PlainTextResponse(problem.message, problem.status)
        return self.render("problem.html", problem.status, problem=problem)


def local(to: str) -> str:
    """A path of this site; the home page for anything that would lead elsewhere."""
    parts = urlsplit(to)
    safe = to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.netloc and to.isprintable()
    return to if safe else "/"


def current(request: Request) -> Page:
    """The page asked for."""
    return Page(request)


Current = Annotated[Page, Depends(current)]


class PageRoute(APIRoute):
    """A route of the pages: refuses what other sites send, and shows problems as pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, guarded."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                from_this_site(request)
                return await handler(request)
            except Problem as problem:
                return await run_in_threadpool(Page(request).refuse, problem)
            except RequestValidationError as error:
                named = ", ".join(".".join(str(part) for part in found["loc"][1:]) for found in error.errors())
                malformed = Problem(f"Part of what was sent is missing or not as it should be: {named}.", 422)
                return await run_in_threadpool(Page(request).refuse, malformed)

        return handle


# -- what templates can call ---------------------------------------------------------------------------------------


def key(id: str) -> str:
    """An id fit for HTML attributes."""
    return "k" + hashlib.sha256(id.encode()).hexdigest()[:10]


def plume(id: str) -> int:
    """The colour of a person's face, always the same."""
    return hashlib.sha256(id.encode()).digest()[0] % _PLUMES


def initials(person: Person) -> str:
    """One or two letters for a face."""
    words = [word for word in (person.name or person.handle).split() if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper() or "·"


def person_path(person: Person) -> str:
    """Where a person's page is: handles are unique here, but not among those of all networks."""
    simple = all(letter.isalnum() or letter in "_-." for letter in person.handle)
    if simple and source_of(person.id) in (HOME, WORLD):
        return f"/@{person.handle}"
    return f"/person/{person.id}"


@cache
def static(name: str) -> str:
    """The address of a file under static/, changed when the file is."""
    path = HERE / "static" / name
    if not path.exists():
        raise NotFound(f"The pages' bundle was not built ({name} is missing); run `python hatch_build.py`.")
    return f"/static/{name}?{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


@cache
def environment(locale: str) -> Environment:
    """The templates in one language."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = Words(locale)

    def ngettext(one: str, many: str, n: int) -> Markup:
        return words.count(one, many, n)

    made.globals.update(
        _=words.say,
        ngettext=ngettext,
        to_html=to_html,
        marked=marked,
        key=key,
        plume=plume,
        initials=initials,
        person_path=person_path,
        static=static,
        is_language=is_language,
        plots=plots,
        WORLD=WORLD,
        LANGUAGES=LANGUAGES,
        THEMES=THEMES,
        PURPOSES=PURPOSES,
        version=package.__version__,
    )
    return made
