from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.drafts.signals import SIGNALS, luhn, merged, read


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Good morning, what a lovely day", set()),
        ("You are an idiot", {"attack", "insult"}),
        ("@bo what an idiot", {"attack", "insult"}),
        ("This film is stupid", {"insult"}),
        ("Sao mày ngu thế", {"attack", "insult"}),
        ("Tôi buồn ngủ", set()),  # sleepy, not stupid: marks make the word
        ("Du bist ein Trottel", {"attack", "insult"}),
        ("Eres un imbécil", {"attack", "insult"}),
        ("I will find you", {"threat"}),
        ("THIS IS NOT ACCEPTABLE AT ALL", {"shouting"}),
        ("NATO and the EU met in Paris", set()),
        ("What???", {"exclaimed"}),
        ("call me +49 170 1234567", {"phone"}),
        ("gọi số 0912 345 678 nhé", {"phone"}),
        ("born 1984-10-12, sold 1.250.000 copies", set()),
        ("mail lan@example.org", {"email"}),
        ("my card is 4111 1111 1111 1111", {"card"}),
        ("my card is 4111 1111 1111 1112", set()),
        ("I live at 12 Main Street", {"address"}),
        ("Ich wohne in der Bergstraße 12", {"address"}),
        ("nhà số 12 đường Láng", {"address"}),
        ("the wifi password is hunter22", {"secret"}),
        ("see https://example.org/idiot/0912345678?mail=a@b.org", set()),
    ],
)
def test_a_signal_is_seen_where_it_is_and_only_there(text: str, names: set[str]) -> None:
    assert set(read(text).values) == names


@given(st.text(max_size=200))
def test_any_text_is_read_and_every_span_lies_in_it(text: str) -> None:
    reading = read(text)
    assert set(reading.values) <= {signal.name for signal in SIGNALS}
    assert all(0 < value <= 3 for value in reading.values.values())
    for spans in reading.spans.values():
        assert all(0 <= start < end <= len(text) for start, end in spans)


@given(st.text(alphabet="!?@.-+0 1Aai:/", max_size=3000))
def test_no_text_makes_reading_slow_or_fail(text: str) -> None:
    read(text * 5)


def test_a_long_text_full_of_insults_is_read_in_one_pass() -> None:
    short, long = read("you idiot, " * 50), read("you idiot, " * 9000)
    assert long.values == short.values and len(long.spans["attack"]) == 9000


def test_the_span_is_where_the_words_are() -> None:
    text = "Listen: you are an idiot, call 0912 345 678"
    reading = read(text)
    assert [text[a:b] for a, b in reading.spans["attack"]] == ["idiot"]
    assert [text[a:b] for a, b in reading.spans["phone"]] == ["0912 345 678"]


@given(st.integers(0, 10**15))
def test_one_wrong_digit_is_always_noticed(number: int) -> None:
    digits = f"{number:015d}"
    check = next(str(c) for c in range(10) if luhn(digits + str(c)) or len(set(digits + str(c))) == 1)
    for place in range(15):
        wrong = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :] + check
        if luhn(digits + check):
            assert not luhn(wrong)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)).map(lambda p: (p[0], p[0] + p[1])), max_size=12))
def test_merged_spans_cover_the_same_places_once(spans: list[tuple[int, int]]) -> None:
    found = merged(spans)
    assert {n for a, b in spans for n in range(a, b)} == {n for a, b in found for n in range(a, b)}
    assert all(one[1] < two[0] for one, two in pairwise(found))
