"""What protects the pages: headers on every answer, no writing from other sites, few guesses at passwords."""

import threading
import time
from collections import defaultdict, deque
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from myna.network import Forbidden, Problem

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy: nothing from elsewhere, no inline script or style."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Headers:
    """ASGI middleware: the security headers on every answer that does not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and completes the answer's headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("X-Frame-Options", "DENY")
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
                headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
            await send(message)

        await self.app(scope, receive, complete)


def from_this_site(request: Request) -> None:
    """Raises Forbidden where another site's page made the browser write here (cross-site request forgery).

    Every browser says where a form was sent from: in Sec-Fetch-Site, and over plain http in Origin. A request that
    says neither comes from no page of ours.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site == "same-origin":
            return
    else:
        origin = urlsplit(request.headers.get("origin", ""))
        if origin.netloc and origin.netloc == request.headers.get("host"):
            return
    raise Forbidden("This was not sent from a page of this network, so nothing was done. Open the page and try again.")


class Attempts:
    """How often somebody may try a password: `limit` times in `seconds`, by any key (an address, a handle)."""

    def __init__(self, limit: int = 10, seconds: float = 600.0) -> None:
        self._limit = limit
        self._seconds = seconds
        self._tries: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def count(self, *keys: str) -> None:
        """Counts one attempt under each key. Raises Problem (429) when one has had too many."""
        now = time.monotonic()
        with self._lock:
            if len(self._tries) > 10_000:
                self._forget(now)
            for key in keys:
                tries = self._tries[key]
                while tries and tries[0] < now - self._seconds:
                    tries.popleft()
                if len(tries) >= self._limit:
                    minutes = max(1, round((self._seconds - (now - tries[0])) / 60))
                    raise Problem(f"Too many attempts to sign in. Try again in {minutes} min.", 429)
            for key in keys:
                self._tries[key].append(now)

    def clear(self, *keys: str) -> None:
        """Forgets the attempts under these keys: the password was right."""
        with self._lock:
            for key in keys:
                self._tries.pop(key, None)

    def _forget(self, now: float) -> None:
        for key in [key for key, tries in self._tries.items() if not tries or tries[-1] < now - self._seconds]:
            del self._tries[key]
