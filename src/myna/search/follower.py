"""Keeping index, vectors and likes up with the fact log.

Notable choices:
- The words come first and the vectors after, a little at a time, so that a new post is found and a deleted one gone
  within a moment even while a new model embeds all posts again.
- Vectors are cleared before the words are: whatever is still in the words can be cleared again after a crash.
- What was deleted is purged from the files of the index afterwards, see `purge.py`.
- A consent is followed too: an author's no takes their posts out of the index, a yes brings them back.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import tantivy
from numpy.typing import NDArray

from myna.gate import MYNA, Reader
from myna.network import Consent, Post, Progress, Purpose, quiet
from myna.search.index import Index, IndexBroken, any_of
from myna.search.likes import Likes
from myna.search.purge import Purge
from myna.search.schema import Cursor, person_document, post_document
from myna.search.vectors import Vectors

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to vectors: (n, dimension) float32."""

_BATCH = 10_000
_EMBED_BATCH = 64
_EMBED_SECONDS = 0.5
"""How long one follow may embed: less than the two seconds in which a deletion must be everywhere."""
_PURGE_SECONDS = 0.3

logger = logging.getLogger("myna.search")


class _TooMuchChanged(Exception):
    """A consent changed so many posts that the index is better made anew, beside the one in use."""


class Follower:
    """Reads the log into the index. One thread at a time."""

    def __init__(self, index: Index, likes: Likes, reader: Reader) -> None:
        self.index = index
        self.likes = likes
        self.reader = reader
        self.vectors: Vectors | None = None
        self.embed: Embed | None = None
        self.unembeddable = 0
        self.note = ""
        self._writes = False
        self._seen: dict[str, int] = {}
        self._missing: list[int] | None = None
        self.purge = Purge(index, reader, self._add)

    def set_embed(self, embed: Embed | None, vectors: Vectors | None) -> None:
        """Embeds with this from now on; None for words only."""
        self.embed, self.vectors, self._missing = embed, vectors, None

    # -- words -----------------------------------------------------------------------------------------------------

    def follow(self, progress: Progress = quiet) -> int:
        """Brings the index up with the log; returns how many posts were added or removed. Reads only where another
        process writes."""
        if not self.index.acquire():
            try:
                self.index.refresh()
            except IndexBroken:
                # The writer may have changed over to a new generation between two looks.
                self.index.refresh()
            if self.vectors is not None:
                self.vectors.refresh()
            self.likes.follow(self.reader)
            return 0
        if not self.index.is_open or not self._writes:
            self._open()
        last = self.reader.last_seq()
        try:
            if last == self._seen:
                self.purge.step(_PURGE_SECONDS)
                return 0
            changed = self._catch_up(self.index, progress)
            self.purge.step(_PURGE_SECONDS)
        except IndexBroken as error:
            # On a full disk the last commit stays in use, and the next follow tries again with another writer.
            self.index.release_writer()
            error.raise_if_full(self.index.directory)
            self.begin_anew(str(error))
            changed = self._catch_up(self.index, progress)
        except _TooMuchChanged:
            self.index.release_writer()
            self.rebuild(progress)
            changed = self.index.size()
        self.likes.follow(self.reader)
        self.likes.save()
        self._seen = last
        return changed

    def _open(self) -> None:
        """Opens the index as its writer, or begins a new one, saying why."""
        try:
            self.index.open()
            cursor = self.index.cursor()
            last = self.reader.last_seq()
            if cursor.posts > last["posts"] or cursor.deletions > last["deletions"]:
                raise IndexBroken("the index has read further than the log goes, so it is of another log")
        except IndexBroken as error:
            self.begin_anew(str(error))
        self.purge.begin()
        self._writes = True

    def begin_anew(self, why: str) -> None:
        """Uses an empty index from now on, to be filled from the log. Only the writer may."""
        fresh = why == "there is no index yet"
        if not fresh:
            self.note = f"The search index was made anew from the log: {why}."
            logger.warning(self.note)
        self.index.release_writer()
        self.index.start_over()
        self.purge.begin()
        self._writes = True
        self._seen = {}
        self._missing = None

    def _catch_up(self, index: Index, progress: Progress) -> int:
        cursor = index.cursor()
        changed = 0
        if cursor == Cursor():
            # What was said before anything was indexed needs no undoing.
            cursor = replace(cursor, consents=self.reader.last_seq()["consents"])
        total = self.reader.last_seq()["posts"] - cursor.posts
        done = 0
        while True:
            posts, seq = self.reader.posts_after(MYNA, Purpose.SEARCH, cursor.posts, _BATCH)
            if seq == cursor.posts:
                break
            self._add(index, posts)
            changed += len(posts)
            done += seq - cursor.posts
            cursor = replace(cursor, posts=seq)
            index.commit(cursor)
            progress(min(done, total), total)
        rest = replace(cursor, people=self._people(index, cursor.people))
        rest = replace(rest, consents=self._consents(index, rest))
        dropped, seq = self._deletions(index, rest.deletions)
        rest = replace(rest, deletions=seq)
        if rest != cursor:
            index.commit(rest)
        return changed + dropped

    def _add(self, index: Index, posts: Sequence[Post]) -> None:
        parents = self.reader.posts(MYNA, Purpose.SEARCH, {post.reply_to for post in posts if post.reply_to})
        for post in posts:
            to = ""
            if post.reply_to:
                parent = parents.get(post.reply_to)
                to = parent.author_id if parent else next(iter(post.mentions), "")
            index.add(post_document(post, to))

    def _people(self, index: Index, seq: int) -> int:
        while people := self.reader.people_after(seq, _BATCH):
            index.drop("person", [person.id for person in people])
            for person in people:
                index.add(person_document(person))
            seq = people[-1].seq
        return seq

    def _consents(self, index: Index, cursor: Cursor) -> int:
        """Takes out and brings back what consents changed; the newest seq read. Raises _TooMuchChanged for a consent
        about all posts or all of a source."""
        new: list[Consent] = []
        seq = cursor.consents
        while batch := self.reader.consents_after(seq):
            new += batch
            seq = batch[-1].seq
        subjects = {consent.subject for consent in new if consent.purpose is Purpose.SEARCH}
        if any(subject == "*" or subject.endswith(":*") for subject in subjects):
            raise _TooMuchChanged
        for subject in sorted(subjects):
            self._clear(index, any_of(index.schema, "author", [subject]))
            self._clear(index, any_of(index.schema, "id", [subject]))
            index.drop("author", [subject])
            index.drop("id", [subject])
            found = {p.id: p for p in self.reader.posts_by(MYNA, Purpose.SEARCH, subject, limit=10_000_000)}
            found |= self.reader.posts(MYNA, Purpose.SEARCH, [subject])
            back = [post for post in found.values() if post.seq <= cursor.posts]
            self._add(index, back)
            self._missing = None
        return seq

    def _deletions(self, index: Index, seq: int) -> tuple[int, int]:
        count = 0
        while deletions := self.reader.deletions_after(seq):
            ids = [deletion.id for deletion in deletions if deletion.kind == "post"]
            seqs = index.seqs(any_of(index.schema, "id", ids))
            if self.vectors is not None:
                self.vectors.clear(seqs)
            index.drop("id", ids)
            people = [deletion.id for deletion in deletions if deletion.kind == "person"]
            index.drop("person", people)
            self.purge.deleted("id", ids, seqs)
            self.purge.deleted("person", people)
            self.likes.drop(ids)
            count += len(ids)
            seq = deletions[-1].seq
        return count, seq

    def _clear(self, index: Index, query: tantivy.Query) -> None:
        if self.vectors is not None:
            self.vectors.clear(index.seqs(query))

    # -- vectors ---------------------------------------------------------------------------------------------------

    @property
    def vectors_complete(self) -> bool:
        """Whether every indexed post has a vector of the version in use."""
        if self.vectors is None or self.embed is None:
            return False
        return self._missing == [] and self.vectors.seq >= self.index.cursor().posts

    def embed_some(self, seconds: float = _EMBED_SECONDS, progress: Progress = quiet) -> int:
        """Gives vectors to posts that have none, for a while; returns to how many."""
        if self.vectors is None or self.embed is None or not self.index.is_writer or not self.index.is_open:
            return 0
        end = time.monotonic() + seconds
        last = self.index.cursor().posts
        if self._missing is None:
            # After a restart, a new index or a consent: what each of the two has that the other has not.
            indexed = set(self.index.seqs(tantivy.Query.term_query(self.index.schema, "kind", "post")))
            held, newest = set(self.vectors.seqs().tolist()), self.vectors.seq
            self.vectors.clear(sorted(held - indexed))
            self._missing = sorted(seq for seq in indexed - held if seq <= newest)
        count = 0
        begun = self.vectors.seq
        while time.monotonic() < end:
            if self._missing:
                seqs, self._missing = self._missing[:_EMBED_BATCH], self._missing[_EMBED_BATCH:]
                found = [self.reader.posts_after(MYNA, Purpose.SEARCH, seq - 1, 1)[0] for seq in seqs]
                posts = [post for some, seq in zip(found, seqs, strict=True) for post in some if post.seq == seq]
            else:
                start = self.vectors.seq
                posts, seq = self.reader.posts_after(MYNA, Purpose.SEARCH, start, _EMBED_BATCH)
                posts = [post for post in posts if post.seq <= last]
                if seq == start or start >= last:
                    break
                if not posts:
                    # A stretch of refused posts: a cleared row remembers that it was read.
                    self._append([min(seq, last)], [""])
                    self.vectors.clear([min(seq, last)])
                    continue
            self._append([post.seq for post in posts], [post.text for post in posts])
            count += len(posts)
            progress(self.vectors.seq - begun, last - begun)
        return count

    def _append(self, seqs: Sequence[int], texts: Sequence[str]) -> None:
        assert self.vectors is not None and self.embed is not None
        asked = [place for place, text in enumerate(texts) if text.strip()]
        found = np.asarray(self.embed([texts[place] for place in asked] or ["."]), np.float32)
        # A post without words, or one that the model makes nothing of, is near to nothing.
        rows = np.zeros((len(texts), found.shape[1]), np.float32)
        rows[asked] = found[: len(asked)]
        broken = ~np.isfinite(rows).all(1)
        self.unembeddable += int(broken.sum())
        rows[broken] = 0
        self.vectors.append(seqs, rows)

    # -- anew ------------------------------------------------------------------------------------------------------

    def rebuild(self, progress: Progress = quiet) -> None:
        """Makes the words anew beside those in use, and then changes over. Raises IndexBroken where it may not."""
        beside = self.index.beside()
        self._catch_up(beside, progress)
        beside.settle()
        beside.release_writer()
        self.index.release_writer()
        self.index.switch(beside.generation)
        self.purge.begin()
        self.likes.reset()
        self.likes.follow(self.reader)
        self.likes.save(always=True)
        self._missing = None
