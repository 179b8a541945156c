"""Posts, and what people do with them and with each other."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from myna.api.asking import ANYBODY, Asker, KnownAsker, Network, acting
from myna.api.native.fields import Body, FactId, FactIdOrNone, Id, PersonName, Text
from myna.app import Standing, Thread
from myna.network import Action, ActionKind, Edge, EdgeKind, Post, Visibility

router = APIRouter(tags=["posts"])


@dataclass(frozen=True, slots=True)
class Shown:
    """A post with the counts beside it; liked and reposted are the asker's."""

    post: Post
    standing: Standing


class NewPost(Body):
    """A post to be written; with reply_to an answer, with quote_of a quote."""

    text: Text
    reply_to: FactIdOrNone = ""
    quote_of: FactIdOrNone = ""
    visibility: Annotated[Visibility, Field(strict=False)] = Visibility.PUBLIC
    person: PersonName = ""


class Acting(Body):
    """The person who does it."""

    person: PersonName = ""


class NewAction(Body):
    """What a person did with a post. value: seconds for dwell, else 1."""

    post_id: FactId
    kind: Annotated[ActionKind, Field(strict=False)]
    value: Annotated[float, Field(ge=0, le=86_400)] = 1.0
    person: PersonName = ""


class NewEdge(Body):
    """How a person stands to another from now on; on false ends it."""

    other_id: FactId
    kind: Annotated[EdgeKind, Field(strict=False)]
    on: bool = True
    person: PersonName = ""


@router.post("/posts", status_code=201)
def publish(myna: Network, actor: KnownAsker, body: NewPost) -> Post:
    """Writes a post. Durable on return, findable within a second."""
    who = acting(myna, actor, body.person)
    return myna.publish(who, body.text, body.reply_to, body.quote_of, body.visibility)


@router.get("/posts/{id:fact}/thread", openapi_extra=ANYBODY)
def thread(myna: Network, actor: Asker, id: Id) -> Thread:
    """A post with what it answers and its replies."""
    return myna.thread(actor, id)


@router.post("/posts/{id:fact}/repost", status_code=201)
def repost(myna: Network, actor: KnownAsker, id: Id, body: Acting) -> Post:
    """Passes a post on; again, it answers the same repost."""
    return myna.repost(acting(myna, actor, body.person), id)


@router.get("/posts/{id:fact}", openapi_extra=ANYBODY)
def post(myna: Network, actor: Asker, id: Id) -> Shown:
    """A post."""
    found = myna.post(actor, id)
    return Shown(found, myna.standing(actor.person_id, [found])[found.id])


@router.delete("/posts/{id:fact}", status_code=204)
def delete(myna: Network, actor: KnownAsker, id: Id) -> None:
    """Deletes a post: its author's to do, or the operator's. Its content is gone everywhere within two seconds."""
    myna.delete(actor, id)


@router.post("/actions", status_code=201)
def act(myna: Network, actor: KnownAsker, body: NewAction) -> Action:
    """Keeps what a person did with a post: like, unlike, seen, click, dwell, show_less, report."""
    return myna.act(acting(myna, actor, body.person), body.post_id, body.kind, body.value)


@router.post("/edges", status_code=201)
def relate(myna: Network, actor: KnownAsker, body: NewEdge) -> Edge:
    """Follows, blocks or mutes a person, or no longer does."""
    return myna.relate(acting(myna, actor, body.person), body.other_id, body.kind, body.on)
