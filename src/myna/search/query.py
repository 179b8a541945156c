"""What was typed, understood: X's operators and Mastodon's in one language, in which nothing is an error.

Every text is a query. An operator with a value that makes no sense (`since:yesterday-ish`, `min_likes:many`) is taken
for a word, an unclosed quotation ends with the text, and brackets that do not match are left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from myna.i18n import N_
from myna.search.types import Chip, Query

OPERATORS = (
    "from:", "from:me", "to:", "since:", "until:", "before:", "after:", "during:", "lang:", "url:", "has:media",
    "has:links", "is:reply", "is:quote", "is:repost", "filter:links", "filter:media", "filter:replies", "min_likes:",
)  # fmt: skip
"""What `suggest` offers."""

_LONGEST = 1000
"""Characters of a query that are read; the rest cannot be meant."""
_MOST = 32
"""Pieces of one kind that are kept."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<open>-?\()|(?P<close>\))|(?P<quote>-?["“”«»][^"“”«»]*["“”«»]?)|(?P<bare>[^\s()"“”«»]+)"""
)
_HANDLE = re.compile(r"@?[\w.@:-]{1,200}")
_LANG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_KINDS = {"reply": "reply", "replies": "reply", "quote": "quote", "quotes": "quote", "repost": "repost"}
_KINDS |= {"reposts": "repost", "retweet": "repost", "retweets": "repost", "nativeretweets": "repost"}
_HAS = {"media": "media", "image": "media", "images": "media", "video": "media", "videos": "media"}
_HAS |= {"link": "links", "links": "links"}
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T_ ](\d{1,2}):(\d{2})(?::(\d{2}))?(?:Z|_UTC)?)?)?)?")


@dataclass(slots=True)
class _Parts:
    """A query while it is being read."""

    words: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    without_phrases: list[str] = field(default_factory=list)
    alternatives: list[list[str]] = field(default_factory=list)
    lists: dict[str, list[str]] = field(default_factory=dict)
    since: int | None = None
    until: int | None = None
    min_likes: int = 0

    def add(self, name: str, value: str) -> None:
        self.lists.setdefault(name, []).append(value)


def parse(text: str) -> Query:
    """The query in a text. Never raises."""
    parts = _Parts()
    waiting: list[str] | None = None
    last: tuple[list[str], str] | None = None
    for negative, token in _tokens(text[:_LONGEST].replace("\x00", " ")):
        if token == "OR" and not negative:
            if last is not None:
                # What stands before OR leaves its list and opens a group, or the group it closed goes on.
                home, value = last
                if parts.alternatives and home is parts.alternatives[-1]:
                    waiting = home
                elif home and home[-1] == value:
                    home.pop()
                    waiting = [value]
                    parts.alternatives.append(waiting)
            continue
        if token == "AND" and not negative:
            continue
        quoted = token[:1] == '"'
        if not quoted and _operator(parts, negative, token):
            waiting, last = None, None
            continue
        bare = token[1:-1] if quoted else token
        if not bare.strip():
            continue
        if negative:
            (parts.without_phrases if quoted else parts.without).append(bare)
            waiting, last = None, None
        elif waiting is not None:
            waiting.append(token)
            last, waiting = (waiting, token), None
        else:
            home = parts.phrases if quoted else parts.words
            home.append(bare)
            last = (home, bare)
    return _query(text, parts)


def _tokens(text: str) -> Iterator[tuple[bool, str]]:
    """(negative, token); a quotation keeps a leading and a trailing double quote."""
    negatives: list[bool] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        match match.lastgroup:
            case "open":
                negatives.append(token[0] == "-")
            case "close":
                if negatives:
                    negatives.pop()
            case "quote":
                minus = token[0] == "-"
                yield minus or any(negatives), '"' + re.sub('["“”«»]', "", token.removeprefix("-")) + '"'
            case "bare":
                minus = len(token) > 1 and token[0] in "-−" and token[1] not in "-−"
                yield minus or any(negatives), token[1:] if minus else token.removeprefix("+") or token


def _operator(parts: _Parts, negative: bool, token: str) -> bool:
    """Reads `name:value` and @handle; False where it is none."""
    if token[0] in "@＠" and len(token) > 1 and _HANDLE.fullmatch(token.replace("＠", "@")):
        parts.add("without_mentions" if negative else "mentions", _handle(token))
        return True
    name, colon, value = token.partition(":")
    if not colon or not value:
        return False
    match name.lower():
        case "from" | "to" as which:
            if not _HANDLE.fullmatch(value) or (negative and which == "to"):
                return False
            parts.add({"from": "authors", "to": "to"}[which] if not negative else "without_authors", _handle(value))
        case "mentions" | "mention":
            if not _HANDLE.fullmatch(value):
                return False
            parts.add("without_mentions" if negative else "mentions", _handle(value))
        case "since" | "after" | "until" | "before" | "during" as which:
            span = _span(value)
            if span is None or negative:
                return False
            _dates(parts, which, *span)
        case "lang" | "language":
            if not _LANG.fullmatch(value):
                return False
            parts.add("without_langs" if negative else "langs", value.lower().replace("_", "-"))
        case "url":
            if negative:
                return False
            parts.add("urls", value.strip('"'))
        case "has" | "filter" | "is" | "exclude" | "include" as which:
            minus = negative != (which == "exclude")
            wanted = value.lower()
            if wanted in _HAS and which != "is":
                parts.add("without_has" if minus else "has", _HAS[wanted])
            elif wanted in _KINDS and which != "has":
                if which != "include":
                    parts.add("without_is" if minus else "is_", _KINDS[wanted])
            else:
                return False
        case "min_likes" | "min_faves":
            if negative or not re.fullmatch("[0-9]{1,12}", value):
                return False
            parts.min_likes = max(parts.min_likes, int(value))
        case _:
            return False
    return True


def _handle(value: str) -> str:
    return value.replace("＠", "@").removeprefix("@").rstrip(".:-").lower() or value.lower()


def _dates(parts: _Parts, which: str, start: int, end: int) -> None:
    since, until = parts.since, parts.until
    if which in ("since", "during"):
        since = start
    elif which == "after":
        since = end
    if which in ("until", "before"):
        until = start
    elif which == "during":
        until = end
    parts.since, parts.until = since, until


def _span(value: str) -> tuple[int, int] | None:
    """The first millisecond of a year, month, day or moment, and the first after it; None for what is no date."""
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in match.groups())
    try:
        start = datetime(year or 1, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=UTC)
        if month is None:
            end = start.replace(year=start.year + 1)
        elif day is None:
            end = (start + timedelta(days=32)).replace(day=1)
        elif hour is None:
            end = start + timedelta(days=1)
        else:
            end = start + timedelta(seconds=1)
        return int(start.timestamp() * 1000), int(end.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _query(text: str, parts: _Parts) -> Query:
    groups = tuple(tuple(dict.fromkeys(group))[:_MOST] for group in parts.alternatives[:_MOST])
    # A group of one is what an OR at the end of the text leaves.
    single = [group[0] for group in groups if len(group) == 1]

    def many(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(parts.lists.get(name, ())))[:_MOST]

    words = [*parts.words, *(word for word in single if word[:1] != '"')]
    phrases = [*parts.phrases, *(word[1:-1] for word in single if word[:1] == '"')]
    return Query(
        text=text,
        words=tuple(dict.fromkeys(words))[:_MOST],
        phrases=tuple(tuple(phrase.split()) for phrase in dict.fromkeys(phrases))[:_MOST],
        without=tuple(dict.fromkeys(parts.without))[:_MOST],
        without_phrases=tuple(tuple(phrase.split()) for phrase in dict.fromkeys(parts.without_phrases))[:_MOST],
        alternatives=tuple(group for group in groups if len(group) > 1),
        authors=many("authors"),
        without_authors=many("without_authors"),
        mentions=many("mentions"),
        without_mentions=many("without_mentions"),
        to=many("to"),
        langs=many("langs"),
        without_langs=many("without_langs"),
        since=parts.since,
        until=parts.until,
        has=frozenset(many("has")),
        is_=frozenset(many("is_")),
        without_has=frozenset(many("without_has")),
        without_is=frozenset(many("without_is")),
        min_likes=parts.min_likes,
        urls=many("urls"),
    )


_CHIPS: dict[str, tuple[str, str]] = {
    "authors": (N_("from @{value}"), "from:{value}"),
    "without_authors": (N_("not from @{value}"), "-from:{value}"),
    "to": (N_("to @{value}"), "to:{value}"),
    "mentions": (N_("mentions @{value}"), "@{value}"),
    "without_mentions": (N_("without @{value}"), "-@{value}"),
    "langs": (N_("in {value}"), "lang:{value}"),
    "without_langs": (N_("not in {value}"), "-lang:{value}"),
    "urls": (N_("links to {value}"), "url:{value}"),
    "without": (N_("without {value}"), "-{value}"),
}
_FLAGS = {
    ("has", "media"): (N_("with media"), "has:media"),
    ("has", "links"): (N_("with links"), "has:links"),
    ("without_has", "media"): (N_("without media"), "-has:media"),
    ("without_has", "links"): (N_("without links"), "-has:links"),
    ("is_", "reply"): (N_("replies only"), "is:reply"),
    ("is_", "quote"): (N_("quotes only"), "is:quote"),
    ("is_", "repost"): (N_("reposts only"), "is:repost"),
    ("without_is", "reply"): (N_("without replies"), "-is:reply"),
    ("without_is", "quote"): (N_("without quotes"), "-is:quote"),
    ("without_is", "repost"): (N_("without reposts"), "-is:repost"),
}


def describe(query: Query) -> tuple[Chip, ...]:
    """The query shown back, part by part: what it was understood to ask."""
    chips = [Chip(N_("{value}"), word, word) for word in query.words]
    chips += [Chip(N_("“{value}”"), " ".join(p), f'"{" ".join(p)}"') for p in query.phrases]
    for group in query.alternatives:
        chips.append(Chip(N_("any of: {value}"), ", ".join(group), " OR ".join(group)))
    for name, (message, typed) in _CHIPS.items():
        chips += [Chip(message, value, typed.format(value=value)) for value in getattr(query, name)]
    for phrase in query.without_phrases:
        chips.append(Chip(N_("without “{value}”"), " ".join(phrase), f'-"{" ".join(phrase)}"'))
    for (name, value), (message, typed) in _FLAGS.items():
        if value in getattr(query, name):
            chips.append(Chip(message, value, typed))
    if query.since is not None:
        chips.append(Chip(N_("since {value}"), _moment(query.since), f"since:{_moment(query.since)}"))
    if query.until is not None:
        chips.append(Chip(N_("before {value}"), _moment(query.until), f"until:{_moment(query.until)}"))
    if query.min_likes:
        chips.append(Chip(N_("at least {value} likes"), str(query.min_likes), f"min_likes:{query.min_likes}"))
    return tuple(chips)


def _moment(at: int) -> str:
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    return when.strftime("%Y-%m-%d" if at % 86_400_000 == 0 else "%Y-%m-%dT%H:%M:%S").rjust(10, "0")
