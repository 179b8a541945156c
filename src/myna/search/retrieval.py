"""From a query to scored candidates that the gate has handed out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tantivy
from numpy.typing import NDArray

from myna.gate import Actor, Reader
from myna.network import Forbidden, Post, Purpose, now_ms
from myna.search.analyzer import Unit, analyze
from myna.search.audience import MUST, MUST_NOT, Clause, audience
from myna.search.follower import Embed
from myna.search.index import Index, any_of, number_range
from myna.search.likes import Likes
from myna.search.matching import filters, query_units, relaxed, strict
from myna.search.pages import Window
from myna.search.people import People
from myna.search.query import parse
from myna.search.ranking import Candidate, Scorer, root, tie
from myna.search.schema import is_english
from myna.search.types import Query
from myna.search.vectors import Vectors

WINDOW = 100
"""Candidates scored at a time."""
_NEAR = 60
"""Posts that meaning adds to them."""


@dataclass(slots=True)
class Request:
    """One query with all that stays the same over its pages."""

    actor: Actor
    purpose: Purpose
    query: Query
    wanted: list[Unit]
    base: list[Clause]
    sort: str
    now: int
    weight: float
    vector: NDArray[np.float32] | None = None
    posts: dict[str, Post] = field(default_factory=dict)
    near: set[str] = field(default_factory=set)


class Retriever:
    """Finds and scores posts. Holds no state of a query; what is used for meaning is set from outside."""

    def __init__(self, index: Index, likes: Likes, reader: Reader, people: People) -> None:
        self._index = index
        self._likes = likes
        self._reader = reader
        self._people = people
        self.embed: Embed | None = None
        self.vectors: Vectors | None = None
        self.weight = 0.0

    def request(
        self, actor: Actor, purpose: Purpose, text: str, sort: str = "top", before: dict[str, Any] | None = None
    ) -> Request:
        """The request of this text. before: the logged input of the page before, whose moment and weight hold on.

        Raises Forbidden for a program whose key is not for this purpose.
        """
        permit(actor, purpose)
        query = parse(text)
        schema = self._index.schema
        scope = self._reader.scope(actor, purpose)
        liked = self._likes.at_least(query.min_likes) if query.min_likes else None
        people = {h: self._people.ids_of(h, actor) for h in (*query.authors, *query.without_authors, *query.to)}
        base = [*audience(schema, self._reader, scope), *filters(schema, query, people, liked)]
        now = before["now"] if before else now_ms()
        weight = before["weight"] if before else self.weight
        return Request(actor, purpose, query, query_units(query), base, sort, now, weight)

    def first(self, request: Request, window: Window) -> None:
        """The first candidates: all words, and where those find less than a page, any of them."""
        words = strict(self._index.schema, request.query)
        if request.query.has_text and not words and not has_filters(request.query):
            # Nothing but punctuation: no word is asked for, and everything is no answer.
            return
        window.exhausted = False
        window.phase = "strict"
        self.extend(request, window)
        window.total = window.found
        several = len(request.wanted) > 1 or request.weight > 0
        if window.found < window.limit and words and several and request.sort == "top":
            window.phase, window.relaxed, window.exhausted = "relaxed", True, False
            held = window.count
            self.extend(request, window)
            window.relaxed = window.count > held
            window.total = max(window.found, window.count)

    def extend(self, request: Request, window: Window) -> None:
        """Adds the next candidates to the window."""
        schema = self._index.schema
        loose = window.phase == "relaxed"
        words = relaxed(schema, request.wanted) if loose else strict(schema, request.query)
        clauses = [*request.base, *words]
        if seen := window.all_seqs():
            clauses.append((MUST_NOT, any_of(schema, "seq", seen)))
        newest = request.sort == "latest" or not words
        query = tantivy.Query.boolean_query(clauses)
        found, window.found = self._index.search(query, WINDOW, newest=newest)
        window.exhausted = len(found) < WINDOW
        seqs = {hit.id: hit.seq for hit in found}
        meaning: dict[int, float] = {}
        if request.weight > 0 and words and request.sort == "top":
            if loose and not window.near_asked:
                window.near_asked = True
                known = set(seen)
                for id, seq in self.near(request):
                    if seq not in known:
                        seqs.setdefault(id, seq)
                        request.near.add(id)
            meaning = self.similar(request, list(seqs.values()))
        batch = self.candidates(request, seqs, meaning, strict=not loose)
        window.add(batch)
        # What the gate refused has been seen too, or it would be found again for ever.
        window.seen += sorted(set(seqs.values()) - {candidate.seq for candidate in batch})

    def candidates(
        self, request: Request, seqs: dict[str, int], meaning: dict[int, float], strict: bool
    ) -> list[Candidate]:
        """The posts among these that the gate hands out, scored. seqs: id -> seq."""
        posts = self._reader.posts(request.actor, request.purpose, seqs)
        request.posts |= posts
        kept = [posts[id] for id in seqs if id in posts]
        least = request.query.min_likes
        likes = {post.id: max(post.like_count, self._likes.of(post.id)) for post in kept}
        kept = [post for post in kept if likes[post.id] >= least]
        if request.wanted and kept:
            scores = self._scorer(request.wanted).scores(
                [analyze(post.text) for post in kept], [is_english(post) for post in kept]
            )
        else:
            scores = [0.0] * len(kept)
        return [
            Candidate(
                post.id,
                post.seq,
                post.created_at,
                round(score, 6),
                round(tie(post.created_at, likes[post.id], request.now), 6),
                None if (near := meaning.get(post.seq)) is None else round(near, 6),
                strict,
            )
            for post, score in zip(kept, scores, strict=True)
        ]

    def _scorer(self, wanted: Sequence[Unit]) -> Scorer:
        return Scorer(wanted, {unit: self.frequency(unit) for unit in wanted}, self._index.size())

    def frequency(self, unit: Unit) -> int:
        index = self._index
        if len(unit.sequence) == 1:
            word = unit.sequence[0]
            return max(index.frequency("words", word), index.frequency("stems", root(word)) if unit.also else 0)
        if unit.sequence:
            return min(index.frequency("words", term) for term in unit.sequence)
        return max((index.frequency("also", term) for term in unit.also), default=0)

    def resume(self, request: Request, window: Window, input: dict[str, Any], output: dict[str, Any]) -> None:
        """Goes on after a page, with those of its candidates that were not shown and may still be."""
        window.resume(input, output)
        schema = self._index.schema
        request.base.append((MUST, number_range(schema, "seq", None, window.snapshot)))
        seqs = [seq for _, seq, _ in window.rest]
        if seqs:
            clauses = [*request.base, (MUST, any_of(schema, "seq", seqs))]
            allowed = set(self._index.seqs(tantivy.Query.boolean_query(clauses)))
            posts = self._reader.posts(request.actor, request.purpose, [id for id, _, _ in window.rest])
            request.posts |= posts
            window.rest = [entry for entry in window.rest if entry[1] in allowed and entry[0] in posts]

    def _vector(self, request: Request) -> NDArray[np.float32] | None:
        embed = self.embed
        if request.vector is None and embed is not None:
            query = request.query
            words = [*query.words, *(" ".join(phrase) for phrase in query.phrases)]
            words += [alternative.strip('"') for group in query.alternatives for alternative in group]
            if text := " ".join(words):
                request.vector = np.asarray(embed([text]), np.float32)[0]
        return request.vector

    def similar(self, request: Request, seqs: Sequence[int]) -> dict[int, float]:
        vector, vectors = self._vector(request), self.vectors
        return {} if vector is None or vectors is None else vectors.similar(vector, seqs)

    def near(self, request: Request) -> list[tuple[str, int]]:
        """(id, seq) of the posts nearest in meaning among those that the filters and the audience leave."""
        vector, vectors = self._vector(request), self.vectors
        if vector is None or vectors is None:
            return []
        wide = 4 * _NEAR
        while True:
            nearest = vectors.nearest(vector, wide)
            seqs = [seq for seq, _ in nearest]
            if not seqs:
                return []
            clauses = [*request.base, (MUST, any_of(self._index.schema, "seq", seqs))]
            found, _ = self._index.search(tantivy.Query.boolean_query(clauses), len(seqs), count=False)
            if len(found) >= _NEAR or len(nearest) < wide:
                place = {seq: rank for rank, seq in enumerate(seqs)}
                return [(hit.id, hit.seq) for hit in sorted(found, key=lambda hit: place[hit.seq])[:_NEAR]]
            wide *= 4


def permit(actor: Actor, purpose: Purpose) -> None:
    """Raises Forbidden for a program whose key is not for this purpose."""
    if not actor.may(purpose):
        raise Forbidden(f"This API key is not for the purpose {str(purpose)!r}; make one that is.")


def has_filters(query: Query) -> bool:
    """Whether something is asked besides words."""
    return replace(
        query, text="", words=(), phrases=(), alternatives=(), mentions=(), without=(), without_phrases=()
    ) != Query("")  # fmt: skip
