"""The search of a network: what is asked, found, ordered, shown and logged.

The way of a query: parse -> conditions of the index (words, filters, audience) -> candidates -> texts through the gate
-> score and order -> page -> decision log. A page's cursor is its decision's id: the next page goes on in the order
logged, so posts that arrive meanwhile move nothing.
"""

import logging
import threading
from pathlib import Path
from typing import Any

import tantivy

from myna.decisions import Decision, DecisionLog
from myna.gate import MYNA, Actor, Reader
from myna.network import NotFound, Person, Problem, Progress, Purpose, quiet
from myna.search import answers
from myna.search.analyzer import Unit, analyze
from myna.search.audience import MUST
from myna.search.follower import Embed, Follower
from myna.search.index import Index, IndexBroken, any_of, number_range
from myna.search.likes import Likes
from myna.search.matching import relaxed
from myna.search.meaning import Meaning
from myna.search.pages import Window, answer_output, page_output
from myna.search.people import People
from myna.search.ranking import Candidate, highlights, order
from myna.search.retrieval import WINDOW, Request, Retriever, has_filters, permit
from myna.search.schema import is_english
from myna.search.stopwords import STOPWORDS
from myna.search.suggest import suggest
from myna.search.types import Answer, Citation, Hit, Results
from myna.search.vectors import Vectors

logger = logging.getLogger("myna.search")

_MOST = 100
"""Posts on a page."""
_PROBES_EACH = 15
"""Probes judged in one follow, so that it stays short."""


class Search:
    """Search and answers over the posts of a network. Safe for many threads; `follow` may run beside `search`."""

    def __init__(
        self, directory: Path, reader: Reader, log: DecisionLog, embed: Embed | None = None, embed_version: str = ""
    ) -> None:
        self._directory = directory
        self._reader = reader
        self.log = log
        self._index = Index(directory)
        self._likes = Likes(directory / "likes.json")
        self._follower = Follower(self._index, self._likes, reader)
        self._following = threading.RLock()
        self._people = People(self._index, reader)
        self._retriever = Retriever(self._index, self._likes, reader, self._people)
        self._meaning = Meaning(directory / "meaning.json", self._follower, self._retriever, reader)
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
            self._meaning.judge(_PROBES_EACH)
            return changed

    def set_embed(self, embed: Embed | None, version: str) -> None:
        """Uses this embedding from now on. Meaning takes part once all posts are embedded and it has proved to help."""
        if embed is not None and not version:
            raise Problem("An embedding needs a version, so that its vectors are not mixed with another's.")
        with self._following:
            self.embed_version = version if embed is not None else ""
            vectors = Vectors(self._directory, version) if embed is not None else None
            self._follower.set_embed(embed, vectors)
            self._retriever.embed, self._retriever.vectors = embed, vectors
            self._meaning.use(self.embed_version)

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
            self._meaning.use(self.embed_version, again=True)
            self._meaning.judge(None)

    def check(self, deep: bool = False) -> dict[str, object]:
        """What is indexed, and what should be and is not: {"indexed", "vectors", "missing", "leaked", "writer", …}.

        missing: permitted posts not in the index; leaked: posts in it that are deleted or refused. Both look only at
        what came since the last commit unless `deep`, which reads every post.
        """
        self._ready()
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
            "meaning_judged": bool(self.embed_version) and self._meaning.fusion.version == self.embed_version,
            "meaning_weight": self._retriever.weight,
            "meaning_queries": self._meaning.fusion.queries,
            "meaning_ndcg": {kind: {"words": a, "with_meaning": b} for kind, a, b in self._meaning.fusion.ndcg},
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
        request = self._retriever.request(actor, Purpose.SEARCH, text, sort, before.input if before else None)
        snapshot = before.input["snapshot"] if before else self._index.cursor().posts
        window = Window(text, sort, limit, request.now, snapshot, request.weight)
        if before is not None:
            self._retriever.resume(request, window, before.input, before.output)
        elif request.query.has_text or has_filters(request.query):
            request.base.append((MUST, number_range(self._index.schema, "seq", None, snapshot)))
            self._retriever.first(request, window)
        while window.count < limit and not window.exhausted:
            self._retriever.extend(request, window)
        given = window.to_input()
        output = page_output(given)
        decision = self.log.write("search", actor.answered, Purpose.SEARCH, given, output, self.embed_version)
        hits = tuple(self._hit(request, id, score) for id, score in zip(output["hits"], output["scores"], strict=True))
        more = len(output["hits"]) < window.count or not window.exhausted
        return Results(
            request.query, hits, output["total"], output["relaxed"], decision if more and hits else "", decision
        )

    def _hit(self, request: Request, id: str, score: float) -> Hit:
        post = request.posts[id]
        marks = highlights(analyze(post.text), request.wanted, is_english(post)) if request.wanted else ()
        why = ("both" if id in request.near else "words") if marks or id not in request.near else "meaning"
        return Hit(post, score, marks, why)

    # -- pages -----------------------------------------------------------------------------------------------------

    def _before(self, actor: Actor, cursor: str) -> Decision:
        try:
            decision = self.log.get(cursor)
        except NotFound:
            decision = None
        if decision is None or decision.kind != "search" or decision.actor != actor.answered:
            raise Problem("This cursor is not of a search of yours; begin again without one.", 422)
        return decision

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
        request = self._retriever.request(actor, Purpose.ANSWER, question)
        wanted = [unit for unit in request.wanted if set(unit.sequence or unit.also) - STOPWORDS]
        request.wanted = wanted or request.wanted
        words = relaxed(self._index.schema, request.wanted)
        candidates: list[Candidate] = []
        if words:
            query = tantivy.Query.boolean_query([*request.base, *words])
            seqs = {hit.id: hit.seq for hit in self._index.search(query, WINDOW, count=False)[0]}
            meaning: dict[int, float] = {}
            if request.weight > 0:
                for id, seq in self._retriever.near(request):
                    seqs.setdefault(id, seq)
                    request.near.add(id)
                meaning = self._retriever.similar(request, list(seqs.values()))
            candidates = self._retriever.candidates(request, seqs, meaning, strict=True)
        ranked = order(candidates, "top", request.weight)[:30]
        documents = self._index.size()
        asked = answers.content(" ".join(request.query.words) or question)
        frequency = {word: self._retriever.frequency(Unit((word,), (word,))) for word in asked}
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
        decision = self.log.write("answer", actor.answered, Purpose.ANSWER, given, output, self.embed_version)
        citations = tuple(
            Citation(request.posts[id], start, end, score) for id, start, end, score in output["citations"]
        )
        scores = {c.id: score for c, score in ranked}
        closest = tuple(self._hit(request, id, scores[id]) for id in output["closest"])
        return Answer(question, citations, not citations, closest, decision)

    # -- people and suggestions ------------------------------------------------------------------------------------

    def people(self, actor: Actor, text: str, limit: int = 20) -> list[Person]:
        """People by handle or name, also half typed or mistyped; those this actor follows come first."""
        permit(actor, Purpose.SEARCH)
        self._ready()
        return self._people.find(actor, text, limit)

    def suggest(self, actor: Actor, prefix: str, limit: int = 8) -> list[str]:
        """What a query half typed may become: each suggestion is the whole query with its last word completed."""
        permit(actor, Purpose.SEARCH)
        self._ready()
        return suggest(self._index, self._reader, self._people, actor, prefix, limit)

    # -- readiness -------------------------------------------------------------------------------------------------

    def _ready(self) -> None:
        """Opens what is there to search. The first one to come makes it."""
        if not self._index.is_open:
            self.follow()
        if not self._index.is_open:
            raise Problem("The search index is being made by another process; ask again in a moment.", 503)

    def _mend(self) -> None:
        """After a failure inside the index: makes it anew where its files cannot be read. Raises Problem where they
        can, for then it was the query, and no query may cost a network its index."""
        with self._following:
            if not self._index.acquire():
                raise Problem("The search index is damaged, and another process is to mend it; ask again soon.", 503)
            try:
                self._index.release_writer()
                self._index.open()
                self._index.search(tantivy.Query.all_query(), WINDOW)
            except IndexBroken as error:
                self._follower.begin_anew(str(error))
                self._follower.follow()
            else:
                logger.warning("The index could not answer a query though its files can be read.")
                raise Problem("This query could not be answered. If others fail too, run `myna rebuild`.", 503)


def _replay(decision: Decision) -> dict[str, Any]:
    """A page or an answer computed again from its logged input."""
    return page_output(decision.input) if decision.kind == "search" else answer_output(decision.input)
