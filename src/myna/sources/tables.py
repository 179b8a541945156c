"""Files of rows: Parquet, JSON lines, a JSON array of objects, CSV. Read as batches of columns of Python values."""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from myna.network import Problem
from myna.sources.container import BROKEN, UNREADABLE, Entry
from myna.sources.reading import TOO_LONG, Broken, elements, lines, parse
from myna.sources.values import UNFIT, Bad

ROWS = 5_000
"""Rows in a batch: one transaction of the store."""
_MEMORY = 1 << 30
"""Bytes of a Parquet file inside an archive, which must be held in memory to be read."""
FORMATS = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Columns:
    """A batch of rows. values: column -> one value per row, None for missing. bad: row -> why it cannot be used."""

    count: int
    values: dict[str, list[Any]]
    share: float
    first: int = 1
    numbers: list[int] | None = None
    bad: Bad = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows. columns: those it has. read(wanted) -> batches of these columns."""

    columns: tuple[str, ...]
    unit: str
    read: Callable[[Iterable[str]], Iterator[Columns]]


def suffix(name: str) -> str:
    """The format a file's name tells, looking through .gz."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def table(entry: Entry) -> Table:
    """The rows of a file. Raises Problem, or what is in UNREADABLE, for one that is broken from its beginning."""
    kind = suffix(entry.name)
    if kind == ".parquet":
        return _parquet(entry)
    if kind in (".csv", ".tsv"):
        return _csv(entry)
    # A file called .json may hold an array, or a record in each line.
    with entry.open() as file:
        head = next(lines(file), (b"", 0))[0] or b""
    return _json(entry, head.lstrip().startswith(b"["))


# -- Parquet -----------------------------------------------------------------------------------------------------------


def _parquet(entry: Entry) -> Table:
    source: Any = entry.path
    if source is None:
        if entry.size > _MEMORY:
            raise Problem(f"It is a Parquet file of {entry.size:,} bytes inside an archive; unpack the archive first.")
        with entry.open() as stream:
            source = pa.BufferReader(stream.read(_MEMORY + 1))
    file = pq.ParquetFile(source)

    def read(wanted: Iterable[str]) -> Iterator[Columns]:
        names = list(dict.fromkeys(name for name in file.schema_arrow.names if name in set(wanted)))
        total = max(file.metadata.num_rows, 1)
        done = 0
        for group in range(file.metadata.num_row_groups):
            end = done + file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(ROWS, row_groups=[group], columns=names):
                    # Of two columns of one name the first.
                    values = {name: _python(batch.column(batch.schema.names.index(name))) for name in names}
                    yield Columns(batch.num_rows, values, (done + batch.num_rows) / total, done + 1)
                    done += batch.num_rows
            except UNREADABLE:
                # A damaged page spoils its row group; the others can still be read.
                while done < end:
                    rows = min(ROWS, end - done)
                    bad = dict.fromkeys(range(rows), "in a damaged row group of the Parquet file")
                    yield Columns(rows, {}, (done + rows) / total, done + 1, bad=bad)
                    done += rows

    return Table(tuple(file.schema_arrow.names), "row", read)


def _python(column: pa.Array) -> list[Any]:
    """A column as Python values: times as milliseconds since the epoch (they are numbers from here on)."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind):
        # A clock without a zone is taken as UTC.
        column = pc.cast(column, pa.timestamp("ms", kind.tz), safe=False).cast(pa.int64())
        return _Milliseconds(column.to_pylist())
    if pa.types.is_date(kind):
        return _Milliseconds(pc.cast(column, pa.timestamp("ms")).cast(pa.int64()).to_pylist())
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and not pa.types.is_nested(kind.value_type):
        flat = _each(column.flatten())
        out, start = [], 0
        for length in pc.fill_null(pc.list_value_length(column), 0).to_pylist():
            out.append(flat[start : start + length])
            start += length
        return out
    if (pa.types.is_integer(kind) or pa.types.is_boolean(kind)) and not column.null_count:
        return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]
    return _each(column)


def _each(column: pa.Array) -> list[Any]:
    """The values one by one where Python does not take all of them: one that it does not spoils only its own row."""
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError):
        return [_one(value) for value in column]


def _one(value: pa.Scalar) -> Any:
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        return UNFIT


class _Milliseconds(list[Any]):
    """A column of times that are known to be milliseconds."""


def in_milliseconds(values: list[Any]) -> bool:
    """Whether a column came with a type that says that it is a time."""
    return isinstance(values, _Milliseconds)


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(entry: Entry, array: bool) -> Table:
    rows = _json_rows(entry, array)
    head, broken = _take(rows)
    if broken and not head:
        raise broken
    names: dict[str, None] = {}
    for row, _, _ in head:
        if isinstance(row, dict):
            names.update(dict.fromkeys(map(str, row)))

    def read(wanted: Iterable[str]) -> Iterator[Columns]:
        chosen = [name for name in names if name in set(wanted)]
        batch, error = head, broken
        while batch:
            yield _transposed(batch, chosen, entry.size)
            if error:
                raise error
            batch, error = _take(rows)
        if error:
            raise error

    return Table(tuple(names), "record" if array else "line", read)


_Row = tuple[Any, int, int]
"""What was parsed, its number, the bytes read so far."""


def _json_rows(entry: Entry, array: bool) -> Iterator[_Row]:
    with entry.open() as file:
        if array:
            for number, (element, done) in enumerate(elements(file), start=1):
                yield element, number, done
            return
        for number, (line, done) in enumerate(lines(file), start=1):
            if line is None:
                yield Broken(TOO_LONG), number, done
            elif line and not line.isspace():
                yield parse(line), number, done


def _take(rows: Iterator[_Row]) -> tuple[list[_Row], Exception | None]:
    """The next rows, and what stopped their reading, if anything did: the rows before it are kept."""
    batch: list[_Row] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == ROWS:
                break
    except BROKEN as error:
        return batch, error
    return batch, None


def _transposed(batch: list[_Row], names: list[str], size: int) -> Columns:
    bad: Bad = {}
    rows: list[dict[str, Any]] = []
    for index, (row, _, _) in enumerate(batch):
        if isinstance(row, dict):
            rows.append(row)
        else:
            bad[index] = row.reason if isinstance(row, Broken) else "not a JSON object"
            rows.append({})
    values = {name: [row.get(name) for row in rows] for name in names}
    share = min(1.0, batch[-1][2] / max(size, 1))
    return Columns(len(batch), values, share, numbers=[number for _, number, _ in batch], bad=bad)


# -- CSV ---------------------------------------------------------------------------------------------------------------

_QUOTED = "not valid CSV (a quotation mark that does not end?)"


def _csv(entry: Entry) -> Table:
    with entry.open() as file:
        first = (next(lines(file), (b"", 0))[0] or b"").decode(errors="replace")
    delimiter = "\t" if suffix(entry.name) == ".tsv" else max(",;\t|", key=first.count)
    header = tuple(name.strip() for name in next(csv.reader([first], delimiter=delimiter), []))

    def read(wanted: Iterable[str]) -> Iterator[Columns]:
        names = {name: header.index(name) for name in header if name in set(wanted)}
        rows = _csv_rows(entry, delimiter, len(header))
        next(rows, None)
        error: Exception | None = None
        while not error:
            batch, error = _take(rows)
            if batch:
                yield _by_column(batch, names, len(header), entry.size)
            elif not error:
                return
        raise error

    return Table(header, "line", read)


def _csv_rows(entry: Entry, delimiter: str, width: int) -> Iterator[_Row]:
    """Rows, also those over several lines. One over several lines that is no row of the table began with a quotation
    mark too many: only its first line is given up, and the lines that it swallowed are read again."""
    number = 1
    with entry.open() as file:
        source = _Lines(file)
        reader = csv.reader(source, delimiter=delimiter)
        while True:
            source.taken.clear()
            try:
                row: Any = next(reader)
            except StopIteration:
                return
            except csv.Error:
                row = Broken(_QUOTED)
            over = len(source.taken)
            if None in source.taken:
                row = Broken(TOO_LONG)
            elif over > 1 and (isinstance(row, Broken) or len(row) != width):
                row = Broken(_QUOTED)
                source.again.extendleft(reversed(source.taken[1:]))
                over = 1
            if row:
                yield row, number, source.done
            number += over


class _Lines:
    """The lines of a file as text, some of which may be read again. taken: those handed out since it was cleared, None
    for one too long."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = lines(file)
        self.again: deque[str | None] = deque()
        self.taken: list[str | None] = []
        self.done = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.again:
            line = self.again.popleft()
        else:
            raw, self.done = next(self._lines)
            line = None if raw is None else raw.decode(errors="surrogateescape") + "\n"
        self.taken.append(line)
        return line or "\n"


def _by_column(batch: list[_Row], names: dict[str, int], width: int, size: int) -> Columns:
    bad: Bad = {}
    rows: list[list[str]] = []
    blank = [""] * width
    for index, (row, _, _) in enumerate(batch):
        if isinstance(row, Broken):
            bad[index] = row.reason
        elif len(row) != width:
            bad[index] = "another number of fields than the header has"
        rows.append(blank if index in bad else row)
    values = {name: [row[place] or None for row in rows] for name, place in names.items()}
    share = min(1.0, batch[-1][2] / max(size, 1))
    return Columns(len(batch), values, share, numbers=[number for _, number, _ in batch], bad=bad)
