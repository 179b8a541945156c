"""Markup to text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.sources.html import plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain &amp; simple", "plain & simple"),
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<p>x<script>alert(1)</script><style>p{}</style>y</p>", "xy"),
        ('<a href="https://e.org/x">this page</a>', "this page https://e.org/x"),
        ('<a href="https://e.org/tags/b" class="mention hashtag">#<span>b</span></a>', "#b"),
        ('<a href="javascript:alert(1)">click</a>', "click"),
        ('<p class="quote-inline">RE: <a href="https://e.org/1">e.org/1</a></p><p>mine</p>', "mine"),
        ("1 < 2 <b>bold</b> <!-- gone --> & more", "1 < 2 bold & more"),
        ("<p", "<p"),
        ('<a href="https://e.org', '<a href="https://e.org'),
    ],
)
def test_markup_becomes_the_text_a_reader_sees(html: str, text: str) -> None:
    assert plain(html)[0] == text


@given(st.text(alphabet="<>/=\"'& apbrscitylehf;!-\n", max_size=80))
def test_no_markup_breaks_it(html: str) -> None:
    text, urls = plain(html)
    assert isinstance(text, str) and isinstance(urls, tuple)


def test_many_open_tags_take_no_longer_than_their_length() -> None:
    assert plain("<" * 100_000)[0] == "<" * 100_000
    assert plain("<a href=" * 20_000)[0]
    assert plain('<a b="' * 20_000)[0]
