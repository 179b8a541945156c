"""The API: one package for each protocol, thin, on the app.

    install(app, myna)

`native` is our own REST API under /api/v1, `openai` the part of OpenAI's that we can answer, under /v1. All of it is
described in /openapi.json. GET /metrics is for Prometheus.
"""

from fastapi import APIRouter, FastAPI

from myna.api import native, openai
from myna.api.description import describe
from myna.api.errors import install_errors
from myna.api.metrics import install_metrics
from myna.api.unanswered import add_unanswered
from myna.app import Myna


def router() -> APIRouter:
    """All routes."""
    together = APIRouter()
    together.include_router(native.router)
    together.include_router(openai.router)
    return together


def install(app: FastAPI, myna: Myna) -> None:
    """Adds the API of a network to an app."""
    app.state.myna = myna
    install_errors(app)
    app.include_router(router())
    install_metrics(app, myna)
    add_unanswered(app)
    describe(app)


__all__ = ["install", "router"]
