"""Each filter has a case that it drops and one that it keeps; sources find what they are for."""

from typing import Any

import numpy as np
import pytest

from myna.feed.asking import ask
from myna.feed.candidates import Candidates, Query
from myna.feed.pipeline import FOR_YOU, collect, sift
from myna.feed.types import Request
from myna.network import Action, ActionKind, Edge, EdgeKind, Person, Post, now_ms

House = Any  # the one of conftest.py
HOUR = 3_600_000

TEXT = "words that are long enough to be compared"


@pytest.fixture
def query(house: House) -> Query:
    now = now_ms()

    def post(id: str, author: str, ago: int = 1, **more: object) -> Post:
        fields = {"lang": "en"} | more
        return Post(f"home:{id}", f"home:{author}", now - ago * HOUR, str(fields.pop("text", f"{TEXT} {id}")), **fields)  # type: ignore[arg-type]

    def edge(person: str, other: str, kind: EdgeKind) -> Edge:
        return Edge(f"home:{person}", f"home:{other}", kind, now - 90 * HOUR)

    house.add(
        *(Person(f"home:{name}", name, lang="en") for name in ("me", "friend", "foe", "enemy", "loud", "far", "twin")),
        edge("me", "friend", EdgeKind.FOLLOW),
        edge("me", "loud", EdgeKind.FOLLOW),
        edge("me", "foe", EdgeKind.BLOCK),
        edge("enemy", "me", EdgeKind.BLOCK),
        edge("me", "loud", EdgeKind.MUTE),
        post("good", "friend"),
        post("far", "far"),
        post("mine", "me"),
        post("foe", "foe"),
        post("enemy", "enemy"),
        post("loud", "loud"),
        post("seen", "friend"),
        post("less", "friend"),
        post("german", "far", lang="de"),
        post("german-friend", "friend", lang="de"),
        post("copy", "far", text=f"{TEXT} good"),
        post("stray", "far", reply_to="home:foe"),
        post("talk", "friend", reply_to="home:good"),
        post("to-me", "friend", reply_to="home:mine"),
        post("tail", "twin", 2),
        # A thousand newer posts, so that an old one is too old.
        *(post(f"many{n}", "far", 5 + n // 50) for n in range(1000)),
        *(post(f"daily{n}", "far", 24 * n) for n in range(2, 60)),
        post("old", "friend", 24 * 60),
        Action("home:a1", "home:me", "home:seen", ActionKind.SEEN, now),
        Action("home:a2", "home:me", "home:less", ActionKind.SHOW_LESS, now),
        # Somebody of like taste: liked what I liked, and one more.
        Action("home:a3", "home:me", "home:many1", ActionKind.LIKE, now - HOUR),
        Action("home:a4", "home:twin", "home:many1", ActionKind.LIKE, now - HOUR),
        Action("home:a5", "home:twin", "home:many999", ActionKind.LIKE, now - HOUR),
    )
    found = house.interests.evidence("home:me", now)
    return ask(
        Request("home:me", now, shown=frozenset({"home:tail"})), house.interests.activity, house.interests.known, found
    )


DROPS = {
    "own": ("mine", "good"),
    "blocked": ("foe", "far"),
    "blocked_by": ("enemy", "far"),
    "muted": ("loud", "good"),
    "seen": ("seen", "good"),
    "shown": ("tail", "good"),
    "shown_less": ("less", "good"),
    "too_old": ("old", "many999"),
    "other_language": ("german", "german-friend"),
    "stray_reply": ("stray", "talk"),
    "duplicate": ("copy", "good"),
    "direct": ("", "good"),
    "deleted": ("", "good"),
    "closed": ("", "good"),
}


def rows(query: Query, *ids: str) -> Candidates:
    found = np.array([query.activity.post_ids.row(f"home:{id}") for id in ids])
    return Candidates(found, np.ones((len(found), len(FOR_YOU.sources)), np.float32), np.full(len(found), -1))


@pytest.mark.parametrize("stage", FOR_YOU.filters, ids=lambda stage: stage.name)
def test_a_filter_drops_what_it_is_for_and_keeps_the_rest(query: Query, stage: object) -> None:
    dropped, kept = DROPS[stage.name]  # type: ignore[attr-defined]
    assert stage.keep(query, rows(query, kept)).tolist() == [True]  # type: ignore[attr-defined]
    if not dropped:
        column = {"direct": "direct", "deleted": "held", "closed": "alive"}[stage.name]  # type: ignore[attr-defined]
        flags = query.activity.posts[column]
        flags[query.activity.post_ids.row("home:far")] = column == "direct"
        dropped = "far"
    assert stage.keep(query, rows(query, "good", dropped)).tolist() == [True, False]  # type: ignore[attr-defined]


def test_a_self_thread_and_an_answer_to_me_are_no_stray_replies(query: Query) -> None:
    stage = next(stage for stage in FOR_YOU.filters if stage.name == "stray_reply")
    assert stage.keep(query, rows(query, "talk", "to-me")).all()


def test_sources_find_what_they_are_for(query: Query) -> None:
    names = query.activity.post_ids.ids
    found = {
        source.name: {names[row].removeprefix("home:") for row in source.find(query)[0].tolist()}
        for source, _ in FOR_YOU.sources
    }
    assert {"good", "talk"} <= found["in_network"] and "far" not in found["in_network"]
    assert "many999" in found["similar_taste"]
    assert "many1" in found["trending"]
    assert "far" in found["newest"]


def test_what_several_sources_find_stands_once_with_the_measure_of_each(query: Query) -> None:
    candidates = collect(query)
    assert len(set(candidates.rows.tolist())) == len(candidates)
    both = candidates.rows.tolist().index(query.activity.post_ids.row("home:many999"))
    assert (candidates.found[both] > 0).sum() >= 2


def test_what_the_filters_dropped_is_kept_by_name(query: Query) -> None:
    left, dropped = sift(query, collect(query), FOR_YOU.filters)
    assert {"own", "blocked", "muted", "seen"} <= set(dropped)
    assert not set(left.rows.tolist()) & {int(row) for some in dropped.values() for row in some}
