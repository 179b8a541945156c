"""Pages for what was not found and for what failed."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from myna.network import NotFound, Problem
from myna.web.render import Current, Page, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/{path:path}")
def nowhere(page: Current, path: str) -> Response:
    """Whatever no other route answers: a page for a browser, the API's own answer for a program."""
    if wants_html(page.request):
        raise NotFound(f"There is no page /{path[:200]} here.")
    raise HTTPException(404, "Not Found")


def wants_html(request: Request) -> bool:
    """Whether a browser asks for a page, rather than a program for data."""
    return "text/html" in request.headers.get("accept", "")


class Failures:
    """ASGI middleware: a page that says so when a page failed. The failure goes on to the server's log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; answers in its place if it raises before it has answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            request = Request(scope, receive)
            if not begun and wants_html(request):
                answer = await run_in_threadpool(_failed, request)
                await answer(scope, receive, send)
            raise


def _failed(request: Request) -> Response:
    problem = Problem("Something failed here. Nothing you wrote is lost; the operator finds the cause in the log.", 500)
    return Page(request).render("problem.html", 500, problem=problem)
