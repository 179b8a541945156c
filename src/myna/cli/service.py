"""The service: one ASGI app with the API and the pages, on one network."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import myna as package
from myna import api, web
from myna.ads import links
from myna.app import Myna
from myna.settings import Settings


def build(settings: Settings) -> tuple[FastAPI, Myna]:
    """The app and the network it serves. The network opens its parts in the background, once the port answers."""
    myna = Myna(settings)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        links.ensure_running(settings.home / "ads", settings.host, settings.links_port)
        myna.start()
        threading.Thread(target=_warm, args=(myna,), name="warm-up", daemon=True).start()
        yield
        myna.close()

    app = FastAPI(
        title="Myna",
        version=package.__version__,
        description="The native API of a Myna network, and an OpenAI-compatible one under /v1.",
        lifespan=running,
        docs_url=None,
        redoc_url=None,
    )
    api.install(app, myna)
    web.install(app, myna)
    return app, myna


def _warm(myna: Myna) -> None:
    """Loads the language model before the first reader needs it."""
    if myna.language.ready:
        myna.language.embed(["warm up"])
