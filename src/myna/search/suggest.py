"""What a query half typed may become."""

import tantivy

from myna.gate import Actor, Reader
from myna.network import Purpose
from myna.search.analyzer import folded
from myna.search.audience import audience
from myna.search.index import Index
from myna.search.people import People
from myna.search.query import OPERATORS


def suggest(index: Index, reader: Reader, people: People, actor: Actor, prefix: str, limit: int) -> list[str]:
    """What a query half typed may become: each suggestion is the whole query with its last word completed."""
    head, space, last = prefix.rpartition(" ")
    found: list[str] = []
    operator, colon, value = last.partition(":")
    if last.startswith("#"):
        found = [tag for tag, _ in _tags(index, reader, actor, last)]
    elif last.startswith("@"):
        found = ["@" + person.handle for person in people.find(actor, last[1:], limit)]
    elif colon and operator.lstrip("-") in ("from", "to") and value:
        found = [f"{operator}:{person.handle}" for person in people.find(actor, value, limit)]
    elif len(last) >= 2:
        found = [name for name in OPERATORS if name.startswith(last.lower()) and name != last]
        found += [tag for tag, _ in _tags(index, reader, actor, "#" + last)]
        found += ["@" + person.handle for person in people.find(actor, last, 3)]
    return [head + space + text for text in dict.fromkeys(found)][:limit]


def _tags(index: Index, reader: Reader, actor: Actor, prefix: str) -> list[tuple[str, int]]:
    """(tag, posts) of tags that begin so in what this actor may find; a tag of refused posts is not told."""
    base = audience(index.schema, reader, reader.scope(actor, Purpose.SEARCH))
    plain = "#" + folded(prefix[1:])[0]
    return index.terms("also", plain, tantivy.Query.boolean_query(base))
