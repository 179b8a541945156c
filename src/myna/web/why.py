"""Why: the reasons of a decision, and the decision computed again."""

import hashlib
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from myna.decisions import Replay
from myna.i18n import N_
from myna.network import NotFound, Problem, Purpose
from myna.people.types import Reason
from myna.web.render import Current, Page, PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False, prefix="/why")

KINDS = {
    "feed": N_("A feed was put together"),
    "search": N_("A search was answered"),
    "answer": N_("A question was answered"),
    "auction": N_("A place for an ad was auctioned"),
    "generate": N_("The language model wrote a text"),
    "draft": N_("A draft was looked at"),
    "access": N_("An access was allowed or refused"),
    "train": N_("A model was trained"),
    "consent": N_("A yes or no was kept"),
    "deletion": N_("Something was deleted"),
    "import": N_("Posts were brought in"),
}

_OWN = frozenset({"feed", "search", "answer", "generate", "draft"})
"""Kinds whose input is the person's own to see; an auction's holds what others bid, which is the operator's."""


@router.get("/{id}")
def why(page: Current, id: str) -> Response:
    """A decision's reasons: for whom it was about, and for the operator."""
    return _show(page, id)


@router.post("/{id}/replay")
def replay(page: Current, id: str) -> Response:
    """Computes it again and says whether the same bytes came out."""
    _permitted(page, id)
    try:
        return _show(page, id, page.myna.replay(id))
    except Problem as problem:
        return _show(page, id, problem=problem)


def _show(page: Page, id: str, again: Replay | None = None, problem: Problem | None = None) -> Response:
    found = _permitted(page, id)
    reasons = [reason for reason in map(_reason, found["reasons"]) if reason]
    tables = _tables(found["output"])
    if page.may_oversee or found["kind"] in _OWN:
        tables += _tables(page.myna.log.get(id).input)
    ids = {id for reason in reasons for id in reason.evidence[:5]}
    ids |= {
        str(row[column])
        for table in tables
        for column in ("post", "post_id", "id")
        for row in table[2]
        if column in row
    }
    texts = {post.id: post.text[:90] for post in page.myna.reader.posts(page.actor, Purpose.READ, ids).values()}
    return page.render(
        "why.html",
        decision=found,
        kind=KINDS.get(found["kind"]),
        reasons=reasons,
        tables=tables,
        texts=texts,
        facts={name: value for name, value in found["output"].items() if isinstance(value, str | int | float | bool)},
        replay=again,
        problem=problem,
        digest=hashlib.sha256(again.again).hexdigest()[:16] if again else "",
    )


def _permitted(page: Page, id: str) -> dict[str, Any]:
    found = page.myna.why(id)
    if page.may_oversee or (page.viewer is not None and found["actor"] == page.viewer.id):
        return found
    page.me  # noqa: B018  raises SignInNeeded
    raise NotFound(f"There is no decision {id!r} about you.")


def _reason(written: Any) -> Reason | None:
    if not isinstance(written, dict) or "text" not in written:
        return None
    values = {name: str(value) for name, value in written.get("values", {}).items()}
    return Reason(str(written["text"]), values, tuple(written.get("evidence", ())))


def _tables(output: dict[str, Any]) -> list[tuple[str, list[str], list[dict[str, Any]]]]:
    """What of an output is a list of records, as (name, columns, rows): the candidates, the bids."""
    tables = []
    for name, value in output.items():
        if name == "reasons" or not isinstance(value, list) or not value or not isinstance(value[0], dict):
            continue
        columns = [column for column, cell in value[0].items() if not isinstance(cell, list | dict)]
        tables.append((name, columns, value[:100]))
    return tables
