"""What Myna answers with: feeds, search, answers, suggestions. Each carries the id of its decision."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from myna.api.asking import ANYBODY, Asker, KnownAsker, Network, acting
from myna.api.native.fields import Body, Cursor, For, Limit
from myna.feed.types import Feed, Mode
from myna.network import Purpose
from myna.search.types import Answer, Results

router = APIRouter(tags=["reading"])

Words = Annotated[str, Query(max_length=1000, description="What to look for: words, phrases, operators.")]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What one may go on typing, the likeliest first."""

    suggestions: list[str]


class Question(Body):
    """A question in plain words."""

    question: Annotated[str, Field(min_length=1, max_length=1000)]


@router.get("/feed")
def feed(
    myna: Network,
    actor: KnownAsker,
    whom: For = "",
    mode: Mode = Mode.FOR_YOU,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Feed:
    """A page of a person's own feed, each post with its reasons, ads in their places."""
    return myna.feed(acting(myna, actor, whom, Purpose.RECOMMEND), mode, limit, cursor)


@router.get("/search", openapi_extra=ANYBODY)
def search(
    myna: Network,
    actor: Asker,
    q: Words,
    limit: Limit = 20,
    cursor: Cursor = "",
    sort: Literal["top", "latest"] = "top",
) -> Results:
    """Posts that match a query and that this asker may find."""
    return myna.search_posts(actor, q, limit, cursor, sort)


@router.get("/suggest", openapi_extra=ANYBODY)
def suggest(myna: Network, actor: Asker, q: Words) -> Suggestions:
    """What one may go on typing after these letters."""
    return Suggestions(myna.suggest(actor, q))


@router.post("/ask", openapi_extra=ANYBODY)
def ask(myna: Network, actor: Asker, body: Question) -> Answer:
    """An answer made of words that people here wrote, each with its post; or none, with the closest posts."""
    return myna.ask(actor, body.question)
