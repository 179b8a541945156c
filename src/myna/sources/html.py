"""The HTML of ActivityPub posts as plain text: line breaks and links kept, everything else left out."""

import re
from html import unescape

_TOKEN = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>|<!--.*?-->|[^<]+|<", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_BLOCKS = frozenset(("p", "div", "blockquote", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6"))
_SILENT = frozenset(("script", "style", "template", "iframe", "object"))
_SPACE = re.compile(r"[ \t\r\n\f]+")
_WEB = ("http://", "https://")


def plain(html: str) -> tuple[str, tuple[str, ...]]:
    """(text, the addresses it links to). A mention or hashtag keeps its words; another link is its whole address."""
    if "<" not in html:
        return unescape(html).strip(), ()
    out: list[str] = []
    urls: list[str] = []
    silent = 0
    quoted = 0
    link: tuple[str, int] | None = None
    for found in _TOKEN.finditer(html):
        closing, tag, rest = found.group(1), found.group(2), found.group(3)
        if tag is None:
            piece = found.group(0)
            if not silent and not quoted and not piece.startswith("<!--"):
                out.append(_SPACE.sub(" ", unescape(piece)))
            continue
        tag = tag.lower()
        if tag in _SILENT:
            silent = max(0, silent + (-1 if closing else 1))
        elif silent:
            continue
        elif tag == "br":
            out.append("\n")
        elif tag == "li":
            out.append("" if closing else "\n- ")
        elif tag == "p" and not closing and "quote-inline" in rest:
            # Mastodon repeats a quoted post's address in a paragraph for readers that know no quotes.
            quoted = 1
        elif tag in _BLOCKS:
            quoted = 0 if tag == "p" else quoted
            out.append("\n\n")
        elif tag == "a" and not closing and not quoted:
            attributes = {name.lower(): a or b or c for name, a, b, c in _ATTRIBUTE.findall(rest)}
            href = unescape(attributes.get("href", "")).strip()
            classes = attributes.get("class", "").split()
            if href.startswith(_WEB) and not {"mention", "hashtag", "u-url"} & set(classes):
                link = (href, len(out))
        elif tag == "a" and link:
            # Mastodon shows a shortened address; the whole one is in href. Other words stay, with the address after.
            href, place = link
            shown = "".join(out[place:])
            del out[place:]
            shortened = shown.removesuffix("…").strip()
            out.append(href if not shortened or shortened in href else f"{shown} {href}")
            urls.append(href)
            link = None
    text = "\n".join(_SPACE.sub(" ", line).strip() for line in "".join(out).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip(), tuple(dict.fromkeys(urls))
