import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from myna.drafts.ngrams import BUCKETS, composed, counted, ngrams

texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=6)


@given(texts)
def test_a_text_has_the_same_ngrams_in_a_batch_as_alone(batch: list[str]) -> None:
    together = counted(batch)
    assert together.shape == (len(batch), BUCKETS)
    for row, text in enumerate(batch):
        alone = counted([text])
        assert np.array_equal(together[row].toarray(), alone.toarray())


@given(texts)
def test_every_ngram_lies_in_its_text(batch: list[str]) -> None:
    owners, buckets, starts, ends = ngrams(batch)
    lengths = np.array([len(unicodedata.normalize("NFC", text)) for text in batch])
    assert ((buckets >= 0) & (buckets < BUCKETS)).all()
    assert ((starts >= 0) & (starts <= ends) & (ends <= lengths[owners] + 1)).all()


def test_case_composition_handles_and_links_do_not_matter() -> None:
    same = ["Đúng RỒI @lan https://a.example", unicodedata.normalize("NFD", "đúng rồi @bob https://b.example")]
    rows = counted(same).toarray()
    assert np.array_equal(rows[0], rows[1])


def test_different_words_have_different_ngrams() -> None:
    words = [f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(676)]
    last = [buckets[-1] for buckets in (ngrams([word])[1] for word in words)]
    assert len(set(last)) > 670


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_places_of_composed_text_point_into_the_text(text: str) -> None:
    whole, places = composed(text)
    assert whole == unicodedata.normalize("NFC", text)
    assert len(places) == len(whole) + 1 and places == sorted(places) and places[-1] == len(text)
