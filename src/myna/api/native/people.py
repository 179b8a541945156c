"""People, what they wrote, and what Myna takes them to be interested in."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path

from myna.api.asking import ANYBODY, Asker, KnownAsker, Network, acting
from myna.api.native.fields import Body, Cursor, For, Limit, PersonId, PersonName, cursor_of, place_of
from myna.network import Person, Post, Purpose
from myna.people.types import Interest

router = APIRouter(tags=["people"])


@dataclass(frozen=True, slots=True)
class People:
    """A page of people. cursor: "" at the end."""

    people: list[Person]
    cursor: str


@dataclass(frozen=True, slots=True)
class Posts:
    """A page of posts. cursor: "" at the end."""

    posts: list[Post]
    cursor: str


@dataclass(frozen=True, slots=True)
class Interests:
    """All interests of a person, those hidden too."""

    interests: list[Interest]


class Hide(Body):
    """hidden: "not me"; false takes it back."""

    hidden: bool
    person: PersonName = ""


@router.get("/people", openapi_extra=ANYBODY)
def people(myna: Network, actor: Asker, limit: Limit = 50, cursor: Cursor = "") -> People:
    """People, in the order they came."""
    found = myna.people(limit, place_of(cursor, 0))
    return People(found, cursor_of(found[-1].seq) if len(found) == limit else "")


@router.get("/people/{id:fact}/posts", openapi_extra=ANYBODY)
def posts_by(myna: Network, actor: Asker, id: PersonId, limit: Limit = 20, cursor: Cursor = "") -> Posts:
    """What a person wrote and this asker may read, newest first."""
    found = myna.posts_by(actor, myna.person(id).id, place_of(cursor, 2**62 - 1), limit)
    return Posts(found, cursor_of(found[-1].created_at) if found else "")


@router.get("/people/{id:fact}", openapi_extra=ANYBODY)
def person(myna: Network, actor: Asker, id: PersonId) -> Person:
    """A person by id or @handle."""
    return myna.person(id)


@router.delete("/people/{id:fact}", status_code=204)
def delete_person(myna: Network, actor: KnownAsker, id: PersonId) -> None:
    """Deletes a person with all they wrote and did: theirs to do, or the operator's. What stays says only that."""
    myna.delete(actor, id)


@router.get("/interests")
def interests(myna: Network, actor: KnownAsker, whom: For = "") -> Interests:
    """A person's interests, each with the posts that show it."""
    return Interests(myna.interests_of(acting(myna, actor, whom, Purpose.RECOMMEND)))


@router.put("/interests/{interest}", status_code=204)
def hide(
    myna: Network,
    actor: KnownAsker,
    interest: Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f/]+$")],
    body: Hide,
) -> None:
    """Says of an interest "not me": it is then used for nothing."""
    myna.hide_interest(acting(myna, actor, body.person, Purpose.RECOMMEND), interest, body.hidden)
