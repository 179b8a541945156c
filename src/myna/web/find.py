"""Search and Ask."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from myna.i18n import N_
from myna.search import describe
from myna.search.types import Chip, Results
from myna.web.cards import cards, hit_cards
from myna.web.render import Current, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)

TABS = {"top": N_("Top"), "latest": N_("Latest"), "people": N_("People")}
OPERATORS = (
    ("budget bridge", N_("posts with both words")),
    ('"new bridge"', N_("these words, in this order")),
    ("bridge OR ferry", N_("either word")),
    ("bridge -toll", N_("without a word")),
    ("from:lan", N_("written by a person")),
    ("to:lan", N_("answering a person")),
    ("@lan", N_("mentioning a person")),
    ("#harbour", N_("with a tag")),
    ("lang:vi", N_("in a language")),
    ("since:2026-11-01", N_("from a day on")),
    ("until:2026-11-20", N_("before a day")),
    ("has:links", N_("with a link; also has:media")),
    ("is:reply", N_("replies; also is:quote, is:repost")),
    ("min_likes:10", N_("with at least so many likes")),
)
Text = Annotated[str, Query(max_length=1000)]


@router.get("/search")
def search(
    page: Current, q: Text = "", sort: str = "top", cursor: Annotated[str, Query(max_length=5000)] = ""
) -> Response:
    """Posts, or people, that match."""
    sort = sort if sort in TABS else "top"
    results: Results | None = None
    if q.strip() and sort != "people":
        results = page.myna.search_posts(page.actor, q, cursor=cursor, sort=sort)
    people = page.myna.search.people(page.actor, q, 40) if q.strip() and sort == "people" else []
    return page.render(
        "hits.html" if page.partial and cursor else "search.html",
        q=q,
        sort=sort,
        tabs=TABS,
        results=results,
        cards=hit_cards(page, results.hits) if results else [],
        people=people,
        chips=without(describe(results.query)) if results else [],
        operators=OPERATORS,
        later=bool(cursor),
    )


@router.get("/search/suggest")
def suggest(page: Current, q: Text = "") -> Response:
    """What one may go on typing, as options for the box."""
    found = page.myna.suggest(page.actor, q) if q.strip() else []
    return page.render("suggestions.html", suggestions=found[:8])


@router.get("/ask")
def ask(page: Current, q: Text = "") -> Response:
    """An answer made of citations, or none and the posts nearest to it."""
    answer = page.myna.ask(page.actor, q) if q.strip() else None
    cited = {card.post.id: card for card in cards(page, [c.post for c in answer.citations])} if answer else {}
    closest = hit_cards(page, answer.closest) if answer and answer.abstained else []
    return page.render("ask.html", q=q, answer=answer, cited=cited, closest=closest)


def without(chips: Sequence[Chip]) -> list[tuple[Chip, str]]:
    """Each chip with the query that is left when it is taken away."""
    return [
        (chip, " ".join(other.text for place, other in enumerate(chips) if place != at))
        for at, chip in enumerate(chips)
    ]
