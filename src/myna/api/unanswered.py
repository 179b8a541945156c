"""What no route of ours answers, under our paths: 405 where another method would be answered, else 404.

Without it the pages' own catch-all would take a GET of a path that only takes POST, and answer 404.
"""

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "CONNECT"]


def add_unanswered(app: FastAPI) -> None:
    """Adds the last routes of the API: they must come after all the others."""
    routes = list(app.router.routes)

    async def unanswered(request: Request) -> Response:
        allowed: set[str] = set()
        for route in routes:
            match, _ = route.matches(request.scope)
            if match is Match.PARTIAL and isinstance(route, Route):
                allowed |= route.methods or set()
        if allowed:
            raise HTTPException(405, "This path does not answer this method.", {"Allow": ", ".join(sorted(allowed))})
        raise HTTPException(404, "There is nothing at this path; /openapi.json describes all there is.")

    for path in ("/api/{rest:path}", "/v1/{rest:path}"):
        app.router.routes.append(Route(path, unanswered, methods=_METHODS, include_in_schema=False))
