import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.corpus import SPECIAL, clean, has_words, readable


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Hi @lan_ng and @minh@example.social!", "Hi <|user|> and <|user|>!"),
        ("by @joe.bsky.social.", "by <|user|>."),
        ("see https://t.co/AbC1, now", "see <|url|>, now"),
        ("(www.example.org/a?b=c)", "(<|url|>)"),
        ("write to a.b+c@mail.example.com", "write to <|email|>"),
        ("call (202) 225-4965 today", "call <|phone|> today"),
        ("gọi +84 24 3825 2068 nhé", "gọi <|phone|> nhé"),
        ("call 0901234567", "call <|phone|>"),
    ],
)
def test_what_names_or_reaches_a_person_becomes_one_token(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    "text",
    ["2015-2016", "on 12.10.2016 at 10:30", "2016-05-04", "costs 1 000 000 dong", "$1,250,000", "HR 1234 and S. 567",
     "Tôi YÊU Hà Nội 😀👍🏽", "two\nlines", "5 out of 10, 100%", "a @ b", "C++ & Rust", "ไทย ภาษา"],
)  # fmt: skip
def test_dates_amounts_case_emoji_and_line_breaks_stay_as_written(text: str) -> None:
    assert clean(text) == text


def test_a_post_cannot_spell_a_special_token() -> None:
    for name in SPECIAL:
        assert name not in clean(f"x {name} y")
        assert name not in clean(f"x <\x00{name[1:]} y")


def test_posts_of_placeholders_only_have_no_words() -> None:
    assert not has_words(clean("@a @b https://example.org"))
    assert has_words(clean("@a 👍"))


def test_generated_placeholders_are_shown_as_words() -> None:
    assert readable("<|user|> see <|url|>") == "@user see [link]"


@given(st.text(max_size=300))
def test_cleaning_never_fails_and_leaves_no_ends_of_space(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == cleaned.strip()
    assert "\r" not in cleaned


@given(st.from_regex(r"[A-Za-z]{1,8}( [A-Za-z]{1,8}){0,5}", fullmatch=True))
def test_plain_words_come_through_unchanged(text: str) -> None:
    assert clean(text) == text
