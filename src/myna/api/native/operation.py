"""Why and replay, consents, keys, and how the network is doing."""

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from pydantic import Field

from myna.api.asking import ANYBODY, Asker, KnownAsker, Network, OperatorAsker, acting
from myna.api.native.fields import WHOLE, Body, FactId, FactIdOrNone, For, Line, PartId
from myna.app import Overview
from myna.gate import Actor, ActorKind
from myna.network import Consent, Forbidden, NotFound, Purpose

router = APIRouter(tags=["operation"])


@dataclass(frozen=True, slots=True)
class Why:
    """A decision with its reasons. actor: whom it was for; model: the versions it used."""

    id: str
    at: int
    kind: str
    actor: str
    purpose: str
    model: str
    reasons: list[Any]
    output: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision computed again. same: whether the very bytes came out."""

    id: str
    same: bool
    logged: dict[str, Any]
    again: dict[str, Any]


class NewConsent(Body):
    """A yes or no. subject: a post or person; for the operator also `source:*`, or `*` for all."""

    subject: FactId
    purpose: Annotated[Purpose, Field(strict=False)]
    allow: bool


@dataclass(frozen=True, slots=True)
class Consents:
    """What a person said about all their posts, by purpose; null where they said nothing."""

    person_id: str
    purposes: dict[Purpose, bool | None]


class NewKey(Body):
    """A key to be made. days: until it expires, 0 for never. on_behalf_of: the person it asks for, and acts for if it
    may write."""

    name: Line
    purposes: Annotated[list[Annotated[Purpose, Field(strict=False)]], Field(min_length=1, max_length=10)]
    days: Annotated[int, Field(ge=0, le=3650), WHOLE] = 90
    on_behalf_of: FactIdOrNone = ""
    operator: bool = False
    write: bool = False


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A key, without its secret."""

    id: str
    name: str
    purposes: list[Purpose]
    on_behalf_of: str
    created_at: int
    expires_at: int
    operator: bool


@dataclass(frozen=True, slots=True)
class KeyMade:
    """A new key. secret: shown this once."""

    secret: str
    key: KeyShown


@dataclass(frozen=True, slots=True)
class KeyList:
    """The keys there are."""

    keys: list[KeyShown]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the network keeps up with its logs."""

    ok: bool
    version: str
    language_model: str


@router.get("/decisions/{decision}", openapi_extra=ANYBODY)
def why(myna: Network, actor: Asker, decision: PartId) -> Why:
    """Why something was decided: for whom it was decided, and for the operator."""
    return Why(**_theirs(myna, actor, decision))


@router.get("/decisions/{decision}/replay", openapi_extra=ANYBODY)
def replay(myna: Network, actor: Asker, decision: PartId) -> Replayed:
    """Computes a decision again from its logged input."""
    _theirs(myna, actor, decision)
    found = myna.replay(decision)
    return Replayed(found.id, found.same, orjson.loads(found.logged), orjson.loads(found.again))


def _theirs(myna: Network, actor: Actor, id: str) -> dict[str, Any]:
    found = myna.why(id)
    if actor.kind is not ActorKind.OPERATOR and found["actor"] not in {str(actor), actor.person_id} - {""}:
        raise NotFound(f"There is no decision {id!r} that was made for you.")
    # What a key may not fetch it may not read off the decision either.
    if found["purpose"] in set(Purpose) and not actor.may(Purpose(found["purpose"])):
        raise Forbidden(f"This decision was made for the purpose {found['purpose']}, and this key is not for it.")
    return found


@router.post("/consents", status_code=201)
def consent(myna: Network, actor: KnownAsker, body: NewConsent) -> Consent:
    """Says yes or no to one use of a post, of all one's posts, or (the operator) of anything. The newest holds."""
    return myna.consent(actor, body.subject, body.purpose, body.allow)


@router.get("/consents")
def consents(myna: Network, actor: KnownAsker, whom: For = "") -> Consents:
    """What a person has said about all their posts."""
    person = acting(myna, actor, whom)
    myna.reader.policy.refresh()
    return Consents(person, {purpose: myna.reader.policy.author_preference(person, purpose) for purpose in Purpose})


@router.get("/keys")
def keys(myna: Network, actor: OperatorAsker) -> KeyList:
    """The keys there are, without their secrets."""
    return KeyList([_shown(key) for key in myna.keys.all()])


@router.post("/keys", status_code=201)
def make_key(myna: Network, actor: OperatorAsker, body: NewKey) -> KeyMade:
    """Makes a key. Its secret is shown this once."""
    person = myna.person(body.on_behalf_of).id if body.on_behalf_of else ""
    secret, key = myna.make_key(body.name, body.purposes, body.days, person, body.operator, body.write, str(actor))
    return KeyMade(secret, _shown(key))


@router.delete("/keys/{key}", status_code=204)
def revoke(myna: Network, actor: OperatorAsker, key: PartId) -> None:
    """Ends a key at once."""
    myna.revoke_key(key, str(actor))


def _shown(key: Any) -> KeyShown:
    purposes = sorted(key.purposes)
    return KeyShown(key.id, key.name, purposes, key.on_behalf_of, key.created_at, key.expires_at, key.operator)


@router.get("/overview")
def overview(myna: Network, actor: OperatorAsker) -> Overview:
    """What came in, the training curve, index, feed, health, disk: the operator's page."""
    return myna.overview()


@router.get("/health", openapi_extra=ANYBODY)
def health(myna: Network, actor: Asker) -> Health:
    """Whether the network is well, for whatever watches it."""
    import myna as package

    return Health(not myna.follow_error, package.__version__, myna.language.version)
