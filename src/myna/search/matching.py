"""A query as conditions of the index: all words, or any, and the filters."""

import tantivy

from myna.search.analyzer import Unit, units
from myna.search.audience import MUST, MUST_NOT, SHOULD, Clause
from myna.search.index import any_of, number_range
from myna.search.schema import stem
from myna.search.types import Query

_Query = tantivy.Query


def query_units(query: Query) -> list[Unit]:
    """Every piece of text the query asks for, each once: what ranking scores and highlights mark."""
    found = [unit for word in query.words for unit in units(word)]
    found += [_phrase_unit(phrase) for phrase in query.phrases]
    for group in query.alternatives:
        for alternative in group:
            quoted = alternative[:1] == '"'
            found += [_phrase_unit((alternative[1:-1],))] if quoted else units(alternative)
    found += [Unit((), ("@" + mention,)) for mention in query.mentions]
    return list(dict.fromkeys(unit for unit in found if unit.sequence or unit.also))


def _phrase_unit(phrase: tuple[str, ...]) -> Unit:
    parts = units(" ".join(phrase))
    sequence = tuple(term for unit in parts for term in unit.sequence)
    if sequence:
        return Unit(sequence)
    # A quotation of tags and addresses only: none of them stands in the sequence.
    return parts[0] if parts else Unit(())


def unit_query(schema: tantivy.Schema, unit: Unit) -> tantivy.Query:
    """Posts that hold one unit."""
    ways: list[tantivy.Query] = []
    if len(unit.sequence) == 1:
        word = unit.sequence[0]
        ways.append(_Query.term_query(schema, "words", word))
        if unit.also:
            # Only a word typed plainly is stemmed; a quoted one has no also terms and is meant as it stands.
            ways += [_Query.term_query(schema, "stems", root) for root in stem(word)]
    elif unit.sequence:
        ways.append(_Query.phrase_query(schema, "words", list(unit.sequence)))
        # COVID-19 is found in covid19 too.
        ways += [_Query.term_query(schema, "words", term) for term in unit.also]
    ways += [_Query.boost_query(_Query.term_query(schema, "also", term), 0.8) for term in unit.also]
    best = ways[0] if len(ways) == 1 else _Query.disjunction_max_query(ways, 0.3)
    if not unit.marked:
        return best
    marked = _Query.term_query(schema, "also", unit.marked)
    return _Query.boolean_query([(MUST, best), (SHOULD, marked)])


def _loose(schema: tantivy.Schema, unit: Unit) -> list[tantivy.Query]:
    """Posts that hold a unit, or some of its parts."""
    parts = [_Query.boost_query(_Query.term_query(schema, "words", term), 0.3) for term in unit.sequence]
    return [unit_query(schema, unit), *(parts if len(unit.sequence) > 1 else ())]


def strict(schema: tantivy.Schema, query: Query) -> list[Clause]:
    """Conditions for a post to hold all that was asked; [] where no words were asked for."""
    clauses: list[Clause] = [(MUST, unit_query(schema, u)) for word in query.words for u in units(word)]
    clauses += [(MUST, unit_query(schema, _phrase_unit(p))) for p in query.phrases if _holds(_phrase_unit(p))]
    clauses += [(MUST, _Query.term_query(schema, "also", "@" + mention)) for mention in query.mentions]
    for group in query.alternatives:
        ways = [_alternative(schema, alternative) for alternative in group]
        found = [way for way in ways if way is not None]
        if found:
            clauses.append((MUST, _Query.boolean_query([(SHOULD, way) for way in found])))
    return clauses


def relaxed(schema: tantivy.Schema, wanted: list[Unit]) -> list[Clause]:
    """Conditions for a post to hold any of the units; [] where there are none."""
    ways = [(SHOULD, way) for unit in wanted for way in _loose(schema, unit)]
    return [(MUST, _Query.boolean_query(ways))] if ways else []


def _holds(unit: Unit) -> bool:
    return bool(unit.sequence or unit.also)


def _alternative(schema: tantivy.Schema, text: str) -> tantivy.Query | None:
    found = [_phrase_unit((text[1:-1],))] if text[:1] == '"' else units(text)
    clauses = [(MUST, unit_query(schema, unit)) for unit in found if _holds(unit)]
    return _Query.boolean_query(clauses) if clauses else None


def filters(
    schema: tantivy.Schema, query: Query, people: dict[str, tuple[str, ...]], liked: list[str] | None = None
) -> list[Clause]:
    """The conditions that are not words.

    people: handle -> the ids of those who have it. liked: the posts with at least min_likes likes here.
    """
    clauses: list[Clause] = []

    def ids(handles: tuple[str, ...]) -> list[str]:
        return [id for handle in handles for id in people.get(handle, ())]

    def flag(name: str) -> tantivy.Query:
        return _Query.term_query(schema, "flag", name)

    # A set of nobody matches nothing, which is what `from:` someone unknown means.
    if query.authors:
        clauses.append((MUST, any_of(schema, "author", ids(query.authors))))
    if query.without_authors:
        clauses.append((MUST_NOT, any_of(schema, "author", ids(query.without_authors))))
    if query.to:
        clauses.append((MUST, any_of(schema, "to", ids(query.to))))
    if query.langs:
        clauses.append((MUST, any_of(schema, "lang", query.langs)))
    if query.without_langs:
        clauses.append((MUST_NOT, any_of(schema, "lang", query.without_langs)))
    if query.since is not None or query.until is not None:
        clauses.append((MUST, number_range(schema, "at", query.since, query.until, include_high=False)))
    clauses += [(MUST, flag(name)) for name in sorted(query.has | query.is_)]
    clauses += [(MUST_NOT, flag(name)) for name in sorted(query.without_has | query.without_is)]
    if "repost" not in query.is_:
        # A repost has no words of its own; what it repeats is found by itself.
        clauses.append((MUST_NOT, flag("repost")))
    if query.min_likes:
        enough = [(SHOULD, number_range(schema, "likes", query.min_likes, None))]
        if liked:
            enough.append((SHOULD, any_of(schema, "id", liked)))
        clauses.append((MUST, _Query.boolean_query(enough)))
    clauses += [(MUST, unit_query(schema, unit)) for url in query.urls for unit in _url(url)]
    clauses += [(MUST_NOT, unit_query(schema, unit)) for word in query.without for unit in units(word)]
    clauses += [(MUST_NOT, unit_query(schema, unit)) for p in query.without_phrases if _holds(unit := _phrase_unit(p))]
    clauses += [(MUST_NOT, _Query.term_query(schema, "also", "@" + handle)) for handle in query.without_mentions]
    return clauses


def _url(value: str) -> list[Unit]:
    """`url:` takes an address, a host or a word of one."""
    found = units(value if "://" in value else f"https://{value}" if "." in value else value)
    return [Unit((), unit.also or unit.sequence) for unit in found if _holds(unit)]
