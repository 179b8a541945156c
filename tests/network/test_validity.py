import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.network import Action, ActionKind, Consent, Deletion, Edge, EdgeKind, Fact, Person, Post, Purpose, invalid
from myna.network.validity import LATEST, LONGEST_TEXT

GOOD: list[Fact] = [
    Post("x:1", "x:2", 0, ""),
    Post("x:1", "x:2", -5, "ünïcödé \U0001f426", "de", "x:3", mentions=("x:4",), urls=("https://a.example",)),
    Person("x:1", "a"),
    Edge("x:1", "x:2", EdgeKind.BLOCK, 1),
    Action("x:1", "x:2", "x:3", ActionKind.DWELL, 1, 3.5),
    Consent("*", Purpose.TRAIN, True, "operator", 1),
    Deletion("x:1", "person", 1),
]
BAD: list[tuple[Fact, str]] = [
    (Post("1", "x:2", 0, ""), "post id"),
    (Post(":1", "x:2", 0, ""), "post id"),
    (Post("x:", "x:2", 0, ""), "post id"),
    (Post("x:1\n", "x:2", 0, ""), "post id"),
    (Post("x:" + "1" * 500, "x:2", 0, ""), "post id"),
    (Post("x:1", "", 0, ""), "author id"),
    (Post("x:1", "x:2", LATEST + 1, ""), "time"),
    (Post("x:1", "x:2", 0, "a\x00"), "NUL"),
    (Post("x:1", "x:2", 0, "\ud800"), "Unicode"),
    (Post("x:1", "x:2", 0, "a" * (LONGEST_TEXT + 1)), "too long"),
    (Post("x:1", "x:2", 0, "", reply_to="9"), "reference"),
    (Post("x:1", "x:2", 0, "", like_count=-1), "count"),
    (Post("x:1", "x:2", 0, "", urls=("a\nb",)), "link or mention"),
    (Post("x:1", "x:2", 0, "", mentions=("",)), "link or mention"),
    (Person("x:1", ""), "handle"),
    (Person("x:1", "a", follower_count=2**63), "count"),
    (Edge("x:1", "x:1", EdgeKind.FOLLOW, 1), "themself"),
    (Action("x:1", "x:2", "x:3", ActionKind.DWELL, 1, float("nan")), "finite"),
    (Action("x:1", "x:2", "x:3", ActionKind.DWELL, 1, float("inf")), "finite"),
    (Consent("a\x00", Purpose.READ, True, "operator", 1), "NUL"),
    (Deletion("x:1", "thread", 1), "neither"),
]


@pytest.mark.parametrize("fact", GOOD)
def test_a_fact_as_it_should_be_is_valid(fact: Fact) -> None:
    assert invalid(fact) is None


@pytest.mark.parametrize(("fact", "reason"), BAD)
def test_what_cannot_be_kept_is_refused_for_its_reason(fact: Fact, reason: str) -> None:
    assert reason in (invalid(fact) or "")


@given(st.text(), st.text(), st.integers(), st.text())
def test_no_post_makes_the_rule_itself_fail(id: str, author: str, at: int, text: str) -> None:
    reason = invalid(Post(id, author, at, text))
    assert reason is None or len(reason) < 60
