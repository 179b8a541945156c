"""Post text as HTML: nothing of it can become markup, and nothing of it is lost."""

import html
import re
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from small_site import HOSTILE

from myna.web.text import marked, merged, to_html

_TAG = re.compile(r"</?(?:a|mark)(?: [^<>]*)?>")
_LINK = re.compile(
    r'<a href="(?:https?://[^"<>]*" rel="nofollow noopener noreferrer ugc"|/@[^"<>]*"|/search\?q=%23[^"<>]*")>'
)
PIECES = [
    "https://a.b/c?d=1&e=2",
    "@lan",
    "#tag",
    "<script>",
    '"',
    "'",
    "&amp;",
    " ",
    "\n",
    ").",
    "é",
    "x" * 60,
    *HOSTILE,
]
texts = st.text() | st.lists(st.sampled_from(PIECES)).map("".join)


@given(texts, st.lists(st.tuples(st.integers(-5, 80), st.integers(-5, 80)), max_size=4))
@example("(see https://en.example/wiki/A_(b)).", [(5, 9)])
def test_html_without_its_tags_is_the_text_again(text: str, spans: list[tuple[int, int]]) -> None:
    found = str(to_html(text, [*spans, (0, 1)]))  # with a mark, addresses are not shortened
    assert html.unescape(_TAG.sub("", found)) == text


@given(texts)
@example(HOSTILE[0])
@example(HOSTILE[1])
@example(HOSTILE[2])
def test_only_our_own_tags_come_out(text: str) -> None:
    found = str(to_html(text))
    for tag in re.findall(r"<[^>]*>?", found):
        assert tag in ("</a>", "<mark>", "</mark>") or _LINK.fullmatch(tag), tag


def test_addresses_handles_and_tags_are_links() -> None:
    found = str(to_html("Hi @lan, see https://example.org/a?b=1&c=2. #garden #2026 mail a@b.org"))
    assert '<a href="/@lan">@lan</a>, see' in found
    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="nofollow noopener noreferrer ugc">' in found
    assert found.count("<a ") == 3, "a number is no tag, an e-mail address no handle"
    assert "</a>. <a" in found, "the full stop is not part of the address"


def test_other_schemes_are_no_links() -> None:
    assert "<a" not in to_html("javascript:alert(1) data:text/html,x ftp://a.b vbscript:x")


def test_a_long_address_is_shown_short_and_leads_to_all_of_it() -> None:
    address = "https://example.org/" + "a" * 100
    found = str(to_html(address))
    assert f'href="{address}"' in found
    assert "…</a>" in found


@given(st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50))), st.integers(0, 40))
def test_merged_spans_are_in_order_apart_and_inside(spans: list[tuple[int, int]], length: int) -> None:
    found = merged(spans, length)
    assert all(0 <= start < end <= length for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    covered = {at for start, end in spans for at in range(max(start, 0), min(end, length))}
    assert {at for start, end in found for at in range(start, end)} == covered


def test_marks_are_put_where_the_spans_are() -> None:
    assert marked("you <idiot>", [(4, 11)]) == "you <mark>&lt;idiot&gt;</mark>"
    assert to_html("see #garden now", [(2, 8)]) == (
        'se<mark>e </mark><a href="/search?q=%23garden"><mark>#gar</mark>den</a> now'
    )
