"""Home: the feed of the person signed in."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from myna.feed.types import Mode
from myna.i18n import N_
from myna.web.cards import feed_cards
from myna.web.render import Current, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MODES = {
    Mode.FOR_YOU: (N_("For you"), N_("Ranked for you. Each post says why it is here.")),
    Mode.FOLLOWING: (N_("Following"), N_("Whom you follow, newest first. Nothing about you is used.")),
    Mode.LATEST: (N_("Latest"), N_("Everybody, newest first. Nothing about you is used.")),
}


@router.get("/")
def home(page: Current, mode: Mode = Mode.FOR_YOU, cursor: Annotated[str, Query(max_length=20_000)] = "") -> Response:
    """A page of the feed; for htmx only the posts that follow."""
    if page.viewer is None and page.operator:
        return page.go("/overview")
    feed = page.myna.feed(page.me.id, mode, cursor=cursor)
    template = "feed.html" if page.partial else "home.html"
    return page.render(template, feed=feed, cards=feed_cards(page, feed), mode=mode, modes=MODES, later=bool(cursor))
