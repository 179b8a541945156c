"""Words of any language."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from myna.people.words import words


def test_links_and_mentions_are_no_words_and_tags_are_kept_whole() -> None:
    assert words("Goal! @lan see https://example.org/a?b=1 and #WorldCup www.x.org") == [
        "goal",
        "see",
        "and",
        "#worldcup",
    ]


def test_vietnamese_gives_syllables_and_their_pairs() -> None:
    assert words("Trận bóng đá, hôm nay", "vi") == "trận|bóng|trận bóng|đá|bóng đá|hôm|đá hôm|nay|hôm nay".split("|")


def test_scripts_without_spaces_give_pairs_of_characters() -> None:
    assert words("東京タワー") == ["東京", "京タ", "タワ", "ワー"]
    assert words("ฟุตบอล")[:2] == ["ฟุ", "ุต"]


def test_the_form_of_the_accents_makes_no_difference() -> None:
    text = "Phở bò ở Hà Nội ngon quá"
    assert words(unicodedata.normalize("NFD", text), "vi") == words(unicodedata.normalize("NFC", text), "vi")


@given(st.text(max_size=300), st.sampled_from(["", "en", "vi", "ja"]))
def test_any_text_gives_words_that_are_lower_case_and_not_empty(text: str, lang: str) -> None:
    for word in words(text, lang):
        assert word.strip() and "\n" not in word and not word.startswith("http")
