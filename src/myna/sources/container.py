"""A folder, a zip file, a tar file or one file, seen alike: named entries that can be opened.

Nothing is ever unpacked to disk under a name an archive gives, so a name cannot lead anywhere; and an entry that
unpacks to far more than posts can (a zip bomb) is refused before it is read.
"""

import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pyarrow as pa

from myna.network import Problem

UNREADABLE: tuple[type[Exception], ...] = (
    OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, UnicodeError,
    NotImplementedError, pa.ArrowException,
)  # fmt: skip
"""What reading a broken file raises; NotImplementedError is zipfile's word for an unknown compression."""

BROKEN: tuple[type[Exception], ...] = (*UNREADABLE, Problem)

_ROOM = 64 << 20
"""Bytes an entry may unpack to however small it is packed."""
_RATIO = 250
"""Beyond _ROOM, how many times its packed size an entry may unpack to. Posts pack to a tenth, rarely a fortieth."""
_WANTED = (".json", ".jsonl", ".ndjson", ".js", ".csv", ".tsv", ".parquet", ".gz")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file. size: bytes when unpacked (packed size where that is not known). at: when it was written, ms."""

    name: str
    size: int
    at: int
    open: Callable[[], IO[bytes]]
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """What lies at a path. name: of the folder or file, without its suffix."""

    path: Path
    name: str
    entries: dict[str, Entry]
    refused: dict[str, str] = field(default_factory=dict)

    def named(self, *names: str) -> Entry | None:
        """The first entry whose last part is one of these names."""
        for entry in self.entries.values():
            if PurePosixPath(entry.name).name in names:
                return entry
        return None


@contextmanager
def opened(path: Path) -> Iterator[Container]:
    """What lies at this path. Raises Problem where there is nothing, or nothing that can be opened."""
    if not path.exists():
        raise Problem(f"There is nothing at {path}. Give a file, a folder or an archive of posts.", 404)
    name = path.resolve().name
    for suffix in (".gz", ".tar", ".tgz", ".zip", *_WANTED):
        if path.is_file() and name.endswith(suffix):
            name = name.removesuffix(suffix)
    try:
        if path.is_dir():
            yield Container(path, name, _strip(_folder(path)))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                entries, refused = _zip(file)
                yield Container(path, name, _strip(entries), refused)
        elif path.stat().st_size and _is_tar(path):
            with tempfile.TemporaryFile() as room:
                entries, refused = _tar(path, room)
                yield Container(path, name, _strip(entries), refused)
        else:
            with path.open("rb") as start:
                if start.read(4) == b"PK\x03\x04":
                    raise Problem(f"{path} is a zip file that ends too early. Download or copy it again.")
            entry = Entry(path.name, path.stat().st_size, _ms(path.stat().st_mtime), _opener(path), path)
            yield Container(path, name, {path.name: entry})
    except (OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise Problem(f"{path} cannot be read ({error}). Download or copy it again.") from error


def _ms(seconds: float) -> int:
    return max(0, int(seconds * 1000))


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    if path.suffix == ".gz":
        return lambda: _unpacked(gzip.open(path), path.name, path.stat().st_size)
    return lambda: path.open("rb")


def _unpacked(file: Any, name: str, packed: int) -> IO[bytes]:
    return io.BufferedReader(_Bounded(file, name, packed), 1 << 20)


def _folder(path: Path) -> dict[str, Entry]:
    entries = {}
    for found in sorted(path.rglob("*")):
        if found.is_file():
            name = found.relative_to(path).as_posix()
            entries[name] = Entry(name, found.stat().st_size, _ms(found.stat().st_mtime), _opener(found), found)
    return entries


def _zip(file: zipfile.ZipFile) -> tuple[dict[str, Entry], dict[str, str]]:
    entries: dict[str, Entry] = {}
    refused: dict[str, str] = {}
    for info in file.infolist():
        name = info.filename.replace("\\", "/")
        if info.is_dir():
            continue
        if refusal := _refusal(name, info.file_size, info.compress_size):
            refused[name] = refusal
        elif info.flag_bits & 1:
            refused[name] = "is encrypted; unpack the archive with its password and give the folder"
        else:
            at = _zip_time(info.date_time)
            entries[name] = Entry(name, info.file_size, at, lambda info=info: _unzip(file, info))  # type: ignore[misc]
    return entries, refused


def _unzip(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    opened = file.open(info)
    if info.filename.endswith(".gz"):
        return _unpacked(gzip.open(opened), info.filename, info.compress_size)
    return opened


def _zip_time(date: tuple[int, int, int, int, int, int]) -> int:
    import calendar

    try:
        return max(0, calendar.timegm((*date, 0, 0, 0)) * 1000)
    except ValueError:
        return 0


def _is_tar(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except UNREADABLE:
        return False


def _tar(path: Path, room: IO[bytes]) -> tuple[dict[str, Entry], dict[str, str]]:
    """Entries of a tar file, read once from front to back: those wanted are copied to `room`, media are passed over."""
    entries: dict[str, Entry] = {}
    refused: dict[str, str] = {}
    packed = path.stat().st_size
    with tarfile.open(path) as file:
        try:
            for info in file:
                if not info.isfile():
                    continue
                if refusal := _refusal(info.name, info.size, packed):
                    refused[info.name] = refusal
                    continue
                start = room.tell()
                if info.name.endswith(_WANTED):
                    source = file.extractfile(info)
                    while source and (piece := source.read(1 << 20)):
                        room.write(piece)
                    if room.tell() - start < info.size:
                        raise EOFError("the file ends too early")
                at = _ms(info.mtime)
                entries[info.name] = Entry(info.name, info.size, at, _stretch(room, start, room.tell()))
        except UNREADABLE as error:
            name = info.name if "info" in locals() else path.name
            refused[name] = f"could not be unpacked ({error}), nor what follows it; download the archive again"
    return entries, refused


def _stretch(room: IO[bytes], start: int, end: int) -> Callable[[], IO[bytes]]:
    return lambda: io.BufferedReader(_Window(room, start, end), 1 << 20)


def _refusal(name: str, size: int, packed: int) -> str:
    if name.startswith("/") or ".." in PurePosixPath(name).parts:
        return "has a name that leads outside the archive"
    if size > _ROOM and size > _RATIO * max(packed, 1):
        return f"would unpack to {size:,} bytes from {packed:,}, as only a zip bomb does"
    return ""


def _strip(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Without the one folder that holds everything, where there is one: archives are often packed with it."""
    tops = {name.partition("/")[0] for name in entries if not name.startswith(("__MACOSX/", "."))}
    if len(tops) != 1 or any("/" not in name for name in entries) or tops == {"data"}:
        return entries
    top = tops.pop() + "/"
    return {
        name.removeprefix(top): Entry(name.removeprefix(top), entry.size, entry.at, entry.open, entry.path)
        for name, entry in entries.items()
        if name.startswith(top)
    }


class _Window(io.RawIOBase):
    """A stretch of an open file."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file, self._at, self._end = file, start, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        piece = self._file.read(min(len(buffer), self._end - self._at))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


class _Bounded(io.RawIOBase):
    """A stream that stops with a Problem where it unpacks to more than posts can."""

    def __init__(self, file: Any, name: str, packed: int) -> None:
        self._file, self._name = file, name
        self._left = max(_ROOM, _RATIO * packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # read1: where the file ends too early, what came before has been handed on.
        piece = self._file.read1(len(buffer))
        self._left -= len(piece)
        if self._left < 0:
            raise Problem(f"{self._name} unpacks to more than {_RATIO} times its size, as only a zip bomb does.")
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()
