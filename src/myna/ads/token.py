"""Signed click links: the token holds all that a redirect needs, so it works with the database down.

    kid.payload.signature        payload: base64url of the JSON array [url, campaign, decision, issued]

The signature is itsdangerous' HMAC-SHA256. `kid` names the key; after a rotation old tokens stay valid until their key
is removed from the file. A token holds no person: the decision knows for whom the auction was.

Imported by the links process: nothing here may import the database or another part.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from itsdangerous import Signer

from myna.private import beside, keep_once, write_private

LONGEST_TOKEN = 8192
LONGEST_URL = 2000
_SALT = "myna.ads.link"
_SAFE = "!#$%&'()*+,-./:;=?@[]_~"


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says: where to, and for which campaign and auction it was made, when (milliseconds)."""

    url: str
    campaign: str
    decision: str
    issued: int


class BadToken(Exception):
    """The token was not made here, or not as it stands."""


def destination(url: str) -> str | None:
    """The address in the one form that may stand in a Location header, None where it may not be linked to.

    http and https only, with a host, without a user or password, without what browsers and proxies read differently.
    """
    if len(url) > LONGEST_URL or "\\" in url or any(c.isspace() or not c.isprintable() for c in url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
        if not host.isascii():
            host = host.encode("idna").decode()
        elif ":" in host:
            host = f"[{host}]"
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in ("http", "https") or not host or host.startswith(".") or "@" in parts.netloc:
        return None
    if not all(c.isalnum() or c in ".-[]:_" for c in host):
        return None
    netloc = host if port is None else f"{host}:{port}"
    path, query, fragment = (quote(part, safe=_SAFE) for part in (parts.path, parts.query, parts.fragment))
    result = urlunsplit((parts.scheme, netloc, path, query, fragment))
    return result if len(result) <= 2 * LONGEST_URL else None


class Keyring:
    """The keys that sign links: a file of lines `kid secret`, the newest last; readable by its owner only."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "link-keys"
        self._stamp: tuple[int, int, int] = (0, 0, 0)
        self._signers: dict[str, Signer] = {}
        self._newest = ""
        self._load()

    def sign(self, link: Link) -> str:
        """The token of a link, signed with the newest key."""
        if not self._fresh():
            self._load()
        body = json.dumps([link.url, link.campaign, link.decision, link.issued], separators=(",", ":"))
        payload = base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode()
        return self._signers[self._newest].sign(f"{self._newest}.{payload}").decode()

    def read(self, token: str) -> Link:
        """The link of a token. Raises BadToken unless it is, to the letter, one that was signed here."""
        if len(token) > LONGEST_TOKEN or not token.isascii() or token.count(".") != 2:
            raise BadToken("not a token")
        signed, _, _ = token.rpartition(".")
        kid, _, payload = signed.partition(".")
        if kid not in self._signers and not self._fresh():
            self._load()
        signer = self._signers.get(kid)
        # Signing again and comparing the whole, because base64 has several spellings of one signature.
        if signer is None or not hmac.compare_digest(signer.sign(signed), token.encode()):
            raise BadToken("the signature does not fit")
        try:
            url, campaign, decision, issued = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, binascii.Error) as error:
            raise BadToken("signed, but not by this version") from error
        if destination(url) != url:
            raise BadToken("not a web address")
        return Link(url, campaign, decision, issued)

    def rotate(self, keep: int = 4) -> str:
        """Adds a key, which signs from now on; of the older ones the newest `keep - 1` stay valid. Returns its kid."""
        lines = self.path.read_text().splitlines()
        line = _new_key()
        self._write([*lines, line][-keep:])
        self._load()
        return line.split()[0]

    def _fresh(self) -> bool:
        return self._stamp == _stamp(self.path)

    def _load(self) -> None:
        if not self.path.exists():
            self._make()
        stamp = _stamp(self.path)
        pairs = [line.split() for line in self.path.read_text().splitlines() if line.strip()]
        self._signers = {
            kid: Signer(secret, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)
            for kid, secret in pairs
        }
        self._newest = pairs[-1][0]
        self._stamp = stamp

    def _make(self) -> None:
        """The first key. Of several processes that try at once, one wins and all use its key."""
        keep_once(self.path, f"{_new_key()}\n".encode())

    def _write(self, lines: list[str]) -> None:
        temporary = beside(self.path)
        write_private(temporary, ("\n".join(lines) + "\n").encode())
        temporary.replace(self.path)


def _new_key() -> str:
    return f"{secrets.token_hex(3)} {secrets.token_urlsafe(32)}"


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
