"""The small site as fixtures: over plain HTTP, and in a real Chromium."""

import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.testclient import TestClient

from myna.app import Myna
from myna.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))

from small_site import FLAGS, Opened, Served, Site, app_of, chromium, make


@pytest.fixture(scope="session")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network made once."""
    home = tmp_path_factory.mktemp("pages") / "home"
    make(home, True).close()
    return home


def _site(home: Path, demo: bool) -> Iterator[Site]:
    myna = Myna(Settings(home=home, demo=demo))
    with closing(myna), TestClient(app_of(myna)) as client:
        yield Site(myna, client)


@pytest.fixture
def site(first_home: Path, tmp_path: Path) -> Iterator[Site]:
    """The network in demo mode, this test's own copy."""
    shutil.copytree(first_home, tmp_path / "home")
    yield from _site(tmp_path / "home", True)


@pytest.fixture
def real_site(first_home: Path, tmp_path: Path) -> Iterator[Site]:
    """The network with real sign-in: an operator, and passwords for Lan and Ada."""
    shutil.copytree(first_home, tmp_path / "home")
    for site in _site(tmp_path / "home", False):
        site.myna.accounts.sign_up_operator("the operator's own")
        site.myna.accounts.set_password("home:lan", "mưa trong vườn")
        site.myna.accounts.set_password("home:ada", "over the bridge")
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, headless."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(playwright), args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def served(first_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The network served over HTTP, with its follower running; written to by the module's tests."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(first_home, home)
    myna = Myna(Settings(home=home, demo=True))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app_of(myna), log_level="warning", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    myna.start()
    thread.start()
    yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", myna)
    server.should_exit = True
    thread.join(10)
    myna.close()


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[Opened]:
    """Opens a page in a fresh context; fails afterwards if a request left the site or the console told of an error."""
    address, contexts = served.address, []
    strays: list[str] = []
    told: list[str] = []

    def open_(path: str = "/", person: str = "home:lan", **context: object) -> Page:
        made = browser.new_context(base_url=address, **context)  # type: ignore[arg-type]
        contexts.append(made)
        page = made.new_page()
        page.on("request", lambda request: strays.append(request.url) if not request.url.startswith(address) else None)
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        if person:
            made.request.post("/sign-in", form={"person": person}, headers={"origin": address})
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert strays == []
    assert told == []
