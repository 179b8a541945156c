"""The search of a network: what is asked, found, ordered, shown and logged.

The way of a query: parse -> conditions of the index (words, filters, audience) -> candidates -> texts through the gate
-> score and order -> page -> decision log. A page's cursor is its decision's id: the next page goes on in the order
logged, so posts that arrive meanwhile move nothing.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import tantivy
from numpy.typing import NDArray

from myna.decisions import Decision, DecisionLog
from myna.gate import MYNA, Actor, ActorKind, Reader
from myna.network import EdgeKind, Forbidden, NotFound, Person, Post, Problem, Progress, Purpose, now_ms, quiet
from myna.search import answers
from myna.search.analyzer import Unit, analyze, folded, units
from myna.search.audience import MUST, MUST_NOT, SHOULD, Clause, audience
from myna.search.follower import Embed, Follower
from myna.search.fusion import WEIGHTS, Fusion, Probe, judge, probes
from myna.search.index import Index, IndexBroken, any_of, number_range, write_atomically
from myna.search.likes import Likes
from myna.search.matching import filters, query_units, relaxed, strict
from myna.search.pages import Window, answer_output, page_output
from myna.search.query import OPERATORS, parse
from myna.search.ranking import Candidate, Scorer, highlights, order, root, tie
from myna.search.schema import is_english
from myna.search.stopwords import STOPWORDS
from myna.search.types import Answer, Citation, Hit, Query, Results
from myna.search.vectors import Vectors

_WINDOW = 200
"""Candidates scored at a time."""
_NEAR = 60
"""Posts that meaning adds to them."""
_MOST = 100
"""Posts on a page."""
_PROBES_EACH = 15
"""Probes judged in one follow, so that it stays short."""


@dataclass(slots=True)
class _Request:
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


class Search:
    """Search and answers over the posts of a network. Safe for many threads; `follow` may run beside `search`."""

    def __init__(
        self, directory: Path, reader: Reader, log: DecisionLog, embed: Embed | None = None, embed_version: str = ""
    ) -> None:
        self._directory = directory
        self._reader = reader
        self._log = log
        self._index = Index(directory)
        self._likes = Likes(directory / "likes.json")
        self._follower = Follower(self._index, self._likes, reader)
        self._following = threading.RLock()
        self._fusion = Fusion("")
        self._asked: list[Probe] | None = None
        self._places: dict[Probe, dict[float, int | None]] = {}
        self.embed_version = ""
        self.set_embed(embed, embed_version)
        log.replays("search", _replay)
        log.replays("answer", _replay)

    # -- keeping up ------------------------------------------------------------------------------------------------

    def follow(self, progress: Progress = quiet) -> int:
        """Catches up with the log; returns how many posts were added, removed or embedded. Does nothing but look where
        another process writes the index."""
        with self._following:
            changed = self._follower.follow(progress)
            changed += self._follower.embed_some()
            self._judge(_PROBES_EACH)
            return changed

    def set_embed(self, embed: Embed | None, version: str) -> None:
        """Uses this embedding from now on. Meaning takes part once all posts are embedded and it has proved to help."""
        if embed is not None and not version:
            raise Problem("An embedding needs a version, so that its vectors are not mixed with another's.")
        with self._following:
            self.embed_version = version if embed is not None else ""
            vectors = Vectors(self._directory, version) if embed is not None else None
            self._follower.set_embed(embed, vectors)
            self._fusion = self._kept_fusion(self.embed_version)
            self._asked, self._places = None, {}

    def rebuild(self, progress: Progress = quiet) -> None:
        """Makes index and vectors anew from the log, and judges again what meaning is worth. Searching goes on."""
        with self._following:
            if not self._index.acquire():
                raise Problem(
                    "Another process is writing the search index; stop it (the server, most likely) and rebuild then.",
                    409,
                )
            self._follower.follow()
            self._follower.rebuild(progress)
            if self._follower.vectors is not None:
                self._follower.vectors.reset()
            while self._follower.embed_some(3600.0, progress):
                pass
            self._fusion, self._asked = Fusion(""), None
            self._judge(None)

    def check(self, deep: bool = False) -> dict[str, object]:
        """What is indexed, and what should be and is not: {"indexed", "vectors", "missing", "leaked", "writer", …}.

        missing: permitted posts not in the index; leaked: posts in it that are deleted or refused. Both look only at
        what came since the last commit unless `deep`, which reads every post.
        """
        if not self._index.is_open:
            self.follow()
        index = self._index
        posts = tantivy.Query.term_query(index.schema, "kind", "post")
        cursor = index.cursor()
        missing = leaked = 0
        seq, permitted = 0 if deep else cursor.posts, set[int]()
        while True:
            found, newest = self._reader.posts_after(MYNA, Purpose.SEARCH, seq)
            if newest == seq:
                break
            permitted |= {post.seq for post in found}
            seq = newest
        if deep:
            indexed = set(index.seqs(posts))
            missing, leaked = len(permitted - indexed), len(indexed - permitted)
        else:
            missing = len(permitted)
            gone = [d.id for d in self._reader.deletions_after(cursor.deletions) if d.kind == "post"]
            leaked = index.count(any_of(index.schema, "id", gone)) if gone else 0
        vectors = self._follower.vectors
        return {
            "indexed": index.count(posts),
            "missing": missing,
            "leaked": leaked,
            "vectors": len(vectors) if vectors is not None else 0,
            "vectors_complete": self._follower.vectors_complete,
            "embed_version": self.embed_version,
            "unembeddable": self._follower.unembeddable,
            "meaning_weight": self._weight(),
            "meaning_queries": self._fusion.queries,
            "meaning_ndcg": {kind: {"words": a, "with_meaning": b} for kind, a, b in self._fusion.ndcg},
            "writer": index.is_writer,
            "note": self._follower.note,
        }

    def close(self) -> None:
        """Lets go of the index. What is not yet in it is read from the log next time."""
        with self._following:
            if self._index.is_writer:
                self._likes.save(always=True)
            self._index.close()

    # -- searching -------------------------------------------------------------------------------------------------

    def search(self, actor: Actor, text: str, limit: int = 20, cursor: str = "", sort: str = "top") -> Results:
        """A page of posts for a query that this actor may find.

        cursor: "" for the first page, else that of the page before. sort: `top`, or `latest` for newest first. Raises
        Problem for a limit or sort that is none and for a cursor that is not this actor's; never for the text.
        """
        if not 1 <= limit <= _MOST:
            raise Problem(f"A page has 1 to {_MOST} posts, not {limit}.", 422)
        if sort not in ("top", "latest"):
            raise Problem(f"Posts are sorted by `top` or `latest`, not by {sort!r}.", 422)
        before = self._before(actor, cursor) if cursor else None
        try:
            return self._search(actor, text, limit, before, sort)
        except IndexBroken:
            self._mend()
            return self._search(actor, text, limit, before, sort)

    def _search(self, actor: Actor, text: str, limit: int, before: Decision | None, sort: str) -> Results:
        self._ready()
        if before is not None:
            text, sort = before.input["text"], before.input["sort"]
        request = self._request(actor, Purpose.SEARCH, text, sort, before)
        snapshot = before.input["snapshot"] if before else self._index.cursor().posts
        window = Window(text, sort, limit, request.now, snapshot, request.weight)
        if before is not None:
            self._resume(request, window, before)
        elif request.query.has_text or _has_filters(request.query):
            request.base.append((MUST, number_range(self._index.schema, "seq", None, snapshot)))
            self._first(request, window)
        while window.count < limit and not window.exhausted:
            self._extend(request, window)
        given = window.to_input()
        output = page_output(given)
        decision = self._log.write("search", str(actor), Purpose.SEARCH, given, output, self.embed_version)
        hits = tuple(self._hit(request, id, score) for id, score in zip(output["hits"], output["scores"], strict=True))
        more = len(output["hits"]) < window.count or not window.exhausted
        return Results(
            request.query, hits, output["total"], output["relaxed"], decision if more and hits else "", decision
        )

    def _request(
        self, actor: Actor, purpose: Purpose, text: str, sort: str = "top", before: Decision | None = None
    ) -> _Request:
        if actor.kind is ActorKind.PROGRAM and purpose not in actor.purposes:
            raise Forbidden(f"This API key is not for the purpose {str(purpose)!r}; make one that is.")
        query = parse(text)
        schema = self._index.schema
        scope = self._reader.scope(actor, purpose)
        liked = self._likes.at_least(query.min_likes) if query.min_likes else None
        people = {h: self._ids_of(h, actor) for h in (*query.authors, *query.without_authors, *query.to)}
        base = [*audience(schema, self._reader, scope), *filters(schema, query, people, liked)]
        now = before.input["now"] if before else now_ms()
        weight = before.input["weight"] if before else self._weight()
        return _Request(actor, purpose, query, query_units(query), base, sort, now, weight)

    def _first(self, request: _Request, window: Window) -> None:
        """The first candidates: all words, and where those find less than a page, any of them."""
        words = strict(self._index.schema, request.query)
        if request.query.has_text and not words and not _has_filters(request.query):
            # Nothing but punctuation: no word is asked for, and everything is no answer.
            return
        window.exhausted = False
        window.phase = "strict"
        self._extend(request, window)
        window.total = window.found
        several = len(request.wanted) > 1 or request.weight > 0
        if window.found < window.limit and words and several and request.sort == "top":
            window.phase, window.relaxed, window.exhausted = "relaxed", True, False
            held = window.count
            self._extend(request, window)
            window.relaxed = window.count > held
            window.total = max(window.found, window.count)

    def _extend(self, request: _Request, window: Window) -> None:
        """Adds the next candidates to the window."""
        schema = self._index.schema
        loose = window.phase == "relaxed"
        words = relaxed(schema, request.wanted) if loose else strict(schema, request.query)
        clauses = [*request.base, *words]
        if seen := window.all_seqs():
            clauses.append((MUST_NOT, any_of(schema, "seq", seen)))
        newest = request.sort == "latest" or not words
        query = tantivy.Query.boolean_query(clauses)
        found, window.found = self._index.search(query, _WINDOW, newest=newest)
        window.exhausted = len(found) < _WINDOW
        seqs = {hit.id: hit.seq for hit in found}
        meaning: dict[int, float] = {}
        if request.weight > 0 and words and request.sort == "top":
            if loose and not window.near_asked:
                window.near_asked = True
                known = set(seen)
                for id, seq in self._near(request):
                    if seq not in known:
                        seqs.setdefault(id, seq)
                        request.near.add(id)
            meaning = self._similar(request, list(seqs.values()))
        batch = self._candidates(request, seqs, meaning, strict=not loose)
        window.add(batch)
        # What the gate refused has been seen too, or it would be found again for ever.
        window.seen += sorted(set(seqs.values()) - {candidate.seq for candidate in batch})

    def _candidates(
        self, request: _Request, seqs: dict[str, int], meaning: dict[int, float], strict: bool
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
        return Scorer(wanted, {unit: self._frequency(unit) for unit in wanted}, self._index.size())

    def _frequency(self, unit: Unit) -> int:
        index = self._index
        if len(unit.sequence) == 1:
            word = unit.sequence[0]
            return max(index.frequency("words", word), index.frequency("stems", root(word)) if unit.also else 0)
        if unit.sequence:
            return min(index.frequency("words", term) for term in unit.sequence)
        return max((index.frequency("also", term) for term in unit.also), default=0)

    def _hit(self, request: _Request, id: str, score: float) -> Hit:
        post = request.posts[id]
        marks = highlights(analyze(post.text), request.wanted) if request.wanted else ()
        why = ("both" if id in request.near else "words") if marks or id not in request.near else "meaning"
        return Hit(post, score, marks, why)

    # -- pages -----------------------------------------------------------------------------------------------------

    def _before(self, actor: Actor, cursor: str) -> Decision:
        try:
            decision = self._log.get(cursor)
        except NotFound:
            decision = None
        if decision is None or decision.kind != "search" or decision.actor != str(actor):
            raise Problem("This cursor is not of a search of yours; begin again without one.", 422)
        return decision

    def _resume(self, request: _Request, window: Window, before: Decision) -> None:
        """Goes on after a page, with those of its candidates that were not shown and may still be."""
        window.resume(before.input, before.output)
        schema = self._index.schema
        request.base.append((MUST, number_range(schema, "seq", None, window.snapshot)))
        seqs = [seq for _, seq, _ in window.rest]
        if seqs:
            clauses = [*request.base, (MUST, any_of(schema, "seq", seqs))]
            allowed = set(self._index.seqs(tantivy.Query.boolean_query(clauses)))
            posts = self._reader.posts(request.actor, request.purpose, [id for id, _, _ in window.rest])
            request.posts |= posts
            window.rest = [entry for entry in window.rest if entry[1] in allowed and entry[0] in posts]

    # -- meaning ---------------------------------------------------------------------------------------------------

    def _weight(self) -> float:
        return self._fusion.weight if self._follower.vectors is not None else 0.0

    def _vector(self, request: _Request) -> NDArray[np.float32] | None:
        embed = self._follower.embed
        if request.vector is None and embed is not None:
            query = request.query
            words = [*query.words, *(" ".join(phrase) for phrase in query.phrases)]
            words += [alternative.strip('"') for group in query.alternatives for alternative in group]
            if text := " ".join(words):
                request.vector = np.asarray(embed([text]), np.float32)[0]
        return request.vector

    def _similar(self, request: _Request, seqs: Sequence[int]) -> dict[int, float]:
        vector, vectors = self._vector(request), self._follower.vectors
        return {} if vector is None or vectors is None else vectors.similar(vector, seqs)

    def _near(self, request: _Request) -> list[tuple[str, int]]:
        """(id, seq) of the posts nearest in meaning among those that the filters and the audience leave."""
        vector, vectors = self._vector(request), self._follower.vectors
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

    def _kept_fusion(self, version: str) -> Fusion:
        path = self._directory / "meaning.json"
        if not version or not path.exists():
            return Fusion("")
        try:
            kept = orjson.loads(path.read_bytes())
            if kept["version"] != version:
                return Fusion("")
            return Fusion(version, kept["weight"], kept["queries"], tuple((k, a, b) for k, a, b in kept["ndcg"]))
        except (ValueError, KeyError, TypeError):
            # Measured again as if it had never been.
            return Fusion("")

    def _judge(self, most: int | None) -> None:
        """Measures what meaning is worth, some probes at a time; None for all at once."""
        version = self.embed_version
        if not version or self._fusion.version == version or not self._index.is_writer:
            return
        if not self._follower.vectors_complete:
            return
        if self._asked is None:
            self._asked, self._places = self._probes(), {}
        waiting = [probe for probe in self._asked if probe not in self._places]
        for probe in waiting[:most]:
            self._places[probe] = self._probe(probe)
        if most is not None and len(waiting) > most:
            return
        places = self._places
        self._fusion = judge(self._asked, lambda probe, weight: places[probe][weight], version)
        kept = {"version": version, "weight": self._fusion.weight, "queries": self._fusion.queries}
        write_atomically(self._directory / "meaning.json", orjson.dumps({**kept, "ndcg": self._fusion.ndcg}))
        if self._follower.vectors is not None:
            self._follower.vectors.remove_others()
        self._asked, self._places = None, {}

    def _probes(self) -> list[Probe]:
        posts: list[Post] = []
        last = self._index.cursor().posts
        # From the whole log: equal strides of it.
        for start in range(0, last, max(1, last // 20)):
            found, _ = self._reader.posts_after(MYNA, Purpose.SEARCH, start, 400)
            posts += [post for post in found if post.seq <= last]
        posts = list({post.id: post for post in posts}.values())
        parents = self._reader.posts(MYNA, Purpose.SEARCH, {post.reply_to for post in posts if post.reply_to})
        return probes(posts, {post.id: parents[post.reply_to] for post in posts if post.reply_to in parents})

    def _probe(self, probe: Probe) -> dict[float, int | None]:
        """weight -> the place of the probe's answer, None where it is not found."""
        request = self._request(MYNA, Purpose.SEARCH, probe.text)
        request.weight = 1.0
        window = Window(probe.text, "top", 20, request.now, 0, 1.0)
        self._first(request, window)
        found: dict[float, int | None] = {}
        for weight in WEIGHTS:
            # Without meaning, what only meaning found is not there.
            held = [c for c in window.candidates if c.id != probe.asker and (weight > 0 or c.words > 0)]
            places = (place for place, (c, _) in enumerate(order(held, "top", weight)) if c.id == probe.answer)
            found[weight] = next(places, None)
        return found

    # -- answers ---------------------------------------------------------------------------------------------------

    def ask(self, actor: Actor, question: str) -> Answer:
        """An answer made of spans of posts, or, where none answers, the posts that come closest.

        Operators work in questions too: `who won? from:lan since:2024`.
        """
        try:
            return self._ask(actor, question)
        except IndexBroken:
            self._mend()
            return self._ask(actor, question)

    def _ask(self, actor: Actor, question: str) -> Answer:
        self._ready()
        request = self._request(actor, Purpose.ANSWER, question)
        wanted = [unit for unit in request.wanted if set(unit.sequence or unit.also) - STOPWORDS]
        request.wanted = wanted or request.wanted
        words = relaxed(self._index.schema, request.wanted)
        candidates: list[Candidate] = []
        if words:
            query = tantivy.Query.boolean_query([*request.base, *words])
            seqs = {hit.id: hit.seq for hit in self._index.search(query, _WINDOW, count=False)[0]}
            meaning: dict[int, float] = {}
            if request.weight > 0:
                for id, seq in self._near(request):
                    seqs.setdefault(id, seq)
                    request.near.add(id)
                meaning = self._similar(request, list(seqs.values()))
            candidates = self._candidates(request, seqs, meaning, strict=True)
        ranked = order(candidates, "top", request.weight)[:30]
        documents = self._index.size()
        asked = answers.content(" ".join(request.query.words) or question)
        frequency = {word: self._frequency(Unit((word,), (word,))) for word in asked}
        idf = {word: answers.rarity(count, documents) for word, count in frequency.items()}
        texts = {c.id: request.posts[c.id].text for c, _ in ranked}
        best = ranked[0][1] if ranked else 0.0
        retrieved = {c.id: score / best if best > 0 else 0.0 for c, score in ranked}
        found = answers.spans(question, idf, texts, retrieved)[:20]
        spans = [span for span, _ in found]
        given = {
            "text": question,
            "candidates": [[c.id, c.words, c.meaning] for c, _ in ranked],
            "spans": [[span.id, span.start, span.end, span.score] for span in spans],
            "alike": answers.similarity([terms for _, terms in found]),
            "enough": answers.ENOUGH,
        }
        output = answer_output(given)
        decision = self._log.write("answer", str(actor), Purpose.ANSWER, given, output, self.embed_version)
        citations = tuple(
            Citation(request.posts[id], start, end, score) for id, start, end, score in output["citations"]
        )
        scores = {c.id: score for c, score in ranked}
        closest = tuple(self._hit(request, id, scores[id]) for id in output["closest"])
        return Answer(question, citations, not citations, closest, decision)

    # -- people and suggestions ------------------------------------------------------------------------------------

    def people(self, actor: Actor, text: str, limit: int = 20) -> list[Person]:
        """People by handle or name, also half typed or mistyped; those this actor follows come first."""
        self._ready()
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

    def suggest(self, actor: Actor, prefix: str, limit: int = 8) -> list[str]:
        """What a query half typed may become: each suggestion is the whole query with its last word completed."""
        self._ready()
        head, space, last = prefix.rpartition(" ")
        found: list[str] = []
        operator, colon, value = last.partition(":")
        if last.startswith("#"):
            found = [tag for tag, _ in self._tags(actor, last)]
        elif last.startswith("@"):
            found = ["@" + person.handle for person in self.people(actor, last[1:], limit)]
        elif colon and operator.lstrip("-") in ("from", "to") and value:
            found = [f"{operator}:{person.handle}" for person in self.people(actor, value, limit)]
        elif len(last) >= 2:
            found = [name for name in OPERATORS if name.startswith(last.lower()) and name != last]
            found += [tag for tag, _ in self._tags(actor, "#" + last)]
            found += ["@" + person.handle for person in self.people(actor, last, 3)]
        return [head + space + text for text in dict.fromkeys(found)][:limit]

    def _tags(self, actor: Actor, prefix: str) -> list[tuple[str, int]]:
        """(tag, posts) of tags that begin so in what this actor may find; a tag of refused posts is not told."""
        base = audience(self._index.schema, self._reader, self._reader.scope(actor, Purpose.SEARCH))
        plain = "#" + folded(prefix[1:])[0]
        return self._index.terms("also", plain, tantivy.Query.boolean_query(base))

    def _ids_of(self, handle: str, actor: Actor) -> tuple[str, ...]:
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

    # -- readiness -------------------------------------------------------------------------------------------------

    def _ready(self) -> None:
        """Opens what is there to search. The first one to come makes it."""
        if not self._index.is_open:
            self.follow()
        if not self._index.is_open:
            raise Problem("The search index is being made by another process; ask again in a moment.", 503)

    def _mend(self) -> None:
        """After a damaged file was met: makes the index anew if this process may write it."""
        with self._following:
            if not self._index.acquire():
                raise Problem("The search index is damaged, and another process is to mend it; ask again soon.", 503)
            self._follower.begin_anew("its files are damaged")
            self._follower.follow()


def _prefix(schema: tantivy.Schema, name: str, text: str, boost: float) -> tantivy.Query:
    query = tantivy.Query.fuzzy_term_query(schema, name, text, 0, True, prefix=True)
    return tantivy.Query.boost_query(query, boost)


def _has_filters(query: Query) -> bool:
    """Whether something is asked besides words."""
    return replace(
        query, text="", words=(), phrases=(), alternatives=(), mentions=(), without=(), without_phrases=()
    ) != Query("")  # fmt: skip


def _replay(decision: Decision) -> dict[str, Any]:
    """A page or an answer computed again from its logged input."""
    return page_output(decision.input) if decision.kind == "search" else answer_output(decision.input)
