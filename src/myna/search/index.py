"""The word index on disk: opening, writing, reading, and starting over when it is damaged.

Notable choices:
- One process writes, held by a file lock; any number read, and see each commit. The lock goes with the process.
- `current.json` names the generation in use. A rebuild fills the next one beside it and then changes the name, so
  that searching goes on meanwhile and a crash leaves the old one whole.
- Everything that tantivy raises or panics with becomes IndexBroken, which `Search` answers with a rebuild.
"""

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import tantivy
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from myna.search.schema import SCHEMA, Cursor, cursor_document, make_schema, register

_HEAP = 96 << 20
"""Bytes the writer may fill before it makes a segment by itself."""

_ROOM = 16 << 20
"""Bytes free below which a disk counts as full."""
_FULL = os.strerror(errno.ENOSPC)


class IndexBroken(RuntimeError):
    """The files of the index cannot be read; it must be made anew from the log."""

    def raise_if_full(self, directory: Path) -> None:
        """Raises OSError where the disk has no room: what cannot be written for that is no damage."""
        if _FULL in str(self) or shutil.disk_usage(directory).free < _ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory)) from self


@dataclass(frozen=True, slots=True)
class Found:
    """A document that matched. score: BM25, or the time in milliseconds where newest first was asked."""

    id: str
    seq: int
    at: int
    score: float


@contextmanager
def _guarded() -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:
        raise IndexBroken(str(error)) from error
    except BaseException as error:
        # pyo3 raises a panic of the engine as a BaseException of its own.
        if type(error).__name__ != "PanicException":
            raise
        raise IndexBroken(str(error)) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file whole: after a crash it holds the old content or the new."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    # The name itself is only durable when its directory is.
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class Index:
    """The words of all posts, on disk under `directory`. One thread at a time writes; any number read."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.schema = make_schema()
        self.generation = 0
        self._lock = FileLock(directory / "writer.lock", thread_local=False)
        self._index: tantivy.Index | None = None
        self._writer: Any = None
        self._searcher: Any = None

    # -- opening ---------------------------------------------------------------------------------------------------

    def acquire(self) -> bool:
        """Becomes the writer if no other process is; whether we are it."""
        if self._lock.is_locked:
            return True
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        self._index = None
        return True

    def open(self) -> None:
        """Opens the generation in use. Raises IndexBroken if it cannot be, or is of another schema."""
        current = self._current()
        if current is None:
            raise IndexBroken("there is no index yet")
        if current.get("schema") != SCHEMA:
            raise IndexBroken("the index was made by another version")
        path = self._path(current["generation"])
        with _guarded():
            # Opening a directory without an index would make one.
            if not (path / "meta.json").exists():
                raise ValueError(f"{path.name} is not there")
            index = tantivy.Index.open(str(path))
            register(index)
            index.config_reader("manual")
            index.reload()
            searcher = index.searcher()
        self._writer, self.generation = None, current["generation"]
        self._index, self._searcher = index, searcher
        self.cursor()

    def start_over(self) -> None:
        """Begins an empty generation and uses it at once. Only the writer may."""
        generation = self._next()
        self._make(generation)
        self.switch(generation)

    def switch(self, generation: int) -> None:
        """Uses this generation from now on and removes all others. Only the writer may."""
        if self._writer is not None:
            self._writer = None
        content = orjson.dumps({"generation": generation, "schema": SCHEMA})
        write_atomically(self.directory / "current.json", content)
        self.open()
        for path in self.directory.glob("words-*"):
            if path != self._path(generation):
                shutil.rmtree(path, ignore_errors=True)

    def beside(self) -> "Index":
        """An empty next generation to fill while this one serves; then `switch` to its number."""
        other = Index.__new__(Index)
        other.directory, other.schema, other._lock = self.directory, self.schema, self._lock
        other.generation = self._next()
        other._make(other.generation)
        other._writer = None
        with _guarded():
            other._index = tantivy.Index.open(str(self._path(other.generation)))
            register(other._index)
            other._index.config_reader("manual")
            other._searcher = other._index.searcher()
        return other

    def refresh(self) -> bool:
        """Sees what another process committed; whether there is an index to read."""
        current = self._current()
        if current is None:
            return False
        if self._index is None or current["generation"] != self.generation:
            self.open()
        else:
            self._reload()
        return True

    @property
    def is_open(self) -> bool:
        """Whether there is something to search."""
        return self._searcher is not None

    @property
    def is_writer(self) -> bool:
        """Whether this process writes."""
        return bool(self._lock.is_locked)

    def close(self) -> None:
        """Lets go of the files and of the lock. What was not committed is gone, and will be read again."""
        if self._writer is not None:
            with _guarded():
                self._writer.rollback()
        self.release_writer()
        self._index = self._searcher = None
        self._lock.release(force=True)

    def release_writer(self) -> None:
        """Lets go of tantivy's writer (and its lock), not of ours."""
        self._writer = None

    def _current(self) -> dict[str, Any] | None:
        try:
            current = orjson.loads((self.directory / "current.json").read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise IndexBroken("current.json is not readable") from error
        if not isinstance(current, dict) or not isinstance(current.get("generation"), int):
            raise IndexBroken("current.json does not name a generation")
        return current

    def _path(self, generation: int) -> Path:
        return self.directory / f"words-{generation}"

    def _next(self) -> int:
        numbers = [int(path.name[6:]) for path in self.directory.glob("words-*") if path.name[6:].isdigit()]
        return max([self.generation, *numbers]) + 1

    def _make(self, generation: int) -> None:
        path = self._path(generation)
        path.mkdir(parents=True)
        with _guarded():
            index = tantivy.Index(self.schema, str(path))
            register(index)

    def _reload(self) -> None:
        with _guarded():
            assert self._index is not None
            self._index.reload()
            self._searcher = self._index.searcher()

    # -- writing ---------------------------------------------------------------------------------------------------

    @property
    def _writing(self) -> Any:
        if self._writer is None:
            if self._index is None:
                raise IndexBroken("the index is not open")
            with _guarded():
                self._writer = self._index.writer(_HEAP, 1)
        return self._writer

    def add(self, document: tantivy.Document) -> None:
        """Adds a document at the next commit."""
        with _guarded():
            self._writing.add_document(document)

    def drop(self, field: str, values: Iterable[str]) -> None:
        """Removes at the next commit the documents with one of these values."""
        with _guarded():
            for value in values:
                self._writing.delete_documents_by_term(field, value)

    def drop_seqs(self, seqs: Iterable[int]) -> None:
        """Removes at the next commit the posts of these seqs."""
        with _guarded():
            for seq in seqs:
                self._writing.delete_documents_by_term("seq", seq)

    def commit(self, cursor: Cursor) -> None:
        """Makes additions, removals and the cursor durable and findable, all or none."""
        with _guarded():
            try:
                self._writing.delete_documents_by_term("kind", "cursor")
                self._writing.add_document(cursor_document(cursor))
                self._writing.commit()
            except BaseException:
                # A writer that failed stays dead; the next begins at the last commit, and so do we.
                self._writer = None
                raise
        self._reload()

    def settle(self) -> None:
        """Waits for merges under way: after much was added, so that searching starts on few segments."""
        if self._writer is not None:
            with _guarded():
                self._writer.wait_merging_threads()
            self._writer = None
            self._reload()

    # -- reading ---------------------------------------------------------------------------------------------------

    def cursor(self) -> Cursor:
        """How far the log is in here."""
        with _guarded():
            searcher = self._searcher
            hits = searcher.search(tantivy.Query.term_query(self.schema, "kind", "cursor"), 1).hits
            if not hits:
                return Cursor()
            addresses = [hits[0][1]]
            found = {n: searcher.fast_field_values(f"cursor_{n}", addresses)[0] for n in Cursor.__slots__}
        return Cursor(**{name: int(value) for name, value in found.items()})

    def search(
        self, query: tantivy.Query, limit: int, newest: bool = False, count: bool = True
    ) -> tuple[list[Found], int]:
        """The best documents, or the newest, and how many match in all."""
        if limit < 1:
            return [], 0
        with _guarded():
            searcher = self._searcher
            result = searcher.search(query, limit, count=count, order_by_field="at" if newest else None)
            hits = list(result.hits)
            total = int(result.count) if count else 0
            if newest and len(hits) == limit:
                # The oldest moment of the page may be cut anywhere within; take its latest arrivals.
                last = hits[-1][0]
                hits = [hit for hit in hits if hit[0] != last]
                same = tantivy.Query.boolean_query(
                    [(tantivy.Occur.Must, query), (tantivy.Occur.Must, number_range(self.schema, "at", last, last))]
                )
                tied = searcher.search(same, limit - len(hits), count=False, order_by_field="seq").hits
                hits += [(last, address) for _, address in tied]
            addresses = [address for _, address in hits]
            if not addresses:
                return [], total
            seqs = searcher.fast_field_values("seq", addresses)
            times = searcher.fast_field_values("at", addresses)
            found = [
                Found(searcher.doc(address).get_first("id"), int(seq), int(at), float(score))
                for (score, address), seq, at in zip(hits, seqs, times, strict=True)
            ]
        if newest:
            found.sort(key=lambda hit: (hit.at, hit.seq), reverse=True)
        return found, total

    def people(self, query: tantivy.Query, limit: int) -> list[tuple[str, float]]:
        """(person id, score), best first."""
        with _guarded():
            searcher = self._searcher
            hits = searcher.search(query, limit, count=False).hits
            return [(searcher.doc(address).get_first("person"), float(score)) for score, address in hits]

    def seqs(self, query: tantivy.Query, limit: int = 50_000_000) -> list[int]:
        """The seq of every document that matches."""
        with _guarded():
            searcher = self._searcher
            limit = max(1, min(limit, int(searcher.num_docs)))
            addresses = [address for _, address in searcher.search(query, limit, count=False).hits]
            return [int(seq) for seq in searcher.fast_field_values("seq", addresses)] if addresses else []

    def count(self, query: tantivy.Query) -> int:
        """How many documents match."""
        with _guarded():
            return int(self._searcher.search(query, 1).count)

    def segments(self) -> list[tuple[NDArray[np.int64], list[str]]]:
        """The seqs of the posts (in order) and the ids of the people in each segment."""
        posts: defaultdict[int, list[tantivy.DocAddress]] = defaultdict(list)
        people: defaultdict[int, list[str]] = defaultdict(list)
        with _guarded():
            searcher = self._searcher
            most = max(1, int(searcher.num_docs))
            for kind in ("post", "person"):
                query = tantivy.Query.term_query(self.schema, "kind", kind)
                for _, address in searcher.search(query, most, count=False).hits:
                    if kind == "post":
                        posts[address.segment_ord].append(address)
                    else:
                        people[address.segment_ord].append(searcher.doc(address).get_first("person"))
            return [
                (np.sort(np.array(searcher.fast_field_values("seq", posts[ord]), np.int64)), people[ord])
                for ord in posts.keys() | people.keys()
            ]

    def frequency(self, field: str, term: str) -> int:
        """In how many documents a term occurs (those deleted but not yet merged away included)."""
        with _guarded():
            return int(self._searcher.doc_freq(field, term))

    def size(self) -> int:
        """Documents."""
        with _guarded():
            return int(self._searcher.num_docs)

    def terms(self, field: str, prefix: str, among: tantivy.Query) -> list[tuple[str, int]]:
        """(term, documents) for the terms that begin so, in the documents of the query, the most frequent first."""
        with _guarded():
            return list(self._searcher.terms_with_prefix(field, prefix, filter_query=among))


def number_range(
    schema: tantivy.Schema, field: str, low: int | None, high: int | None, include_high: bool = True
) -> tantivy.Query:
    """low <= field <= high, or < high; None for no bound."""
    if low is None and high is None:
        low = -(2**63)
    return tantivy.Query.range_query(
        schema, field, tantivy.FieldType.Integer, low, high, include_upper=include_high or high is None
    )


def any_of(schema: tantivy.Schema, field: str, values: Sequence[str] | Sequence[int]) -> tantivy.Query:
    """Documents with one of these values."""
    return tantivy.Query.term_set_query(schema, field, list(values))
