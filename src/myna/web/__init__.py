"""The pages: Jinja2 templates, htmx, and one script and one style sheet of our own. No request leaves the machine.

    app = FastAPI()
    install(app, myna)

Each file with a `router` is one part of the site: home, find (Search, Ask), compose, advertise (Ads), people, posts,
acts (like, follow, delete, …), why, overview, sign_in, errors.
"""

from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

from myna.app import Myna
from myna.web import acts, advertise, compose, errors, find, home, overview, people, posts, sign_in, why
from myna.web.guard import Headers
from myna.web.render import HERE

_MONTH = 30 * 86_400


def install(app: FastAPI, myna: Myna) -> None:
    """Adds the pages of a network to an app, after what else it serves: all other paths are ours."""
    app.state.myna = myna
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for part in (home, find, compose, advertise, people, posts, acts, why, overview, sign_in, errors):
        app.include_router(part.router)
    # The last added is the outermost: a failed page is drawn with its session, and leaves with the headers.
    app.add_middleware(errors.Failures)
    app.add_middleware(
        SessionMiddleware,
        secret_key=myna.settings.secret,
        session_cookie="myna",
        max_age=_MONTH,
        same_site="lax",
        https_only=False,
    )
    app.add_middleware(Headers)


__all__ = ["install"]
