"""People: their posts, how the reader stands to them, and on one's own page what Myna understands and may do."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from myna.gate import MYNA
from myna.network import EdgeKind, NotFound, Person, Post, Purpose, source_of
from myna.web.cards import cards, stranger
from myna.web.render import Current, Page, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_PAGE = 20
Before = Annotated[int, Query(ge=-(2**62), le=2**62)]


@router.get("/me")
def me(page: Current) -> Response:
    """One's own page."""
    return _show(page, page.me, 2**62)


@router.get("/@{handle:path}")
def by_handle(page: Current, handle: str, before: Before = 2**62) -> Response:
    """A person's page."""
    return _show(page, page.myna.person("@" + handle), before)


@router.get("/person/{id:path}")
def by_id(page: Current, id: str, before: Before = 2**62) -> Response:
    """A person's page, by id; also of those of whom the source told no more than their posts."""
    found = page.myna.reader.people([id]).get(id)
    if found is None:
        if not page.myna.posts_by(page.actor, id, limit=1):
            raise NotFound(f"There is no person {id!r} here; they may have left.")
        found = stranger(id)
    return _show(page, found, before)


def _show(page: Page, person: Person, before: int) -> Response:
    posts = page.myna.posts_by(page.actor, person.id, before, _PAGE)
    more = posts[-1].created_at if len(posts) == _PAGE else None
    own = page.viewer is not None and page.viewer.id == person.id
    if page.partial and before != 2**62:
        return page.render("written.html", person=person, cards=cards(page, posts), more=more, later=True)
    return page.render(
        "person.html",
        person=person,
        own=own,
        cards=cards(page, posts),
        more=more,
        later=before != 2**62,
        standing=standing_to(page, person.id),
        interests=page.myna.interests_of(person.id) if own else [],
        evidence=_evidence(page, person) if own else {},
        consents=consents(page, person.id) if own else {},
    )


def standing_to(page: Page, other_id: str) -> dict[EdgeKind, bool]:
    """Whether the reader follows, mutes or blocks a person."""
    edges = page.myna.reader.edges_of(page.viewer.id) if page.viewer else []
    kinds = {edge.kind for edge in edges if edge.other_id == other_id}
    return {kind: kind in kinds for kind in EdgeKind}


def consents(page: Page, person_id: str) -> dict[Purpose, bool]:
    """What a person's posts may be used for: decided as for a post of theirs of which nothing else was said."""
    post = Post(f"{source_of(person_id)}:-", person_id, 0, "")
    return {purpose: page.myna.reader.decide(MYNA, purpose, post).allow for purpose in Purpose}


def _evidence(page: Page, person: Person) -> dict[str, str]:
    """The beginnings of the posts that interests rest on, by post id: those the person may read."""
    ids = [id for interest in page.myna.interests_of(person.id) for id in interest.evidence[:3]]
    return {id: post.text[:160] for id, post in page.myna.reader.posts(page.actor, Purpose.READ, ids).items()}
