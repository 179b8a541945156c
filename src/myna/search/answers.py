"""Answers made of citations only: the spans of posts that answer a question, or an honest no.

Notable choices:
- Nothing is written, everything is quoted: a citation is a span of a post, so it cannot be wrong about what was said,
  and instructions hidden in posts have nothing to instruct.
- A span is scored by how much of the question it covers (weighted by how rare the words are) and whether it holds what
  the question asks for: a number after "how many", a date after "when". Covering less than a threshold is no answer.
- Spans that say the same are folded, and those chosen differ from each other: maximal marginal relevance
  (Carbonell and Goldstein 1998).
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from myna.search.analyzer import Term, analyze
from myna.search.ranking import root
from myna.search.stopwords import STOPWORDS

ENOUGH = 0.6
"""The least score of an answer. On TweetQA some 70 to 76 in 100 questions whose tweet is there score above it, and 35
to 41 in 100 of those whose tweet was taken out, by the sample; benchmarks/search.py measures both."""
_MOST = 5
_ALIKE = 0.8
"""Spans with this much in common say the same."""
_DIVERSITY = 0.3
_CUT = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=\S)|(?<=[。！？])|\n+")
_LONGEST = 400
_SHORT = 200
"""Characters up to which a post is cited whole: its sentences explain each other, and half of one is no answer."""

_ASKING = re.compile(r"[^.!?…。！？\n]*[?？]")
"""A span that begins with a question."""

_KINDS = {
    "number": r"^\W*(how (many|much|old|long|far|tall|often)|what (percentage|number|age))\b|bao nhiêu|\bmấy\b",
    "time": r"^\W*(when|what (time|day|date|year|month))\b|khi nào|bao giờ|lúc nào|ngày nào|năm nào",
    "person": r"^\W*(who|whom|whose)\b|\bai\b|người nào",
    "place": r"^\W*(where|(in|at|from) (what|which) (city|country|place|state))\b|ở đâu|nơi nào|chỗ nào",
}
_ASKS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS.items())
_NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million|billion|half|"
    r"một|hai|ba|bốn|năm|sáu|bảy|tám|chín|mười|trăm|nghìn|ngàn|triệu|tỷ)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(\d{1,2}[:h]\d{2}|\d{1,2} ?(am|pm|giờ)|(19|20)\d\d|\d{1,2}[/-]\d{1,2}|today|tonight|tomorrow|yesterday|morning|"
    r"evening|afternoon|week|month|year|jan\w*|feb\w*|mar(ch)?|apr\w*|may|june?|july?|aug\w*|sep\w*|oct\w*|nov\w*|"
    r"dec\w*|(mon|tues|wednes|thurs|fri|satur|sun)day|hôm nay|hôm qua|ngày mai|sáng|chiều|tối|tuần|tháng|năm|ngày)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"@\w|(?<=[\w,;:] )[A-ZĐÀ-Ỹ][\w’'-]+|[A-ZĐÀ-Ỹ][\w’'-]+ [A-ZĐÀ-Ỹ]")
_PLACE = re.compile(r"\b(in|at|from|to|near|ở|tại|đến|từ) (the )?[A-ZĐÀ-Ỹ]")


@dataclass(frozen=True, slots=True)
class Span:
    """A span of a post with its score: text[start:end] of the post `id`."""

    id: str
    start: int
    end: int
    score: float


def content(question: str) -> list[str]:
    """The words of a question that carry its subject, as terms; all of them if none do."""
    words = list(dict.fromkeys(term.text for term in analyze(question) if not term.also))
    return [word for word in words if word not in STOPWORDS] or words


def asks_for(question: str) -> str:
    """`number`, `time`, `person` or `place`; "" for anything else."""
    return next((kind for kind, pattern in _ASKS if pattern.search(question)), "")


def sentences(text: str) -> list[tuple[int, int]]:
    """The spans of the sentences of a text, without the white space around them; short texts are one."""
    cuts = [0, *(match.end() for match in _CUT.finditer(text)), len(text)]
    found: list[tuple[int, int]] = []
    for start, end in itertools.pairwise(cuts):
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = min(end - len(piece) + len(piece.rstrip()), left + _LONGEST)
        if right > left:
            if found and (right - left < 25 or found[-1][1] - found[-1][0] < 25):
                # "Yes." alone answers nothing: it goes with its neighbour.
                found[-1] = (found[-1][0], right)
            else:
                found.append((left, right))
    return found


def _quotable(text: str) -> list[tuple[int, int]]:
    """The spans that may be cited: a short post whole, else each sentence and each with the next."""
    found = sentences(text)
    if found and len(text) <= _SHORT:
        return [(found[0][0], found[-1][1])]
    return found + [(one[0], two[1]) for one, two in itertools.pairwise(found)]


def rarity(count: int, documents: int) -> float:
    """The weight of a word that occurs in `count` of `documents` posts: BM25's inverse document frequency."""
    return math.log(1 + (max(documents, count) - count + 0.5) / (count + 0.5))


def spans(
    question: str, idf: Mapping[str, float], texts: Mapping[str, str], retrieved: Mapping[str, float]
) -> list[tuple[Span, frozenset[str]]]:
    """The best span of each text with its terms, best first.

    idf: of each content word of the question. texts: post id -> text, in the order retrieved. retrieved: post id -> its
    retrieval score divided by the best, 0 to 1.
    """
    kind = asks_for(question)
    total = sum(idf.values()) or 1.0
    found: list[tuple[Span, frozenset[str]]] = []
    for id, text in texts.items():
        terms = analyze(text)
        whole = _covered(terms, idf) / total
        best: tuple[Span, frozenset[str]] | None = None
        for start, end in _quotable(text):
            inside = [term for term in terms if start <= term.start and term.end <= end]
            near = _covered(inside, idf) / total
            # A sentence answers together with its post: the name may stand in the sentence before.
            cover = 0.5 * near + 0.5 * whole
            wanted = _holds(kind, text[start:end]) if kind else True
            score = cover * (1.0 if wanted else 0.75) * (0.7 + 0.3 * retrieved.get(id, 0.0))
            if _ASKING.match(text[start:end]):
                score *= 0.7  # holds every word of the question, because somebody else asked it too
            if best is None or score > best[0].score:
                own = frozenset(root(t.text) for t in inside if not t.also and t.text not in STOPWORDS)
                best = Span(id, start, end, round(score, 6)), own
        if best is not None:
            found.append(best)
    return sorted(found, key=lambda pair: -pair[0].score)


def similarity(terms: Sequence[frozenset[str]]) -> list[list[float]]:
    """How much each span has in common with each: the overlap of the terms, 0 to 1."""
    return [
        [round(len(one & two) / max(1, min(len(one), len(two))), 4) if one and two else 0.0 for two in terms]
        for one in terms
    ]


def choose(scores: Sequence[float], alike: Sequence[Sequence[float]], enough: float = ENOUGH) -> list[int]:
    """Which spans to cite, best first: at most five above the threshold that do not say the same; [] to abstain."""
    chosen: list[int] = []
    left = [place for place, score in enumerate(scores) if score >= enough and score >= 0.6 * max(scores)]
    while left and len(chosen) < _MOST:

        def worth(place: int) -> tuple[float, int]:
            near = max((alike[place][other] for other in chosen), default=0.0)
            return (1 - _DIVERSITY) * scores[place] - _DIVERSITY * near, -place

        best = max(left, key=worth)
        chosen.append(best)
        left = [place for place in left if place != best and alike[place][best] < _ALIKE]
    return chosen


def _covered(terms: Sequence[Term], idf: Mapping[str, float]) -> float:
    roots = {root(term.text) for term in terms} | {term.text for term in terms}
    return sum(weight for word, weight in idf.items() if word in roots or root(word) in roots)


def _holds(kind: str, text: str) -> bool:
    patterns = {"number": _NUMBER, "time": _TIME, "person": _NAME, "place": _PLACE}
    return bool(patterns[kind].search(text))
