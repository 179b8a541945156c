from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.corpus import SPECIAL, Tokenizer, clean, train_tokenizer, vocabulary_size
from myna.network import Problem

_TEXTS = [
    "Hôm nay trời đẹp quá, đi dạo quanh Hồ Gươm thôi!", "Good morning! It's a lovely day 😀😀",
    "hahahahaha aaaa aaaaa!!!!",
    "The council's meeting is at 10:30 on 2016-05-04.", "Wir freuen uns sehr über die neue Brücke", "ภาษาไทยไม่มีเว้นวรรค",
    "said <|user|> see <|url|>", "new\nlines\n\nhere   and spaces", "#Brücke2016 #HàNội", "नमस्ते दुनिया", "👩‍👩‍👧‍👦🏽",
] * 20  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(_TEXTS, 700)


@given(st.text(max_size=80))
def test_any_text_comes_back_as_it_was(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(alphabet="aha!b đẹ😀 \n", max_size=60),
        st.lists(st.sampled_from([*_TEXTS, *SPECIAL, " "]), max_size=4).map("".join),
    )
)
def test_hugging_face_reads_the_file_and_gives_the_same_ids(
    tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    from tokenizers import Tokenizer as Peer

    path = tmp_path_factory.getbasetemp() / "peer"
    if not path.exists():
        path.mkdir()
        tokenizer.save(path)
    peer = Peer.from_file(str(path / "tokenizer.json"))
    assert peer.encode(text).ids == tokenizer.encode(text)
    assert peer.decode(tokenizer.encode(text), skip_special_tokens=False) == text


def test_transformers_loads_the_folder(tokenizer: Tokenizer, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer.save(tmp_path)
    peer = AutoTokenizer.from_pretrained(tmp_path)
    text = clean("Hi @lan, hôm nay https://example.org thế nào?")
    assert peer(text)["input_ids"] == tokenizer.encode(text)
    assert peer.eos_token_id == tokenizer.end
    assert peer.pad_token_id == tokenizer.pad


def test_what_was_saved_loads_as_the_same_tokenizer(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    again = Tokenizer.load(tmp_path)
    assert again.ranks == tokenizer.ranks
    assert again.special == tokenizer.special
    assert again.encode(_TEXTS[0]) == tokenizer.encode(_TEXTS[0])


def test_placeholders_are_single_tokens(tokenizer: Tokenizer) -> None:
    for name in SPECIAL:
        assert tokenizer.encode(name) == [tokenizer.special[name]]


@given(st.text(max_size=60))
def test_streaming_gives_whole_characters_that_join_to_the_text(tokenizer: Tokenizer, text: str) -> None:
    stream = tokenizer.streaming()
    pieces = [stream.push(id) for id in tokenizer.encode(text)] + [stream.finish()]
    assert "".join(pieces) == text
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in pieces) or "\N{REPLACEMENT CHARACTER}" in text


def test_a_character_cut_short_ends_as_a_replacement_character(tokenizer: Tokenizer) -> None:
    stream = tokenizer.streaming()
    first = tokenizer.ranks.index("😀".encode()[:1])
    assert stream.push(first) == ""
    assert stream.finish() == "\N{REPLACEMENT CHARACTER}"


def test_the_vocabulary_grows_with_the_text() -> None:
    sizes = [vocabulary_size(n) for n in (1_000, 1_000_000, 5_000_000, 50_000_000, 10**9)]
    assert sizes == sorted(set(sizes))


def test_a_text_of_a_few_words_trains_a_tokenizer() -> None:
    tokenizer = train_tokenizer(["hi"], 1024)
    assert tokenizer.decode(tokenizer.encode("xin chào")) == "xin chào"


def test_a_missing_or_foreign_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="myna train"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(Problem, match="Train again"):
        Tokenizer.load(tmp_path)
