from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from myna.corpus import (
    QUOTE,
    SPECIAL,
    Corpus,
    Document,
    Tokenizer,
    controls_of,
    gather,
    informality,
    kept,
    lang_token,
    readable,
    register_of,
    train_tokenizer,
    vocabulary_of,
    write_corpus,
)
from myna.network import Post

_DAY = 86_400_000


def _posts(count: int, authors: int = 4) -> list[Post]:
    """Author 0 is terse and informal, the others are not; every fifth post of each is liked much more."""
    posts = []
    for n in range(count):
        who = n % authors
        # No two alike, or they would be taken for one.
        words = " ".join("".join(map(str, row)) for row in np.random.default_rng(n).choice(list("aeiknorst"), (20, 5)))
        text = f"hey {words[:30]}!!" if who == 0 else f"This is the report on {words}."
        likes = 1000 if n // authors % 5 == 4 else 10 + n % 3
        posts.append(Post(f"x:{n}", f"x:p{who}", n * _DAY, text, "de" if who < 2 else "en-GB", like_count=likes))
    return posts


def _named(documents: list[Document], kind: str) -> dict[str, str]:
    """The control of a kind by post, where its document has it."""
    return {
        document.passages[-1].post_id: name
        for document in documents
        for name in document.controls
        if f"<|{kind}:" in name
    }


def test_controls_tell_the_language_the_authors_style_and_how_a_post_did_for_its_author() -> None:
    posts = _posts(800)
    found, edges = controls_of(posts, [post.text for post in posts], [post.lang for post in posts])
    assert len(found) == len(posts)
    assert len(edges) == 3
    names = {post.id: controls for post, controls in zip(posts, found, strict=True)}
    for n, post in enumerate(posts):
        for name in names[post.id]:
            if name.startswith("<|lang:"):
                assert name == ("<|lang:de|>" if n % 4 < 2 else "<|lang:en|>")
            if name.startswith("<|register:"):
                assert (name == "<|register:3|>") is (n % 4 == 0)
            if name.startswith("<|reaction:"):
                assert (name in ("<|reaction:3|>", "<|reaction:4|>")) >= (n // 4 % 5 == 4)
    early = [name for post in posts[:20] for name in names[post.id]]
    assert not any("register" in name or "reaction" in name for name in early), "nobody has a style after a few posts"
    assert not any("reaction" in name for name in names[posts[-1].id]), "reactions to the newest are still to come"


def test_a_source_that_tells_no_counts_has_no_reactions() -> None:
    posts = [replace(post, like_count=0) for post in _posts(400)]
    assert not _named(gather(posts).documents, "reaction")
    assert _named(gather(_posts(400)).documents, "reaction")


def test_each_control_is_left_out_of_half_of_the_documents_and_a_quarter_or_more_has_none() -> None:
    names = ("<|lang:de|>", "<|register:1|>", "<|reaction:4|>")
    drawn = [kept(f"x:{n}", names) for n in range(8000)]
    for name in names:
        assert 0.47 < np.mean([name in controls for controls in drawn]) < 0.53
    assert 0.24 < np.mean([not controls for controls in drawn]) < 0.32
    assert drawn == [kept(f"x:{n}", names) for n in range(8000)], "the same posts make the same corpus"


def test_signs_of_an_informal_style_are_counted() -> None:
    assert informality("lol that is great!!") == 3
    assert informality("so good 🎉") == 4
    assert informality(f"The minister has answered the question of {'the honourable member of ' * 3}this house.") == 0
    assert register_of(["lol!! yes"] * 5, (0.5, 1.0, 2.0)) == 3
    assert register_of(["lol!! yes"] * 4, (0.5, 1.0, 2.0)) is None


def test_regions_of_a_language_share_a_control_and_an_unsure_one_has_none() -> None:
    assert lang_token("pt-BR") == lang_token("PT_pt") == "<|lang:pt|>"
    assert lang_token("und") == lang_token("") == lang_token("|>") == ""


def test_at_most_sixteen_languages_have_a_control_those_most_written_and_none_of_a_few_documents() -> None:
    letters = "abcdefghijklmnopqrst"
    controls = [(lang_token(f"x{letter}"),) for place, letter in enumerate(letters) for _ in range(20 + place)]
    names = vocabulary_of([*controls, *[("<|reaction:2|>",)] * 20, *[("<|register:0|>",)] * 19])
    assert names == (*(lang_token(f"x{letter}") for letter in letters[:3:-1]), "<|reaction:2|>")


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    posts = [
        *_posts(400),
        Post("x:r", "x:p9", 350 * _DAY + 1, "What do you mean by that, dear minister?", "en", "x:350"),
    ]
    gathered = gather(posts)
    texts = [p.text for d in gathered.documents for p in d.passages]
    controls = vocabulary_of(document.controls for document in gathered.documents)
    return write_corpus(gathered, train_tokenizer(texts, 500, controls=controls), tmp_path)


def test_controls_stand_after_the_end_token_are_not_learned_and_belong_to_no_passage(corpus: Corpus) -> None:
    tokenizer, tokens, learn = corpus.tokenizer, np.asarray(corpus.tokens), np.asarray(corpus.learn)
    there = np.isin(tokens, list(tokenizer.controls.values()))
    assert there.sum() > 100
    assert not learn[there].any()
    before = np.roll(tokens, 1)[there]
    assert np.isin(before, [tokenizer.end, *tokenizer.controls.values()]).all()
    for _, text, _ in corpus.said(0, corpus.description.documents):
        assert "<|" not in text
    assert "".join(text for _, text, _ in corpus.said(0, 1)).startswith(("hey", "This"))
    assert len(corpus.description.registers) == 3


def test_held_out_documents_have_no_controls_so_that_measures_compare(corpus: Corpus) -> None:
    border = int(corpus.documents[corpus.train_documents])
    assert not np.isin(corpus.tokens[border:], list(corpus.tokenizer.controls.values())).any()


def test_deleting_a_post_overwrites_what_its_controls_tell_of_it_and_no_others(corpus: Corpus) -> None:
    ids = list(corpus.tokenizer.controls.values())
    before = np.array(corpus.tokens)
    starts = np.asarray(corpus.documents)
    controlled = [n for n in range(corpus.train_documents) if before[starts[n] + 1] in ids]
    last = {
        int(np.searchsorted(starts, row["offset"], side="right")) - 1: row for row in corpus.posts.iter_rows(named=True)
    }
    gone = last[controlled[3]]["post_id"]
    assert corpus.drop([gone]) >= 1
    after = np.array(corpus.tokens)
    begin, end = starts[controlled[3]], starts[controlled[3] + 1]
    assert (after[begin + 1 : end] == corpus.pad).all()
    assert after[begin] == corpus.end
    changed = np.flatnonzero(before != after)
    assert ((changed > begin) & (changed < end)).all()


def test_deleting_a_threads_earlier_post_leaves_what_tells_of_its_last(corpus: Corpus) -> None:
    row = corpus.posts.filter(corpus.posts["post_id"] == "x:350").row(0, named=True)
    document = int(np.searchsorted(corpus.documents, row["offset"], side="right")) - 1
    begin = int(corpus.documents[document])
    before = np.array(corpus.tokens[begin : row["offset"]])
    corpus.drop(["x:350"])
    assert (np.asarray(corpus.tokens[begin : row["offset"]]) == before).all()


def test_a_tokenizer_keeps_its_controls_and_one_of_before_loads_without(tmp_path: Path) -> None:
    texts = ["good morning to all of you", "guten Morgen euch allen"]
    with_them, without = (
        train_tokenizer(texts, 300, controls=names) for names in (("<|lang:de|>", "<|reaction:4|>"), ())
    )
    for tokenizer in (with_them, without):
        tokenizer.save(tmp_path)
        again = Tokenizer.load(tmp_path)
        assert again.controls == tokenizer.controls
        assert list(again.special)[: len(SPECIAL) + 1] == [*SPECIAL, QUOTE]
        assert again.encode(texts[1]) == tokenizer.encode(texts[1])
    assert list(with_them.controls) == ["<|lang:de|>", "<|reaction:4|>"]
    assert without.controls == {}
    assert without.never == (without.pad,)


def test_nobody_is_shown_a_controls_name() -> None:
    assert readable("<|lang:de|>Guten Tag <|user|>") == "Guten Tag @user"


def test_a_tokenizer_without_a_documents_control_writes_it_without(tmp_path: Path) -> None:
    gathered = gather(_posts(100))
    assert any(document.controls for document in gathered.documents)
    texts = [p.text for d in gathered.documents for p in d.passages]
    corpus = write_corpus(gathered, train_tokenizer(texts, 400), tmp_path)
    assert corpus.description.tokens == len(corpus.documents) - 1 + int(corpus.posts["length"].sum())
