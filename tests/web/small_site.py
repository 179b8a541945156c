"""A small network of real facts, written by hand, with a client that has its pages."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, Playwright
from starlette.testclient import TestClient

from myna import api, web
from myna.app import Myna
from myna.network import Action, ActionKind, Edge, EdgeKind, Fact, Person, Post, Visibility, now_ms
from myna.settings import Settings

HOSTILE = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">",
    "\"><svg/onload=alert(1)> '{{7*7}}' {% raw %} {0} %(x)s javascript:alert(1) <a href='javascript:alert(1)'>x</a>",
    '\u202egnirts desrever\u202c https://evil.example/"onmouseover="alert(1) https://example.org/a?b=1&c=<d> end',
)
ORIGIN = {"origin": "http://testserver", "accept": "text/html"}
HOUR = 3_600_000


def facts() -> list[Fact]:
    """Six people who write in five languages about a bridge, a garden and rain; hostile texts among them."""
    now = now_ms()
    people = [
        Person(
            "home:lan",
            "lan",
            "Lan Nguyễn",
            "Vườn và mưa. #garden",
            "vi",
            "Asia/Ho_Chi_Minh",
            created_at=now - 9000 * HOUR,
        ),
        Person("home:ada", "ada", "Ada Okafor", "Bridges, mostly. https://example.org/ada", "en", "Europe/London"),
        Person("home:jo", "jo", "<b>Jo</b> & Sons", "<script>alert(1)</script>", "de", "Europe/Berlin"),
        Person("home:yuki", "yuki", "由紀", "庭の話", "ja", "Asia/Tokyo"),
        Person("world:bot7", "bot7", "Rain Gauge", "I count drops.", "en", "UTC", bot=True),
        Person("x:12", "away.man", "Away Man", "", "en", "UTC", follower_count=1234),
    ]
    written: list[tuple[str, str, str, str]] = [
        ("home:ada", "b1", "The old bridge reopens on Friday at noon, says the harbour office.", "en"),
        ("home:ada", "b2", "Walked over the bridge today. New rails, same river. #harbour", "en"),
        ("home:lan", "g1", "Vườn sau cơn mưa thật đẹp, cà chua chín rồi. #garden", "vi"),
        ("home:lan", "g2", "Tomatoes in the garden are ripe after the rain, come and pick some @ada", "en"),
        ("home:jo", "r1", "Regen, Regen, Regen. Der Garten freut sich, ich nicht.", "de"),
        ("home:yuki", "g3", "雨の後の庭でトマトが熟しました。", "ja"),
        ("world:bot7", "r2", "Rain since midnight: 14 mm. River level rising slowly near the bridge.", "en"),
        ("x:12", "x1", "Far away, and still thinking of that garden. https://example.org/garden?a=1&b=2", "en"),
    ]
    written += [("home:jo", f"h{place}", text, "und") for place, text in enumerate(HOSTILE)]
    written += [
        (
            "home:ada",
            f"n{n}",
            f"Note {n} from the bridge: the ferry runs every {n + 3} minutes while works go on.",
            "en",
        )
        for n in range(24)
    ]
    posts = [
        Post(
            f"{'x' if who == 'x:12' else 'world' if who == 'world:bot7' else 'home'}:{id}",
            who,
            now - (60 - at) * HOUR // 4,
            text,
            lang,
        )
        for at, (who, id, text, lang) in enumerate(written)
    ]
    posts += [
        Post("home:a1", "home:lan", now - HOUR, "At last! Does the ferry stop then?", "en", reply_to="home:b1"),
        Post("home:a2", "home:ada", now - HOUR // 2, "It does, on Saturday.", "en", reply_to="home:a1"),
        Post("home:q1", "home:yuki", now - HOUR // 3, "Good news for cyclists", "en", quote_of="home:b1"),
        Post(
            "home:s1",
            "home:yuki",
            now - HOUR // 4,
            "For followers: the key is under the pot",
            "en",
            visibility=Visibility.FOLLOWERS,
        ),
        Post("home:rp", "home:jo", now - HOUR // 5, "", repost_of="home:g2"),
    ]
    edges = [
        Edge(a, b, EdgeKind.FOLLOW, now - 900 * HOUR)
        for a, b in (
            ("home:lan", "home:ada"), ("home:lan", "home:jo"), ("home:lan", "world:bot7"), ("home:ada", "home:lan"),
            ("home:jo", "home:lan"), ("home:yuki", "home:lan"),
        )
    ]  # fmt: skip
    likes = [
        Action(f"home:l{place}", who, post, ActionKind.LIKE, now - HOUR)
        for place, (who, post) in enumerate(
            (("home:lan", "home:b2"), ("home:jo", "home:b1"), ("home:yuki", "home:g2"), ("home:ada", "home:g1"))
        )
    ]
    return [*people, *posts, *edges, *likes]


def make(home: Path, demo: bool) -> Myna:
    """A network of these facts."""
    myna = Myna(Settings(home=home, demo=demo))
    myna.store.append(facts())
    myna.follow()
    return myna


def app_of(myna: Myna) -> FastAPI:
    """The pages of a network, as the service builds them."""
    app = FastAPI(docs_url=None, redoc_url=None)
    api.install(app, myna)
    web.install(app, myna)
    return app


@dataclass
class Site:
    """A network with a client that has its pages."""

    myna: Myna
    client: TestClient

    def sign_in(self, person: str = "home:lan") -> None:
        """Signs in as this person (a demo's way)."""
        assert self.post("/sign-in", person=person, next="/search").status_code == 200

    def get(self, path: str, **headers: str) -> str:
        """A page's HTML."""
        answer = self.client.get(path, headers={**ORIGIN, **headers})
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return answer.text

    def post(self, path: str, **fields: str):  # type: ignore[no-untyped-def]
        """Sends a form, as a browser would from a page of this site."""
        return self.client.post(path, data=fields, headers=ORIGIN)

    def part(self, path: str, **fields: str):  # type: ignore[no-untyped-def]
        """Sends a form as htmx does."""
        return self.client.post(
            path, data=fields, headers={**ORIGIN, "hx-request": "true", "hx-current-url": "http://testserver/"}
        )


# -- a real browser ------------------------------------------------------------------------------------------------

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage",
)  # fmt: skip


def chromium(playwright: Playwright) -> str:
    """Where a Chromium is: MYNA_CHROMIUM, one of the system's, or playwright's own. Skips, saying so, where none is."""
    named = os.environ.get("MYNA_CHROMIUM", "")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    own = playwright.chromium.executable_path
    for path in (named, found, own):
        if path and Path(path).exists():
            return path
    pytest.skip("no Chromium here: install one (`scripts/provide-browser`) or name one in MYNA_CHROMIUM")


@dataclass
class Served:
    """A network served over HTTP at this address."""

    address: str
    myna: Myna


Opened = Callable[..., Page]
