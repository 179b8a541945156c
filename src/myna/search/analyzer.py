"""Text to terms: the one analyzer, for posts and for queries, in every language.

Notable choices:
- The raw text is cut by one regular expression and each piece is normalised by itself (NFKC, case folding, accents
  folded), so that every term keeps its exact span in the raw text and highlights need no second tokenizer.
- Two kinds of term. The *sequence* is what one reads, in order, and carries phrases. The *also* terms are other
  spellings at the same place: #tags and @handles whole, hosts, `covid19` for COVID-19, the word with its marks on.
- Scripts written without spaces become overlapping pairs of characters: no dictionary, no configuration.
  Single characters are among the *also* terms, so that one character can be searched.
- Accents are folded in Latin and Greek, and vowel points in Hebrew and Arabic; a Thai vowel or a Japanese voicing
  mark stays.
"""

import itertools
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

LONGEST_TERM = 64
"""Characters; what is longer is cut, the same way in posts and queries."""


class Term(NamedTuple):
    """A term and where it stands: text[start:end]. also: another spelling, not part of the sequence."""

    text: str
    start: int
    end: int
    also: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of a query, which a post holds if it has the sequence as a phrase, or any of the also terms.

    sequence: one word, the pairs of a run of characters, the parts of `covid_19`; empty for a #tag or @handle, which
    are found whole. marked: the word with its marks on, to prefer posts that wrote it so; "" where it has none.
    """

    sequence: tuple[str, ...]
    also: tuple[str, ...] = ()
    marked: str = ""


def _ranges(wanted: str) -> str:
    """The characters of some Unicode categories, as the inside of a character class."""
    spans: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in wanted.split():
            if spans and spans[-1][1] == code - 1:
                spans[-1][1] = code
            else:
                spans.append([code, code])
    return "".join(f"{chr(a)}-{chr(b)}" if b > a else chr(a) for a, b in spans)


_MARKS = _ranges("Mn Mc")
_PAIRED = (
    "\u3005-\u3007\u3040-\u309f\u30a0-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"  # Hangul
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ecd\u1000-\u103f\u1780-\u17d3"  # Thai, Lao, Burmese, Khmer
)
_EMOJI = "\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u25aa-\u27bf\u2934-\u2b55\u3030\u303d\u3297\u3299"
_EMOJI += "\U0001f000-\U0001f1e5\U0001f200-\U0001faff"
_WORD = rf"(?:[^\W_{_PAIRED}][{_MARKS}\u200c\u200d]*)"
_NAME = rf"(?:[\w{_MARKS}])"
_HANDLE = r"[A-Za-z0-9_](?:[\w.-]*\w)?(?:@[\w-]+(?:\.[\w-]+)+)?"

_PIECES = re.compile(
    rf"""
    (?P<plain>(?<!\S)[A-Za-z]{{2,}}(?=[.,!?;:]*(?:\s|$)))
    | (?P<url>https?://[^\s<>"“”]+|www\.[^\s<>"“”]+)
    | (?P<tag>(?<![\w&/])[#＃](?=[^\s#]){_NAME}+)
    | (?P<handle>(?<![\w/])[@＠]{_HANDLE})
    | (?P<cash>(?<![\w$])\$[A-Za-z][A-Za-z0-9]{{0,9}}(?:\.[A-Za-z]{{1,2}})?(?![\w$]))
    | (?P<acronym>(?<![\w.])(?:[^\W\d_{_PAIRED}]\.){{2,}}(?:[^\W\d_{_PAIRED}](?!\w))?)
    | (?P<code>(?<!\w)[A-Za-z](?:\+\+|\#)(?!\w))
    | (?P<host>(?<![\w.@-])(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|info|io|dev|app|vn|uk|de|fr|jp|co|eu|tv|me|ai|social)
        (?![\w.-]*@|\w)(?:/[^\s<>"]*)?)
    | (?P<number>\d+(?:[.,]\d+)+(?!\w))
    | (?P<word>{_WORD}+(?:(?:['’ʼ]|[_-]+){_WORD}+)*)
    | (?P<run>[{_PAIRED}][{_PAIRED}{_MARKS}]*)
    | (?P<flag>[\U0001f1e6-\U0001f1ff]{{2}})
    | (?P<emoji>[{_EMOJI}][\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d[{_EMOJI}][\ufe0f\U0001f3fb-\U0001f3ff]*)*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN = re.compile(r"[a-z]+", re.ASCII)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|_")
_SPLIT = re.compile(rf"{_WORD}+|[{_PAIRED}][{_PAIRED}{_MARKS}]*")
_TONES = re.compile("[\ufe0f\U0001f3fb-\U0001f3ff]")
_POINTS = re.compile("[\u0591-\u05c7\u064b-\u0652\u0670]")
"""Hebrew and Arabic vowel points, which are left out in ordinary writing."""
_LETTERS = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
_LETTERS |= {ord("ё"): "е", ord("\u200c"): "", ord("\u200d"): "", ord("ـ"): ""}


@lru_cache(65_536)
def folded(text: str) -> tuple[str, str]:
    """A word as it is indexed, and with its marks on: ("benh", "bệnh"); the second is "" where they are the same."""
    if text.isascii():
        return text.lower()[:LONGEST_TERM], ""
    marked = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    bare: list[str] = []
    latin = False
    for letter in unicodedata.normalize("NFD", marked):
        if unicodedata.combining(letter):
            if not (latin and "\u0300" <= letter <= "\u036f") and not _POINTS.match(letter):
                bare.append(letter)
        else:
            latin = letter < "\u0400" or "\u1e00" <= letter < "\u2000"
            bare.append(letter)
    plain = unicodedata.normalize("NFC", "".join(bare)).translate(_LETTERS)
    plain, marked = "".join(plain.split())[:LONGEST_TERM], "".join(marked.split())[:LONGEST_TERM]
    return plain, marked if marked != plain else ""


def analyze(text: str) -> list[Term]:
    """All terms of a text, in order, with exact spans."""
    terms: list[Term] = []
    for piece in _PIECES.finditer(text):
        if piece.lastgroup == "plain":
            terms.append(Term(piece.group().lower()[:LONGEST_TERM], piece.start(), piece.end()))
        else:
            terms.extend(_terms(piece))
    return terms


def fields(text: str) -> tuple[str, str]:
    """What an index keeps of a text: the sequence and the also terms, each joined by spaces."""
    sequence: list[str] = []
    also: list[str] = []
    for piece in _PIECES.finditer(text):
        if piece.lastgroup == "plain":
            sequence.append(piece.group().lower()[:LONGEST_TERM])
        else:
            for term in _terms(piece):
                (also if term.also else sequence).append(term.text)
    return " ".join(sequence), " ".join(also)


def units(text: str) -> list[Unit]:
    """A query's text as what a post must hold."""
    found: list[Unit] = []
    for piece in _PIECES.finditer(text):
        terms = _terms(piece)
        sequence = tuple(term.text for term in terms if not term.also)
        also = tuple(dict.fromkeys(term.text for term in terms if term.also))
        match piece.lastgroup:
            case "tag" | "handle" | "cash":
                found.append(Unit((), also[:1]))
            case "url" | "host":
                found.extend(Unit((), (word,)) for word in also[:8])
            case "emoji":
                found.append(Unit(sequence, sequence))
            case "run" if len(sequence) == 1 and len(also) <= 1:
                found.append(Unit(sequence, sequence))
            case "run":
                found.append(Unit(sequence))
            case "word" | "plain" if len(sequence) == 1:
                plain = sequence[0]
                found.append(Unit(sequence, (plain,), next((other for other in also if other != plain), "")))
            case _ if sequence:
                found.append(Unit(sequence, also))
    return found


def _terms(piece: re.Match[str]) -> list[Term]:
    """The terms of one piece."""
    raw, start, end = piece.group(), piece.start(), piece.end()
    match piece.lastgroup:
        case "word":
            return list(_word(raw, start))
        case "run":
            return list(_pairs(raw, start))
        case "tag":
            whole = Term("#" + folded(raw[1:])[0], start, end, also=True)
            return [whole, *_parts(raw, start, 1)]
        case "handle":
            name = folded(raw[1:])[0]
            local, _, server = name.partition("@")
            both = [Term("@" + name, start, end, also=True), Term("@" + local, start, end, also=True)]
            return [*both[: 2 if server else 1], Term(local, start + 1, end)]
        case "cash":
            name = raw[1:].lower()
            return [Term("$" + name, start, end, also=True), Term(name, start + 1, end)]
        case "acronym":
            return [Term(folded(raw.replace(".", ""))[0], start, end)]
        case "number":
            return [Term(raw.replace(",", "")[:LONGEST_TERM], start, end)]
        case "emoji":
            plain = _TONES.sub("", raw)
            parts = plain.split("\u200d")
            if len(parts) == 1:
                return [Term(plain, start, end)]
            return [Term(plain, start, end), *(Term(part, start, end, also=True) for part in parts if part)]
        case "url" | "host":
            return list(_address(raw, start))
        case _:
            return [Term(raw.lower()[:LONGEST_TERM], start, end)]


def _word(raw: str, start: int) -> Iterator[Term]:
    """A word, or words joined by - _ or an apostrophe: the parts in sequence and the whole among the also terms."""
    end = start + len(raw)
    if _PLAIN.fullmatch(raw):
        yield Term(raw[:LONGEST_TERM], start, end)
        return
    if "'" in raw or "’" in raw or "ʼ" in raw:
        head, mark, tail = _apostrophe(raw)
        if mark:
            if tail.lower() == "s":
                raw, end = head, start + len(head)
            elif 1 <= len(head) <= 2 and tail[:1].isalpha() and len(tail) > 2:
                # French and Italian articles: l'homme, d'un, qu'il.
                yield Term(folded(head)[0], start, start + len(head))
                yield from _word(tail, start + len(head) + 1)
                return
            else:
                raw = raw.replace("'", "").replace("’", "").replace("ʼ", "")
                plain, marked = folded(raw)
                yield from _spelled(plain, marked, start, end)
                return
    if "-" in raw or "_" in raw:
        joined = ""
        place = start
        for part in re.split("([-_]+)", raw):
            if part and part[0] not in "-_":
                plain, marked = folded(part)
                joined += plain
                yield from _spelled(plain, marked, place, place + len(part))
            place += len(part)
        yield Term(joined[:LONGEST_TERM], start, end, also=True)
        return
    plain, marked = folded(raw)
    yield from _spelled(plain, marked, start, end)


def _apostrophe(raw: str) -> tuple[str, str, str]:
    for mark in "'’ʼ":
        head, found, tail = raw.rpartition(mark)
        if found:
            return head, found, tail
    return raw, "", ""


def _spelled(plain: str, marked: str, start: int, end: int) -> Iterator[Term]:
    if plain:
        yield Term(plain, start, end)
        if marked:
            yield Term(marked, start, end, also=True)


def _pairs(raw: str, start: int) -> Iterator[Term]:
    """A run of a script without spaces: each character with the next, and each by itself among the also terms."""
    letters: list[tuple[str, int, int]] = []
    for match in re.finditer(rf"[^{_MARKS}ﾞﾟ][{_MARKS}ﾞﾟ]*|[{_MARKS}ﾞﾟ]+", raw):
        normal = "".join(unicodedata.normalize("NFKC", match.group()).casefold().split())
        if normal:
            letters.append((normal, start + match.start(), start + match.end()))
    if len(letters) == 1:
        yield Term(*letters[0])
        return
    for (one, place, end), (two, _, end_two) in itertools.pairwise(letters):
        yield Term((one + two)[:LONGEST_TERM], place, end_two)
        yield Term(one[:LONGEST_TERM], place, end, also=True)
    if letters:
        yield Term(letters[-1][0][:LONGEST_TERM], *letters[-1][1:], also=True)


def _parts(raw: str, start: int, skip: int) -> Iterator[Term]:
    """The words within a #tag: ClimateChange, covid_19, and runs of other scripts."""
    for match in _SPLIT.finditer(raw, skip):
        word = match.group()
        if match.re is _SPLIT and re.match(f"[{_PAIRED}]", word):
            yield from _pairs(word, start + match.start())
            continue
        place = start + match.start()
        cuts = [0, *(cut.start() for cut in _CAMEL.finditer(word)), len(word)]
        parts = [(word[a:b], place + a, place + b) for a, b in itertools.pairwise(cuts) if b > a]
        for part, begin, end in parts:
            yield from _spelled(*folded(part), begin, end)
        if len(parts) > 1:
            yield Term(folded(word)[0], place, place + len(word), also=True)


def _address(raw: str, start: int) -> Iterator[Term]:
    """A web address: the host without www, its parent domains, and the words of host and path."""
    raw = raw.rstrip(".,;:!?)]}'»”…")
    end = start + len(raw)
    rest = re.sub("^https?://", "", raw, flags=re.IGNORECASE)
    begin = end - len(rest)
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    name = re.sub(r":\d+$", "", host.rpartition("@")[2].lower()).removeprefix("www.").strip(".")
    name = "".join(name.split())
    if not name:
        return
    labels = name.split(".")
    whole = begin + len(host)
    yield Term(name[:LONGEST_TERM], begin, whole, also=True)
    for cut in range(1, len(labels) - 1):
        yield Term(".".join(labels[cut:])[:LONGEST_TERM], begin, whole, also=True)
    for label in labels[:-1]:
        if label:
            yield Term(folded(label)[0] or label[:LONGEST_TERM], begin, whole, also=True)
    if len(rest) > 80:
        # Past this a path is an identifier, not words.
        return
    for match in re.finditer(r"[^\W_]{2,}", rest[len(host) :]):
        plain = folded(match.group())[0]
        if plain:
            yield Term(plain, whole + match.start(), whole + match.end(), also=True)
