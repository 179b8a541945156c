"""Errors: RFC 9457 problem details for our own API, OpenAI's shape under /v1.

422 says that a request has not the shape the description asks for. 409 says that its shape is right, but that it cannot
be done as things stand: a campaign that would end in the past, an empty model, a cursor of another search.
"""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from myna.network import Problem

_LOG = logging.getLogger("myna.api")
_PROBLEM = "application/problem+json"
OPENAI = "/v1/"
OURS = ("/api/", OPENAI)


class ProblemDetails(BaseModel):
    """RFC 9457. detail: what was wrong, where, and what to do. errors: for 422, each place that was wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str = ""
    errors: list[dict[str, Any]] | None = None


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: these statuses as problem details."""
    told = {
        401: "The key is missing, unknown or expired",
        403: "The gate refused",
        404: "There is no such thing, or it is not for this asker to know of",
        405: "This path does not answer this method",
        409: "The request is well formed, and cannot be done as things stand",
        422: "The request has not the documented shape",
        503: "What is asked for is not there yet; the detail says what to do",
    }
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    return {status: {"description": told[status], "content": {_PROBLEM: schema}, "model": None} for status in statuses}


def install_errors(app: FastAPI) -> None:
    """Answers for whatever fails under our paths; other paths keep the answers they had."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> Response:
        status = 409 if problem.status in (400, 422) and not request.url.path.startswith(OPENAI) else problem.status
        return answer(request, status, problem.message)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        places = [{"where": ".".join(map(str, each["loc"])), "what": str(each["msg"])} for each in error.errors()[:20]]
        first = places[0] if places else {"where": "request", "what": "it cannot be read"}
        field = ".".join(first["where"].split(".")[1:2]) or None
        return answer(request, 422, f"{first['where']}: {first['what']}.", places, field)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        # 400 is the framework's word for a body that cannot be parsed.
        status = 422 if error.status_code == 400 else error.status_code
        return answer(request, status, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def _failed(request: Request, error: Exception) -> Response:
        # The cause goes to the log alone: it may hold what the asker is not to know.
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return answer(
            request, 500, "Something failed here. Nothing you wrote is lost; the cause is in the server's log."
        )


def answer(
    request: Request,
    status: int,
    detail: str,
    errors: list[dict[str, Any]] | None = None,
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """One error, in the shape of the protocol it was asked in."""
    headers = headers or {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if request.url.path.startswith(OPENAI):
        return JSONResponse(openai_error(status, detail, param), 400 if status == 422 else status, headers)
    title = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Error"
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body["instance"] = request.url.path
    if errors is not None:
        body["errors"] = errors
    return JSONResponse(body, status, headers, _PROBLEM)


def openai_error(status: int, message: str, param: str | None = None) -> dict[str, Any]:
    """OpenAI's error object."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    code = {401: "invalid_api_key", 404: "model_not_found", 503: "model_not_ready"}.get(status)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
