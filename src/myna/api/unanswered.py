"""What no route of ours answers, under our paths: 405 where another method would be answered, else 404.

Without it the pages' own catch-all would take a GET of a path that only takes POST, and answer 404.
"""

import re
from functools import cache

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from myna.api.native.fields import FACT

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "CONNECT"]
_NAMES = re.compile(r"\\{(\w+)\\}")


def add_unanswered(app: FastAPI) -> None:
    """Adds the last routes of the API: they must come after all the others."""

    @cache
    def described() -> list[tuple[re.Pattern[str], frozenset[str]]]:
        return [
            (re.compile(_NAMES.sub(_part, re.escape(path))), frozenset(map(str.upper, operations)))
            for path, operations in app.openapi()["paths"].items()
        ]

    async def unanswered(request: Request) -> Response:
        allowed: set[str] = set()
        for pattern, methods in described():
            if pattern.fullmatch(request.url.path):
                allowed |= methods
        if allowed:
            raise HTTPException(405, "This path does not answer this method.", {"Allow": ", ".join(sorted(allowed))})
        raise HTTPException(404, "There is nothing at this path; /openapi.json describes all there is.")

    for path in ("/api/{rest:path}", "/v1/{rest:path}"):
        app.router.routes.append(Route(path, unanswered, methods=_METHODS, include_in_schema=False))


def _part(found: re.Match[str]) -> str:
    return FACT if found.group(1) == "id" else "[^/]+"
