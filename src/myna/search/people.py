"""People by handle or name, and who is meant by a handle in a query."""

import tantivy

from myna.gate import Actor, Reader
from myna.network import EdgeKind, NotFound, Person, Purpose
from myna.search.analyzer import folded, units
from myna.search.audience import MUST, SHOULD
from myna.search.index import Index


class People:
    """The people in the index."""

    def __init__(self, index: Index, reader: Reader) -> None:
        self._index = index
        self._reader = reader

    def find(self, actor: Actor, text: str, limit: int = 20) -> list[Person]:
        """People by handle or name, also half typed or mistyped; those this actor follows come first."""
        schema = self._index.schema
        query = tantivy.Query
        plain = folded(text.strip().removeprefix("@"))[0]
        parts = [term for unit in units(text.replace("@", " ")) for term in unit.sequence]
        if not plain:
            return []
        ways = [(SHOULD, query.boost_query(query.term_query(schema, "handle", plain), 20.0))]
        ways.append((SHOULD, _prefix(schema, "handle", plain, 8.0)))
        every = [(MUST, _prefix(schema, "name", part, 4.0)) for part in parts]
        if every:
            ways.append((SHOULD, query.boolean_query(every)))
        for part in parts:
            if len(part) >= 4:
                ways.append((SHOULD, query.fuzzy_term_query(schema, "name", part, 1, True, prefix=True)))
                ways.append((SHOULD, query.fuzzy_term_query(schema, "handle", part, 1, True, prefix=True)))
        found = dict(self._index.people(query.boolean_query(ways), 10 * limit))
        edges = self._reader.edges_of(actor.person_id) if actor.person_id else []
        follows = {edge.other_id for edge in edges if edge.kind is EdgeKind.FOLLOW}
        blockers = self._reader.scope(actor, Purpose.SEARCH).blockers
        people = [person for id, person in self._reader.people(found).items() if id not in blockers]
        people.sort(key=lambda p: (folded(p.handle)[0] != plain, p.id not in follows, -round(found[p.id], 3), p.handle))
        return people[:limit]

    def ids_of(self, handle: str, actor: Actor) -> tuple[str, ...]:
        """Who is meant by a handle in a query: all who have it, on whatever network they wrote; `me` for the asker."""
        if handle == "me" and actor.person_id:
            return (actor.person_id,)
        query = tantivy.Query.term_query(self._index.schema, "handle", folded(handle)[0])
        found = [id for id, _ in self._index.people(query, 50)]
        if not found:
            try:
                found = [self._reader.person(handle).id]
            except NotFound:
                return ()
        return tuple(sorted(found))


def _prefix(schema: tantivy.Schema, name: str, text: str, boost: float) -> tantivy.Query:
    query = tantivy.Query.fuzzy_term_query(schema, name, text, 0, True, prefix=True)
    return tantivy.Query.boost_query(query, boost)
