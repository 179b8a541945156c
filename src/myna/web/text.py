"""The text of a post as HTML: escaped, with links for addresses, @handles and #tags, and marks for what was found."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from markupsafe import Markup, escape

_LINKED = re.compile(
    r"(?P<url>https?://[^\s<>\"'`]+)"
    r"|(?<![\w@/.])@(?P<handle>\w(?:[\w.-]*\w)?(?:@\w[\w.-]*\w)?)"
    r"|(?<![\w#&/])#(?P<tag>\w*[^\W\d]\w*)",
)
_SHOWN = 48
"""Characters of an address that are shown; the whole is where it leads."""


def to_html(text: str, highlights: Sequence[tuple[int, int]] = ()) -> Markup:
    """Safe HTML of a post's text. highlights: (start, end) character spans of `text` to mark; they may overlap."""
    spans = merged(highlights, len(text))
    parts: list[str] = []
    last = 0
    for match in _LINKED.finditer(text):
        end = match.end()
        if match["url"]:
            end = match.start() + len(_without_trailing(match["url"]))
        target = _target(match, text[match.start() : end])
        parts.append(_marked(text, last, match.start(), spans))
        inner = _marked(text, match.start(), end, spans)
        if match["url"] and end - match.start() > _SHOWN and not spans:
            inner = str(escape(text[match.start() : match.start() + _SHOWN - 1])) + "…"
        parts.append(f"<a {target}>{inner}</a>")
        last = end
    parts.append(_marked(text, last, len(text), spans))
    return Markup("".join(parts))


def marked(text: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """Escaped text with marks, without links."""
    return Markup(_marked(text, 0, len(text), merged(spans, len(text))))


def merged(spans: Iterable[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Spans in order, cut to [0, length), overlapping ones joined, empty ones left out."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(length, end)) for start, end in spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _marked(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = start
    for first, last in spans:
        first, last = max(first, start), min(last, end)
        if first < last:
            parts += [str(escape(text[at:first])), "<mark>", str(escape(text[first:last])), "</mark>"]
            at = last
    parts.append(str(escape(text[at:end])))
    return "".join(parts)


def _target(match: re.Match[str], url: str) -> str:
    if match["url"]:
        return f'href="{escape(url)}" rel="nofollow noopener noreferrer ugc"'
    if match["handle"]:
        return f'href="/@{quote(match["handle"])}"'
    return f'href="/search?q=%23{quote(match["tag"])}"'


def _without_trailing(url: str) -> str:
    """An address without the punctuation of the sentence it stands in; a closing bracket stays if it was opened."""
    while url and url[-1] in ".,;:!?)]}…":
        if url[-1] == ")" and url.count("(") >= url.count(")"):
            break
        url = url[:-1]
    return url
