"""Search and Ask."""

from typing import Annotated

from fastapi import APIRouter, Query
from markupsafe import Markup
from starlette.responses import Response

from myna.i18n import N_
from myna.search.types import Query as Understood
from myna.search.types import Results
from myna.web.cards import cards, hit_cards
from myna.web.directory import find_people
from myna.web.render import Current, PageRoute
from myna.web.words import Words

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
    people = find_people(page.myna, q, 40) if q.strip() and sort == "people" else []
    return page.render(
        "hits.html" if page.partial and cursor else "search.html",
        q=q,
        sort=sort,
        tabs=TABS,
        results=results,
        cards=hit_cards(page, results.hits) if results else [],
        people=people,
        chips=chips(results.query, page.words) if results else [],
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


def chips(query: Understood, words: Words) -> list[Markup]:
    """The query as it was understood, a few words for each part."""
    say = words.say
    return [
        *(say(N_("word: {word}"), word=word) for word in query.words),
        *(say(N_("phrase: {phrase}"), phrase=" ".join(phrase)) for phrase in query.phrases),
        *(say(N_("any of: {words}"), words=", ".join(group)) for group in query.alternatives),
        *(say(N_("without: {word}"), word=word) for word in query.without),
        *(say(N_("by @{handle}"), handle=handle) for handle in query.authors),
        *(say(N_("not by @{handle}"), handle=handle) for handle in query.without_authors),
        *(say(N_("to @{handle}"), handle=handle) for handle in query.to),
        *(say(N_("mentions @{handle}"), handle=handle) for handle in query.mentions),
        *(say(N_("language: {lang}"), lang=lang) for lang in query.langs),
        *([say(N_("from {day} on"), day=words.day(query.since))] if query.since is not None else []),
        *([say(N_("before {day}"), day=words.day(query.until))] if query.until is not None else []),
        *(say(N_("has: {what}"), what=what) for what in sorted(query.has)),
        *(say(N_("is: {what}"), what=what) for what in sorted(query.is_)),
        *(say(N_("has no: {what}"), what=what) for what in sorted(query.without_has)),
        *(say(N_("is no: {what}"), what=what) for what in sorted(query.without_is)),
        *([say(N_("at least {n} likes"), n=query.min_likes)] if query.min_likes else []),
        *(say(N_("links to: {url}"), url=url) for url in query.urls),
    ]
