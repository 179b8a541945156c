from myna.corpus import repeats

_LONG = "The committee met on Tuesday to talk about the new bridge over the river and its price for the town"


def test_the_later_of_two_equal_texts_is_an_exact_repeat_whatever_case_and_spacing() -> None:
    exact, near = repeats(["Good  morning, town!", "hello", "good morning town"])
    assert exact.tolist() == [False, False, True]
    assert not near.any()


def test_a_text_changed_in_one_word_is_a_near_duplicate_and_another_text_is_not() -> None:
    other = "Nobody has yet explained why the harvest was so poor in the southern valleys during the past summer"
    exact, near = repeats([_LONG, other, _LONG.replace("Tuesday", "Tuesdays"), other[::-1]])
    assert not exact.any()
    assert near.tolist() == [False, False, True, False]


def test_short_texts_are_compared_exactly_only() -> None:
    exact, near = repeats(["Good luck all", "Good luck al", "👍", "👍", "👎"])
    assert exact.tolist() == [False, False, False, True, False]
    assert not near.any()


def test_no_texts_have_no_repeats() -> None:
    exact, near = repeats([])
    assert len(exact) == len(near) == 0
