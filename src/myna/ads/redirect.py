"""The HTTP side of click links: verify the token, look at the block list, write the click down, redirect.

302 with no-store, because a cached 301 is a click nobody counts. A token that was not signed here gets a page, never a
redirect. Nothing but time, campaign and auction is kept of a request: no address, no cookie, no browser string.

Imported by the links process: nothing here may import the database or another part.
"""

import hashlib
import json
import os
import re
import socketserver
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from myna.ads.clicklog import ClickLog, Line
from myna.ads.token import BadToken, Keyring

_BOTS = re.compile(
    r"bot\b|bot[/_\-]|crawl|spider|slurp|fetch|preview|unfurl|embed|scan|monitor|headless|lighthouse|externalhit|"
    r"^whatsapp|mastodon|pleroma|akkoma|misskey|friendica|lemmy|synapse|matrix|http\.rb|curl|wget|python|aiohttp|"
    r"httpx|okhttp|go-http|java/|libwww|axios|node-fetch|undici|ruby|perl|php|phantomjs|skypeuri|validator|archive",
    re.IGNORECASE,
)
"""Programs that open links without a reader. Own list of what is common; what it misses, `ingest` filters by timing."""


def kind_of(method: str, agent: str, purpose: str) -> str:
    """What a request is: click, head, prefetch or bot. agent: User-Agent; purpose: (Sec-)Purpose or X-Moz."""
    if method == "HEAD":
        return "head"
    if "prefetch" in purpose.lower() or "preview" in purpose.lower():
        return "prefetch"
    if len(agent) < 12 or _BOTS.search(agent):
        return "bot"
    return "click"


def home_of(directory: Path) -> str:
    """Names the home a links process serves, without telling where it lies."""
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]


class BlockList:
    """Hosts no link leads to any more, with all below them: a file of one host a line, read again when it changes."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "blocked-hosts.txt"
        self._stamp: tuple[int, int] | None = None
        self._hosts: frozenset[str] = frozenset()

    def blocks(self, host: str) -> bool:
        """Whether the host or one above it is listed."""
        self._refresh()
        labels = host.lower().rstrip(".").split(".")
        return any(".".join(labels[start:]) in self._hosts for start in range(len(labels)))

    def _refresh(self) -> None:
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                lines = self.path.read_text(errors="replace").splitlines()
                self._hosts = frozenset(
                    line.partition("#")[0].strip().lower().strip(".")
                    for line in lines
                    if line.partition("#")[0].strip()
                )
                self._stamp = stamp
        except FileNotFoundError:
            self._hosts, self._stamp = frozenset(), None
        except OSError:
            # A list that cannot be read now blocks what it blocked before.
            return


class LinkServer(ThreadingHTTPServer):
    """The server: keys, block list and click log of one directory."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, directory: Path, host: str, port: int) -> None:
        self.keys = Keyring(directory)
        self.blocked = BlockList(directory)
        self.log = ClickLog(directory)
        self.home = home_of(directory)
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Binds without the standard library's look-up of the host's name, which can hang for seconds offline."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader who went away is no error of ours; anything else is told with its trace."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def health(self) -> dict[str, object]:
        """What /healthz tells."""
        return {
            "links": "ok",
            "home": self.home,
            "pid": os.getpid(),
            "written": self.log.written,
            "lost": self.log.lost,
            "trouble": self.log.trouble,
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: LinkServer
    protocol_version = "HTTP/1.1"
    server_version = "myna-links"
    sys_version = ""
    timeout = 10
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """Redirects /c/<token>; answers /healthz."""
        path = urlsplit(self.path).path if self.path.startswith("/") and not self.path.startswith("//") else ""
        if path.startswith("/c/"):
            self._redirect(path.removeprefix("/c/"))
        elif path == "/healthz":
            self._answer(HTTPStatus.OK, json.dumps(self.server.health()), "application/json")
        elif path == "/robots.txt":
            self._answer(HTTPStatus.OK, "User-agent: *\nDisallow: /\n", "text/plain; charset=utf-8")
        else:
            self._page(HTTPStatus.NOT_FOUND, "There is nothing at this address.")

    do_HEAD = do_GET

    def _redirect(self, token: str) -> None:
        try:
            link = self.server.keys.read(token)
        except BadToken:
            self._page(
                HTTPStatus.BAD_REQUEST, "This link was not made here, or was damaged on its way. It leads nowhere."
            )
            return
        if self.server.blocked.blocks(urlsplit(link.url).hostname or ""):
            self._page(HTTPStatus.FORBIDDEN, "This link led to a site that is blocked here. It leads nowhere any more.")
            return
        purpose = " ".join(self.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"))
        kind = kind_of(self.command, self.headers.get("User-Agent", ""), purpose)
        at = time.time_ns() // 1_000_000
        self.server.log.append(Line(at, kind, link.campaign, link.decision, link.issued))
        self._answer(HTTPStatus.FOUND, "", "text/plain; charset=utf-8", {"Location": link.url})

    def _page(self, status: HTTPStatus, sentence: str) -> None:
        html = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{status.phrase}</title><body><main><h1>{status.phrase}</h1><p>{sentence}</p></main></body></html>"
        )
        self._answer(status, html, "text/html; charset=utf-8")

    def _answer(self, status: HTTPStatus, body: str, kind: str, headers: dict[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex, nofollow",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: the click log holds what is needed."""
