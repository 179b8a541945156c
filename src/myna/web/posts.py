"""A post with its thread."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from myna.gate import MYNA
from myna.network import Purpose
from myna.web.cards import cards
from myna.web.render import Current, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/post/{id:path}")
def post(page: Current, id: str) -> Response:
    """What a post answers, the post, and its replies; to its author also what it may be used for."""
    thread = page.myna.thread(page.actor, id)
    shown = cards(page, [thread.post])
    if page.viewer and thread.post.author_id == page.viewer.id:
        # As Myna would be answered, not the author, who may do all with their own.
        decide = page.myna.reader.decide
        allowed: dict[Purpose, bool] = {purpose: decide(MYNA, purpose, thread.post).allow for purpose in Purpose}
        shown = [replace(card, consent=allowed) for card in shown]
    return page.render(
        "post.html",
        post=thread.post,
        cards=shown,
        ancestors=cards(page, thread.ancestors),
        replies=cards(page, thread.replies),
    )
