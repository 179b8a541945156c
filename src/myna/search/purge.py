"""Purging: what was deleted leaves the files of the index too, not only its answers.

A segment keeps the words of a deleted document until it is merged, which may be never. So the documents that live
beside one are written anew, a little at a time, until none of the deleted is held any more; a segment without a living
document is removed. Which segment it is tantivy does not say: those go first that hold the deleted post's neighbours in
the log, then the smallest. Another call of `step` goes on where the last one stopped.

At most a fifth of the time goes into it: a segment of ten thousand posts is purged within seconds, one of ten million
when its turn has come.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from myna.gate import MYNA, Reader
from myna.network import Post, Purpose
from myna.search.index import Index
from myna.search.schema import person_document

_STEP = 500
"""Documents written anew in one commit."""
_REST = 4.0
"""Seconds of rest for each second of a round."""

Segment = tuple[NDArray[np.int64], list[str]]
"""The seqs of the posts in a segment, in order, and the ids of the people."""


def suspected_first(segments: list[Segment], seqs: Sequence[int]) -> list[Segment]:
    """First the segments that hold the nearest neighbour of one of these seqs, then the others; each by size."""
    suspects: set[int] = set()
    if segments and seqs:
        suspects.update(np.argmin([_distances(held, np.array(seqs)) for held, _ in segments], axis=0).tolist())
    order = sorted(range(len(segments)), key=lambda n: (n not in suspects, len(segments[n][0]) + len(segments[n][1])))
    return [segments[n] for n in order]


def _distances(held: NDArray[np.int64], seqs: NDArray[np.int64]) -> NDArray[np.int64]:
    """How far each of seqs is from the nearest that is held, which are in order: (seqs,) int64."""
    if not len(held):
        return np.full(len(seqs), np.iinfo(np.int64).max)
    after = np.searchsorted(held, seqs)
    near = held[np.stack([np.maximum(after - 1, 0), np.minimum(after, len(held) - 1)])]
    return np.asarray(np.abs(near - seqs).min(axis=0))


class Purge:
    """Which deleted documents the files still hold, and the round under way. For the one that writes the index."""

    def __init__(self, index: Index, reader: Reader, add: Callable[[Index, Sequence[Post]], None]) -> None:
        self._index = index
        self._reader = reader
        self._add = add
        self._held: set[tuple[str, str]] = set()
        self._seqs: set[int] = set()
        self._round: list[Segment] = []
        self._began = 0.0
        self._rest_until = 0.0

    @property
    def done(self) -> bool:
        """Whether the files hold nothing that was deleted."""
        return not self._held

    def begin(self) -> None:
        """Looks for what was deleted in the files, after they were opened."""
        self._held, self._seqs, self._round, self._rest_until = set(), set(), [], 0.0
        seq = 0
        while deletions := self._reader.deletions_after(seq):
            self.deleted("id", (deletion.id for deletion in deletions if deletion.kind == "post"))
            self.deleted("person", (deletion.id for deletion in deletions if deletion.kind == "person"))
            self._look()
            seq = deletions[-1].seq

    def deleted(self, field: str, ids: Iterable[str], seqs: Iterable[int] = ()) -> None:
        """Remembers documents that were removed; seqs: their places in the log, as far as they are known."""
        self._held.update((field, id) for id in ids)
        self._seqs.update(seqs)

    def step(self, seconds: float) -> None:
        """Goes on for a while."""
        if not self._held:
            return
        end = time.monotonic() + seconds
        if not self._round:
            if time.monotonic() < self._rest_until or self._look():
                return
            self._began = time.monotonic()
            self._round = suspected_first(self._index.segments(), sorted(self._seqs))
            self._seqs = set()
        while self._round and time.monotonic() < end:
            self._round = self._move(self._round[0]) + self._round[1:]
            if self._look():
                self._round = []
        if not self._round:
            self._rest_until = time.monotonic() + _REST * (time.monotonic() - self._began)

    def _look(self) -> bool:
        """Forgets what the files do not hold any more; whether they hold nothing that was deleted."""
        self._held = {(field, id) for field, id in self._held if self._index.frequency(field, id)}
        return not self._held

    def _move(self, segment: Segment) -> list[Segment]:
        """Writes some documents of a segment anew; what is left of it."""
        seqs, people = segment
        if people:
            self._index.drop("person", people[:_STEP])
            for person in self._reader.people(people[:_STEP]).values():
                self._index.add(person_document(person))
            people = people[_STEP:]
        elif len(seqs):
            posts, last = self._reader.posts_after(MYNA, Purpose.SEARCH, int(seqs[0]) - 1, _STEP)
            # Where nothing follows in the log, all that is left has gone from there.
            some = seqs[seqs <= last] if last >= seqs[0] else seqs
            living = set(some.tolist())
            self._index.drop_seqs(some.tolist())
            self._add(self._index, [post for post in posts if post.seq in living])
            seqs = seqs[len(some) :]
        self._index.commit(self._index.cursor())
        return [(seqs, people)] if len(seqs) or people else []
