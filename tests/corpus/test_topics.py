from collections.abc import Sequence

import numpy as np

from myna.corpus import clean, controls_of, find_topics, topics_of
from myna.network import Post

_WORDS = [f"{a}{b}{c}" for a in ("ba", "ke", "li", "mo") for b in ("ra", "te", "su") for c in ("n", "k", "l", "m", "s")]


def _posts(texts: Sequence[str], authors: int = 60, lang: str = "qa") -> tuple[list[Post], list[str], list[str]]:
    """Posts by these authors in turn."""
    posts = [Post(f"home:{n}", f"home:p{n % authors}", n + 1, text, lang) for n, text in enumerate(texts)]
    return posts, [clean(text) for text in texts], [lang] * len(texts)


def _strewn(count: int, seed: int = 0, width: int = 8) -> list[str]:
    """Texts of words that everybody uses alike, each in some 13 % of the posts."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(_WORDS, width)) for _ in range(count)]


def test_a_hashtag_becomes_a_topic_only_when_twenty_people_have_used_it() -> None:
    texts = _strewn(1200)
    for n in range(1200):
        if n < 20:
            texts[n] += " #Trams"
        if n % 60 < 19:
            # By far more often, and by nineteen people.
            texts[n] += " #boats"
    assert find_topics(*_posts(texts)) == {"trams": 20}


def test_words_that_come_in_clusters_are_topics_and_words_strewn_over_all_posts_are_not() -> None:
    texts = _strewn(6000, width=3)
    for n in range(6000):
        if n % 60 < 24 and n % 3 == n // 60 % 3:
            texts[n] += " harbour" if n // 60 % 4 == 0 else ""
        # As often, and by everybody; not more than a stop word may be.
        texts[n] += " although" if n % 29 == 3 else ""
    found = find_topics(*_posts(texts))
    assert set(found) == {"harbour"} and 20 <= found["harbour"] <= 24


def test_a_word_of_few_people_is_no_topic_however_often_they_use_it() -> None:
    texts = _strewn(6000, width=3)
    for n in range(6000):
        texts[n] += " sourdough" if n % 60 < 19 and n // 60 % 10 == 0 else ""
    assert find_topics(*_posts(texts)) == {}


def test_every_language_has_its_share_and_scripts_without_spaces_have_their_hashtags() -> None:
    posts, texts, languages = [], [], []
    for place, (lang, word) in enumerate((("qa", "harbour"), ("vi", "đường"), ("hi", "बंदरगाह"))):
        own = _strewn(2000, place, 3)
        own = [f"{text} {word}" if n % 60 < 24 and n // 60 % 10 == 0 else text for n, text in enumerate(own)]
        some = _posts(own, lang=lang)
        posts += [Post(f"home:{lang}{n}", f"home:{lang}{n % 60}", 1, post.text, lang) for n, post in enumerate(some[0])]
        texts, languages = texts + some[1], languages + some[2]
    thai = [f"รถไฟมาแล้ว{n} #รถไฟ" if n % 3 == 0 else f"รถไฟมาแล้ว{n}" for n in range(600)]
    some = _posts(thai, lang="th")
    posts += [Post(f"home:th{n}", f"home:th{n % 60}", 1, post.text, "th") for n, post in enumerate(some[0])]
    found = find_topics(posts, texts + some[1], languages + some[2])
    assert set(found) == {"harbour", "đường", "बंदरगाह", "รถไฟ"}


def test_a_text_is_of_the_rarest_of_its_topics_and_placeholders_are_no_words() -> None:
    topics = {"trams": 200, "harbour": 30, "user": 25}
    texts = ["#Trams at the Harbour", "many TRAMS", "tramsway harbours", clean("@lan said so"), ""]
    assert topics_of(texts, topics) == ["harbour", "trams", "", "", ""]
    assert topics_of(texts, {}) == [""] * 5


def test_a_topic_stands_before_half_of_its_documents_and_before_no_others() -> None:
    texts = [text + (" #trams" if n % 4 == 0 else "") for n, text in enumerate(_strewn(4000))]
    found, _ = controls_of(*_posts(texts, 61))
    told = ["<|topic:trams|>" in names for names in found]
    assert not any(there for n, there in enumerate(told) if n % 4)
    assert 0.45 < np.mean(told[::4]) < 0.55


def test_a_hashtag_or_word_that_is_everywhere_tells_nothing_and_is_no_topic() -> None:
    texts = [f"{text} #network ok#{n}" for n, text in enumerate(_strewn(1200))]
    assert find_topics(*_posts(texts)) == {}
    assert find_topics([], [], []) == {}
