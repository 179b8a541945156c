"""Tokenisation in many languages: what finds what, and where it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.search.analyzer import LONGEST_TERM, Unit, analyze, fields, units
from myna.search.ranking import highlights, places, root

CASES = [
    # (a post, a query, whether it finds it)
    ("Climate change is here", "CLIMATE", True),
    ("Climate change is here", "change climate", True),
    ("The strasse", "Straße", True),
    ("Öffnungszeiten der Bäckerei", "backerei", True),
    ("café crème", "cafe creme", True),
    ("cafe creme", "café", True),
    ("l'homme qu'il aime", "homme", True),
    ("Trump's tweet", "trump", True),
    ("I don’t know", "don't", True),
    ("I don't know", "dont", True),
    ("Bệnh viện Đà Nẵng", "benh vien", True),
    ("Bệnh viện Đà Nẵng", "đà nẵng", True),
    ("Bệnh viện Đà Nẵng", "da nang", True),
    ("benh vien da nang", "bệnh viện", True),
    ("Hà Nội mùa thu", "ha noi", True),
    ("Hà Nội mùa thu", "hanoi", False),
    ("東京都に住んでいる", "東京", True),
    ("東京都に住んでいる", "住んで", True),
    ("東京都に住んでいる", "大阪", False),
    ("熱力学の本", "熱力学", True),
    ("熱い力の学校", "熱力学", False),
    ("北京大学今天开学", "北京大学", True),
    ("北京大学今天开学", "学", True),
    ("ｱﾊﾟｰﾄを探す", "アパート", True),
    ("カタカナ", "カタ", True),
    ("한국어 검색 엔진", "한국어", True),
    ("한국어 검색 엔진", "검색", True),
    ("서울에서 만나요", "서울", True),
    ("서울에서 만나요", "부산", False),
    ("ภาษาไทยไม่มีช่องว่าง", "ภาษาไทย", True),
    ("ภาษาไทยไม่มีช่องว่าง", "อังกฤษ", False),
    ("ភាសាខ្មែរ", "ខ្មែរ", True),
    ("Это ёлка", "елка", True),
    ("московский край", "краи", False),
    ("الكِتَاب الجديد", "الكتاب", True),
    ("שָׁלוֹם", "שלום", True),
    ("हिन्दी में लिखो", "हिन्दी", True),
    ("Ελλάδα", "ελλαδα", True),
    ("İstanbul'da hava", "istanbul", False),
    ("I love it 😀", "😀", True),
    ("I love it 😀", "😂", False),
    ("good 👍🏽", "👍", True),
    ("family 👨‍👩‍👧", "👩", True),
    ("family 👨‍👩‍👧", "👨‍👩‍👧", True),
    ("go 🇻🇳", "🇻🇳", True),
    ("love ❤️", "❤", True),
    ("#ClimateChange now", "#climatechange", True),
    ("#ClimateChange now", "climate", True),
    ("#ClimateChange now", "climatechange", True),
    ("climate change now", "#climatechange", False),
    ("#東京 に行く", "#東京", True),
    ("#東京 に行く", "東京", True),
    ("＃ｆｕｌｌ width", "#full", True),
    ("#covid_19 wave", "#covid_19", True),
    ("hello @lan_anh", "@lan_anh", True),
    ("hello @lan_anh", "@lan", False),
    ("hello @lan@example.social", "@lan", True),
    ("mail lan@example.org please", "@example", False),
    ("read https://www.bbc.co.uk/news/world", "bbc.co.uk", True),
    ("read https://www.bbc.co.uk/news/world", "bbc", True),
    ("read https://www.bbc.co.uk/news/world", "https://bbc.co.uk/news/world", True),
    ("read https://www.bbc.co.uk/news/world", "cnn.com", False),
    ("see example.org/about for more", "example.org", True),
    ("I write C++ daily", "C++", True),
    ("I write C daily", "C++", False),
    ("I write C# daily", "c#", True),
    ("the U.S.A. team", "USA", True),
    ("the USA team", "U.S.A.", True),
    ("covid_19 cases", "covid-19", True),
    ("COVID-19 cases", "covid19", True),
    ("covid19 cases", "COVID-19", True),
    ("COVID-19 cases", "covid", True),
    ("buy $AAPL now", "$aapl", True),
    ("buy $AAPL now", "aapl", True),
    ("it costs 1,000 euros", "1000", True),
    ("version 3.14 is out", "3.14", True),
    ("version 3.14 is out", "3.15", False),
    ("state-of-the-art", "state of the art", True),
    ("decomposed e\u0301cole", "école", True),
    ("Ｆｕｌｌｗｉｄｔｈ text", "fullwidth", True),
    ("ﬁne ligature", "fine", True),
    ("the cats were running", "cat", True),
    ("universities of Hue", "university", True),
]


def finds(post: str, query: str) -> bool:
    """Whether a post holds every unit of a query, as the index would decide."""
    terms = analyze(post)
    words = [term.text for term in terms if not term.also]
    roots = {root(word) for word in words}
    also = {term.text for term in terms if term.also}

    def holds(unit: Unit) -> bool:
        if unit.sequence and any(True for _ in places(unit.sequence, words)):
            return True
        if len(unit.sequence) == 1 and unit.also and root(unit.sequence[0]) in roots:
            return True
        return any(term in also or term in words for term in unit.also)

    asked = units(query)
    return bool(asked) and all(holds(unit) for unit in asked)


@pytest.mark.parametrize(("post", "query", "expected"), CASES)
def test_a_query_finds_what_it_should_and_nothing_else(post: str, query: str, expected: bool) -> None:
    assert finds(post, query) is expected


def test_a_word_with_marks_is_kept_both_ways() -> None:
    assert [(t.text, t.also) for t in analyze("Bệnh")] == [("benh", False), ("bệnh", True)]
    assert units("bệnh")[0].marked == "bệnh"
    assert units("benh")[0].marked == ""


def test_highlights_are_exact_in_the_raw_text() -> None:
    text = "Ở Đà Nẵng: COVID-19, #ClimateChange và 東京都!"
    marked = lambda query: [text[a:b] for a, b in highlights(analyze(text), units(query))]  # noqa: E731
    assert marked("da nang") == ["Đà", "Nẵng"]
    assert marked("covid19") == ["COVID-19"]
    assert marked("climate") == ["Climate"]
    assert marked("#climatechange") == ["#ClimateChange"]
    assert marked("東京都") == ["東京都"]
    assert marked("京都") == ["京都"]


@given(st.text(max_size=300))
def test_every_term_has_an_exact_span_and_no_space(text: str) -> None:
    for term in analyze(text):
        assert 0 <= term.start < term.end <= len(text)
        assert term.text and not any(letter.isspace() for letter in term.text)
        assert len(term.text) <= LONGEST_TERM + 1
    starts = [term.start for term in analyze(text) if not term.also]
    assert starts == sorted(starts)


@given(st.text(alphabet="aéđ京ไ한#@.-_'’:/ \u0301\ufe0f👍🏽\u200d1", max_size=60))
def test_what_is_written_is_found_by_the_same_words(text: str) -> None:
    sequence, also = fields(text)
    assert sequence.split(" ") == [t.text for t in analyze(text) if not t.also] or not sequence
    if units(text):
        assert finds(text, text)
    assert len(also.split()) == sum(t.also for t in analyze(text))
