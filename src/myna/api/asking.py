"""Who asks: from a request's key to the actor the gate knows, and for whom a request may act."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from myna.app import Myna
from myna.gate import ANYONE, Actor, ActorKind
from myna.network import Forbidden, Problem, Purpose

KEY = HTTPBearer(
    scheme_name="key",
    description="An API key, made with `myna key make` or POST /api/v1/keys. Without one, a request is anyone's.",
    auto_error=False,
)

ANYBODY: dict[str, Any] = {"security": [{}, {"key": []}]}
"""`openapi_extra` of what also answers without a key."""


def network(request: Request) -> Myna:
    """The network served."""
    myna: Myna = request.app.state.myna
    return myna


Network = Annotated[Myna, Depends(network)]


def asker(
    myna: Network, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(KEY)]
) -> Actor:
    """The actor of this request: anyone without a key. Raises Problem (401) for a key that is none."""
    if credentials is None:
        if request.headers.get("authorization"):
            raise Problem("Send the API key as `Authorization: Bearer myna_…`.", 401)
        return ANYONE
    return myna.keys.actor(credentials.credentials)


Asker = Annotated[Actor, Depends(asker)]


def known_asker(actor: Asker, request: Request) -> Actor:
    """The actor of a request that needs a key, and to change anything a key that may write."""
    if actor.kind is ActorKind.ANYONE:
        raise Problem("This needs an API key: `Authorization: Bearer myna_…`. Make one with `myna key make`.", 401)
    if request.method not in ("GET", "HEAD") and not actor.may_act:
        raise Forbidden("This key may read only. Make one that may act for its person: `myna key make --write`.")
    return actor


KnownAsker = Annotated[Actor, Depends(known_asker)]


def operator(actor: KnownAsker) -> Actor:
    """The operator. Raises Forbidden for everyone else."""
    if actor.kind is not ActorKind.OPERATOR:
        raise Forbidden("This is the operator's: use a key made with `myna key make --operator`.")
    return actor


OperatorAsker = Annotated[Actor, Depends(operator)]


def acting(myna: Myna, actor: Actor, person: str, purpose: Purpose | None = None) -> str:
    """The id of the person for whom this actor may act: their key's person, or whom the operator names.

    purpose: what a program's key must be for, where what is asked for is not asked of the gate post by post.
    """
    if actor.kind is ActorKind.OPERATOR:
        if not person:
            raise Forbidden("The operator's key acts for a person: say for whom with `person`.")
        return myna.person(person).id
    if not actor.person_id:
        raise Forbidden("This key acts for no person. Make one that does: `myna key make --as HANDLE`.")
    if purpose is not None and not actor.may(purpose):
        raise Forbidden(
            f"This key is not for the purpose {purpose}; make one with `myna key make --purpose {purpose}`."
        )
    if person and myna.person(person).id != actor.person_id:
        raise Forbidden("This key acts for another person.")
    return actor.person_id
