"""Queries, hits and answers."""

from dataclasses import dataclass, field

from myna.network import Post


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed, understood. Every text is a query: what is no operator is a word.

    words must all occur (before relaxing); phrases verbatim; without must not; of each group of alternatives one must,
    and an alternative in double quotes is a phrase. authors, mentions and to are handles,
    lower case, without @. since inclusive, until exclusive, milliseconds. has: media, links; is_: reply, quote, repost.
    """

    text: str
    words: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    without: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, ...], ...] = ()
    authors: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    has: frozenset[str] = frozenset()
    is_: frozenset[str] = frozenset()
    without_has: frozenset[str] = frozenset()
    without_is: frozenset[str] = frozenset()
    min_likes: int = 0
    urls: tuple[str, ...] = ()
    without_authors: tuple[str, ...] = ()
    without_mentions: tuple[str, ...] = ()
    without_langs: tuple[str, ...] = ()
    without_phrases: tuple[tuple[str, ...], ...] = ()

    @property
    def has_text(self) -> bool:
        """Whether it asks for words at all, or only filters."""
        return bool(self.words or self.phrases or self.alternatives or self.mentions or self.urls)


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of a query as understood, to be shown. message: a msgid with {value}; text: what to type for it."""

    message: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A post found. highlights: (start, end) character spans of post.text to mark. why: words, meaning, or both."""

    post: Post
    score: float
    highlights: tuple[tuple[int, int], ...] = ()
    why: str = "words"


@dataclass(frozen=True, slots=True)
class Results:
    """A page of hits. cursor: "" at the end.

    relaxed: too few posts held all words, so these hold some or are near in meaning.
    """

    query: Query
    hits: tuple[Hit, ...]
    total: int
    relaxed: bool = False
    cursor: str = ""
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim span post.text[start:end] that answers."""

    post: Post
    start: int
    end: int
    score: float

    @property
    def text(self) -> str:
        """The words cited."""
        return self.post.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer made of citations only. abstained: nothing here answers; then closest holds the nearest posts."""

    question: str
    citations: tuple[Citation, ...]
    abstained: bool
    closest: tuple[Hit, ...] = field(default=())
    decision: str = ""
