from myna.corpus import train_tokenizer, vocabulary_size
from myna.corpus.phrases import with_phrases

_BYTES = [bytes([byte]) for byte in range(256)]


def test_what_is_said_often_becomes_one_token_across_its_spaces_and_what_is_said_seldom_does_not() -> None:
    ranks = with_phrases(_BYTES, ["good to see"] * 100 + ["rarely heard"] * 5, 400)
    assert b"good to see" in ranks
    assert b"rarely" not in ranks
    assert len(set(ranks)) == len(ranks) < 400


def test_a_phrase_ends_with_its_line_and_has_five_words_at_most() -> None:
    ranks = with_phrases(_BYTES, ["one two three four five six seven\nnew line here"] * 100, 1000)
    assert all(b"\n" not in token[:-1] for token in ranks[256:])
    assert 1 < max(token.count(b" ") for token in ranks) <= 4


def test_no_phrase_reaches_across_a_placeholder() -> None:
    tokenizer = train_tokenizer(["thanks <|user|> for that"] * 200, 400)
    assert tokenizer.decode(tokenizer.encode("thanks <|user|> for that")) == "thanks <|user|> for that"
    assert len(tokenizer.encode("thanks <|user|> for that")) == 3
    assert not any(b"user" in token for token in tokenizer.ranks)


def test_many_languages_get_more_tokens() -> None:
    assert vocabulary_size(5_000_000, {"en": 1000, "de": 3}) == vocabulary_size(5_000_000)
    assert vocabulary_size(5_000_000, dict.fromkeys("abcdef", 100)) == 4 * vocabulary_size(5_000_000)
