"""The query language: what is understood, and that nothing is an error."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from myna.search import describe, parse
from myna.search.query import OPERATORS


def ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


def test_words_are_all_wanted_and_or_makes_a_choice() -> None:
    assert parse("cats dogs").words == ("cats", "dogs")
    query = parse('food (cats OR dogs OR "guinea pigs")')
    assert query.words == ("food",)
    assert query.alternatives == (("cats", "dogs", '"guinea pigs"'),)


def test_phrases_and_minus() -> None:
    query = parse('"exact words" -spam -"bad words" — -(a b)')
    assert query.phrases == (("exact", "words"),)
    assert query.without == ("spam", "a", "b")
    assert query.without_phrases == (("bad", "words"),)


def test_people_operators() -> None:
    query = parse("from:Lan -from:bob to:@carol @dave -@eve")
    assert (query.authors, query.without_authors, query.to) == (("lan",), ("bob",), ("carol",))
    assert (query.mentions, query.without_mentions) == (("dave",), ("eve",))


def test_dates_of_both_dialects() -> None:
    assert parse("since:2024-02-03 until:2024-03-01").since == ms(2024, 2, 3)
    assert parse("since:2024-02-03 until:2024-03-01").until == ms(2024, 3, 1)
    assert parse("after:2024-02-03").since == ms(2024, 2, 4)
    assert parse("before:2024-02").until == ms(2024, 2, 1)
    during = parse("during:2024")
    assert (during.since, during.until) == (ms(2024, 1, 1), ms(2025, 1, 1))
    assert parse("since:2024-02-03_10:20:30_UTC").since == ms(2024, 2, 3, 10, 20, 30)


def test_kinds_media_language_and_likes() -> None:
    query = parse(
        "has:media filter:links is:reply -is:quote exclude:retweets lang:vi -language:en min_faves:5 min_likes:3"
    )
    assert query.has == {"media", "links"}
    assert query.is_ == {"reply"}
    assert query.without_is == {"quote", "repost"}
    assert query.langs == ("vi",) and query.without_langs == ("en",)
    assert query.min_likes == 5


def test_a_malformed_operator_is_a_word() -> None:
    for text in ("since:soon", "until:2024-13-45", "min_likes:many", "is:happy", "has:", "from:", "lang:?", "a:b"):
        assert parse(text).words == (text,), text


def test_tags_and_addresses_are_words() -> None:
    assert parse("#tag $AAPL https://x.org/a").words == ("#tag", "$AAPL", "https://x.org/a")


def test_every_offered_operator_is_understood() -> None:
    for operator in OPERATORS:
        value = {"from:": "lan", "to:": "lan", "lang:": "vi", "url:": "x.org", "min_likes:": "3"}.get(operator, "2024")
        text = operator + (value if operator.endswith(":") else "")
        assert not parse(text).words, text


PIECES = st.sampled_from(
    ["a", "OR", "AND", "(", ")", "-", '"', "“", "from:", "from:lan", "since:", "since:2024-99", "until:0000", "#", "@",
     "@x", "-@", "min_likes:", "min_likes:9999999999999999", "is:", "has:media", "lang:x", ":", "::", "url:", "東京",
     "\x00", "😀", "-(", "--", "during:9999-12-31", "after:9999", "+", "+a"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=25).map(" ".join), st.lists(PIECES).map("".join)))
def test_no_text_is_an_error(text: str) -> None:
    query = parse(text)
    for chip in describe(query):
        assert chip.message.format(value=chip.value)


@given(st.lists(PIECES, max_size=12).map(" ".join))
def test_a_query_shown_back_is_the_same_query(text: str) -> None:
    once = parse(" ".join(chip.text for chip in describe(parse(text))))
    again = parse(" ".join(chip.text for chip in describe(once)))
    assert describe(once) == describe(again)
