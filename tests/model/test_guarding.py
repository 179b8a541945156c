import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.corpus import train_tokenizer
from myna.model.guarding import RARE, RUN, SHARED_BY, SURE, Guarded, find_guarded, letters_of
from myna.network import Problem

_OWN = "My grandmother hid the letters from the war under the third step of the cellar stairs."
_COMMON = "Wishing all of you a very happy new year from everybody here at the library!"


def _found() -> Guarded:
    """Of one author's words, none of them rare, and of some that many share."""
    common = [f"{word}. {_COMMON}" for word in ("Snow", "Rain", "Sun")[:SHARED_BY]]
    return find_guarded([*[_OWN] * SHARED_BY, *common, "so short"], [0] * SHARED_BY + [1, 2, 3, 4])


@pytest.mark.parametrize(
    "same",
    [
        _OWN.upper(),
        _OWN.replace(" ", ""),
        " ".join(_OWN),
        _OWN.replace("e", "é"),
        unicodedata.normalize("NFD", _OWN.replace("e", "é")),
        "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in _OWN),
        _OWN.replace(" ", " <|user|> "),
        f"She said: {_OWN[20:70]}",
    ],
    ids=["case", "no spaces", "spaces", "accents", "decomposed", "full width", "placeholders", "a part"],
)
def test_the_same_words_in_another_form_are_the_same_run(same: str) -> None:
    assert _found().holds(same)


def test_other_words_are_not_guarded() -> None:
    found = _found()
    assert not found.holds("My grandfather sold a boat to the war museum under the second bridge of the old town.")
    assert not found.holds(_OWN[: RUN - 5]), "shorter than a run"


def test_what_three_authors_wrote_is_common_language() -> None:
    found = _found()
    assert not found.holds(_COMMON)
    assert find_guarded([_COMMON] * 4, [0, 1, 0, 1]).holds(_COMMON), "two are not enough"


def test_one_author_does_not_make_a_run_common_by_repeating_it() -> None:
    assert find_guarded([_OWN] * 5, [0] * 5).holds(_OWN)


def test_no_run_reaches_from_one_post_into_another() -> None:
    halves = [_OWN[:20], _OWN[20:40]]
    assert len(find_guarded(halves * 3, [0, 1] * 3).hashes) == 0
    assert not find_guarded(["zq7kwx", "pf93mv"], [0, 1]).holds("zq7kwx pf93mv")


def test_what_is_rare_all_through_is_guarded_alone_and_by_half_the_letters() -> None:
    posts = [f"{word}, the door opens with {key}" for word, key in (("So", "zq7k-wxpf-93mv"), ("Oh", "b4n8-tt2h-hgc6"))]
    found = find_guarded([*posts, *["The door opens with a key."] * SHARED_BY], range(2 + SHARED_BY))
    assert found.holds("My code? Zq7k wxpf 93mv.")
    assert found.allowed("My code? ", "Zq7k wxpf 93mv.") == len("Zq7k wxpf 93m")
    assert not found.holds("My code? Zq7k wxpf 93."), f"fewer than {RARE} letters"
    assert not found.holds("It opens with a code, zq7k."), "half of it are words that many use"


_TEXTS = st.text(st.sampled_from("abcdeé ,.-ĐđßÄ漢字かなЖжไทยहिन्दी한국어😀"), min_size=30, max_size=200)


@given(_TEXTS, st.integers(0, 200))
def test_any_31_letters_of_a_post_are_found_again(text: str, place: int) -> None:
    letters = letters_of(text)
    if len(letters) < SURE:
        return
    # Where a character counts as several letters, a part that begins within one is still a part.
    at = place % (len(letters) - SURE + 1)
    found = find_guarded([text] * SHARED_BY, [0] * SHARED_BY)
    assert found.completes("", letters[at : at + SURE])


@given(_TEXTS, st.integers(0, 200))
def test_letters_are_the_same_wherever_a_text_is_cut(text: str, place: int) -> None:
    at = place % (len(text) + 1)
    assert letters_of(text) == letters_of(text[:at]) + letters_of(text[at:])


@given(_TEXTS, st.lists(st.integers(0, 200), max_size=30))
def test_tokens_are_blocked_as_soon_as_their_text_would_be(text: str, places: list[int]) -> None:
    """However a text is cut into tokens, also within a character."""
    guarded = find_guarded([text] * SHARED_BY, [0] * SHARED_BY)
    row = f"So: {text}".encode()
    cuts = sorted({0, len(row), *(place % (len(row) + 1) for place in places)})
    pieces = [row[begin:end] for begin, end in pairwise(cuts)]
    blocks = guarded.tokens(pieces.__getitem__)
    blocked = [blocks(range(id), id) for id in range(len(pieces))]
    assert any(blocked) == guarded.holds(f"So: {text}")
    if any(blocked):
        before = b"".join(pieces[: blocked.index(True)]).decode(errors="ignore")
        assert not guarded.holds(before), "no token before it completed one"


def test_a_token_without_letters_is_never_blocked_and_the_prompt_counts() -> None:
    guarded = _found()
    tokenizer = train_tokenizer([_OWN, _COMMON] * 3, 400)
    ids = [tokenizer.end, *tokenizer.encode(_OWN)]
    blocks = guarded.tokens(tokenizer.bytes_of)
    blocked = [place for place in range(1, len(ids)) if blocks(ids[:place], ids[place])]
    assert blocked
    assert not blocks(ids[: blocked[0]], tokenizer.end)
    assert not blocks(ids[: blocked[0]], tokenizer.reply)
    assert not blocks([], ids[blocked[0]]), "without what stands before it, it is no run"


def test_a_text_from_elsewhere_is_cut_before_the_run_is_complete() -> None:
    guarded = _found()
    assert guarded.allowed("", "A word of my own.") == len("A word of my own.")
    allowed = guarded.allowed("Once again: ", _OWN)
    assert RUN <= len(letters_of(_OWN[: allowed + 1])) <= SURE
    assert not guarded.holds(_OWN[:allowed]) and guarded.holds(_OWN[: allowed + 1])
    assert guarded.allowed(_OWN, " And so on.") == len(" And so on."), "what was asked is not held against the answer"


def test_ideographs_count_for_more_than_a_letter() -> None:
    post = "我祖母把战争时期的信藏在地窖的第三级台阶下面"
    found = find_guarded([post] * SHARED_BY, [0] * SHARED_BY)
    assert found.holds(post[3:14])
    assert not found.holds(post[:7])


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    found = _found()
    found.save(tmp_path)
    again = Guarded.load(tmp_path)
    assert np.array_equal(again.hashes, found.hashes)
    assert again.holds(_OWN)
    with pytest.raises(Problem, match="myna train"):
        Guarded.load(tmp_path / "none")


def test_a_letter_takes_a_byte() -> None:
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnop"))
    texts = ["".join(random.choice(letters, 200)) for _ in range(200)]
    assert len(find_guarded(texts * 3, [*range(200)] * 3).hashes) < 0.26 * 200 * 200


@given(_TEXTS, _TEXTS, st.integers(1, 32))
def test_few_letters_and_many_are_held_against_the_same_runs(text: str, other: str, few: int) -> None:
    found = find_guarded([text], [0])
    letters = letters_of(other + text)
    pieces = [letters[begin : begin + few] for begin in range(0, len(letters), few)]
    one_by_one = any(found.completes(letters[: n * few], piece) for n, piece in enumerate(pieces))
    assert one_by_one == found.completes("", letters)
