"""Who may find what, as conditions of the index: refused posts are left out before anything is ranked.

The gate has the last word on each post when a page is put together. These conditions never leave out what it would
allow, and leave out nearly all that it would refuse, so that pages are full and totals are true.
"""

import tantivy

from myna.gate import ActorKind, Reader
from myna.gate.policy import Scope
from myna.network import EdgeKind, Purpose, Visibility
from myna.search.index import any_of

Clause = tuple[tantivy.Occur, tantivy.Query]
MUST, MUST_NOT, SHOULD = tantivy.Occur.Must, tantivy.Occur.MustNot, tantivy.Occur.Should
_Query = tantivy.Query


def audience(schema: tantivy.Schema, reader: Reader, scope: Scope) -> list[Clause]:
    """The conditions of one actor and purpose at this moment."""
    return [
        (MUST, _Query.term_query(schema, "kind", "post")),
        *_visible(schema, scope),
        *_relations(schema, reader, scope),
        *_consents(schema, scope),
    ]


def _visible(schema: tantivy.Schema, scope: Scope) -> list[Clause]:
    if scope.actor.kind is ActorKind.MYNA and scope.purpose is Purpose.SEARCH:
        return []
    seen = [_Query.term_query(schema, "visibility", Visibility.PUBLIC)]
    if person := scope.actor.person_id:
        seen.append(_Query.term_query(schema, "author", person))
        seen.append(_Query.term_query(schema, "mention", person))
        if scope.follows:
            theirs = [
                (MUST, _Query.term_query(schema, "visibility", Visibility.FOLLOWERS)),
                (MUST, any_of(schema, "author", sorted(scope.follows))),
            ]
            seen.append(_Query.boolean_query(theirs))
    return [(MUST, _either(seen))]


def _relations(schema: tantivy.Schema, reader: Reader, scope: Scope) -> list[Clause]:
    """Authors who blocked this person, and whom this person blocked or muted."""
    away = set(scope.blockers)
    if person := scope.actor.person_id:
        away |= {edge.other_id for edge in reader.edges_of(person) if edge.kind in (EdgeKind.BLOCK, EdgeKind.MUTE)}
    return [(MUST_NOT, any_of(schema, "author", sorted(away)))] if away else []


def _consents(schema: tantivy.Schema, scope: Scope) -> list[Clause]:
    said = scope.policy.said(scope.purpose)
    if not said:
        return []
    # A subject may be a post or a person: it is looked for as both.
    operator = {consent.subject: consent.allow for consent in said if consent.by == "operator"}
    no = [subject for subject, allow in operator.items() if not allow]
    yes = [subject for subject, allow in operator.items() if allow]
    authors = [c.subject for c in said if c.by == c.subject and not c.allow]
    own_yes = [c.subject for c in said if c.by not in ("operator", c.subject) and c.allow]
    clauses: list[Clause] = []
    if authors:
        clauses.append(_unless(any_of(schema, "author", authors), [any_of(schema, "id", own_yes)] if own_yes else []))
    for consent in said[:1000]:
        if consent.by not in ("operator", consent.subject) and not consent.allow:
            one = [
                (MUST, _Query.term_query(schema, "id", consent.subject)),
                (MUST, _Query.term_query(schema, "author", consent.by)),
            ]
            clauses.append((MUST_NOT, _Query.boolean_query(one)))
    if no:
        posts = [any_of(schema, "id", yes)] if yes else []
        people = [*posts, any_of(schema, "author", yes)] if yes else []
        sources = [subject[:-2] for subject in yes if subject.endswith(":*")]
        everyone = [*people, any_of(schema, "source", sources)] if sources else people
        clauses.append((MUST_NOT, any_of(schema, "id", no)))
        clauses.append(_unless(any_of(schema, "author", no), posts))
        if refused := [subject[:-2] for subject in no if subject.endswith(":*")]:
            clauses.append(_unless(any_of(schema, "source", refused), people))
        if "*" in no:
            clauses.append(_unless(_Query.term_query(schema, "kind", "post"), everyone))
    return clauses


def _unless(refused: tantivy.Query, exceptions: list[tantivy.Query]) -> Clause:
    """Leaves out `refused` but for the exceptions."""
    if not exceptions:
        return MUST_NOT, refused
    return MUST_NOT, _Query.boolean_query([(MUST, refused), *((MUST_NOT, query) for query in exceptions)])


def _either(queries: list[tantivy.Query]) -> tantivy.Query:
    return queries[0] if len(queries) == 1 else _Query.boolean_query([(SHOULD, query) for query in queries])
