"""API keys: shown once, kept as a hash, scoped to purposes, expiring."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Any

from myna.gate.types import Actor, ActorKind, Key
from myna.network import Problem, Purpose, Records, now_ms

_PREFIX = "myna_"


class Keys:
    """The keys of programs."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def make(
        self,
        name: str,
        purposes: Iterable[Purpose],
        days: int = 90,
        on_behalf_of: str = "",
        operator: bool = False,
        write: bool = False,
    ) -> tuple[str, Key]:
        """A new key: its secret, to be shown this once, and the key as kept. days: until it expires, 0 for never.

        write: whether the program may also post, act and decide for the person it acts for.
        """
        scope = frozenset(purposes)
        if not scope:
            raise Problem("A key needs at least one purpose: read, search, recommend, answer, train, export or ads.")
        if days < 0:
            raise Problem("The days until a key expires must be 0 (never) or more.")
        id = secrets.token_hex(6)
        # 256 random bits: a plain hash is enough, slow hashes are for what people choose.
        secret = f"{_PREFIX}{id}_{secrets.token_urlsafe(32)}"
        now = now_ms()
        expires = now + days * 86_400_000 if days else 0
        key = Key(id, name, _hash(secret), scope, on_behalf_of, now, expires, operator, write)
        self._records.put(id, _body(key), owner=on_behalf_of)
        return secret, key

    def actor(self, secret: str) -> Actor:
        """The program that holds this secret. Raises Problem (401) for one unknown or expired."""
        id, _, _ = secret.removeprefix(_PREFIX).partition("_")
        body = self._records.get(id) if secret.startswith(_PREFIX) else None
        if body is None or not hmac.compare_digest(body["hash"], _hash(secret)):
            raise Problem("This API key is not known here. Make one with `myna key make`.", 401)
        key = _key(id, body)
        if key.expires_at and key.expires_at < now_ms():
            raise Problem("This API key has expired. Make a new one with `myna key make`.", 401)
        if key.operator:
            return Actor(ActorKind.OPERATOR, f"key:{key.id}")
        return Actor(ActorKind.PROGRAM, f"key:{key.id}", key.purposes, key.on_behalf_of, key.write)

    def all(self) -> list[Key]:
        """The keys there are."""
        return [_key(id, body) for id, body in self._records.all().items()]

    def revoke(self, id: str) -> None:
        """Ends a key at once. Raises Problem if there is none."""
        if not self._records.delete(id):
            raise Problem(f"There is no key {id!r}; `myna key list` shows those there are.", 404)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _body(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "hash": key.hash,
        "purposes": sorted(key.purposes),
        "on_behalf_of": key.on_behalf_of,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "operator": key.operator,
        "write": key.write,
    }


def _key(id: str, body: dict[str, Any]) -> Key:
    return Key(
        id,
        body["name"],
        body["hash"],
        frozenset(Purpose(purpose) for purpose in body["purposes"]),
        body["on_behalf_of"],
        body["created_at"],
        body["expires_at"],
        body["operator"],
        body.get("write", False),
    )
