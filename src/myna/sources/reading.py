"""Text files as they come: encodings, lines that never end, JSON arrays with a broken record in the middle."""

import codecs
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import orjson

LONGEST_LINE = 16 << 20
"""Bytes. A longer line or record is no post: it is counted and passed over, never held whole."""
_WHOLE = 64 << 20
"""Bytes of a JSON file that are parsed at once, which is fast; a larger file is parsed record by record."""
_PIECE = 1 << 20
_NEXT = re.compile(r"\}\s*,\s*\{|,[ \t]*\r?\n {0,2}\{")
"""Where a record seems to begin: an object after an object, or one at the beginning of a line."""
_NEXT_TEXT = re.compile(r'"\s*,\s*"')
_FIRST_KEYS = 8
"""Names of first keys that are remembered."""
_GAP = re.compile(r"[\s,]*")
_OTHER_KEY = re.compile(r'\s*,\s*"')
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that could not be read, and why."""

    reason: str


NOT_JSON = "not valid JSON"
TRUNCATED = "the file ends within this record"
TOO_LONG = "record longer than 16 MB"


def encoding_of(head: bytes) -> str:
    """The encoding that a file's first bytes tell: UTF-16 or UTF-32 with a byte order mark, else UTF-8."""
    for mark, name in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    # Windows tools also write UTF-16 without its mark; in JSON and CSV the first characters are ASCII.
    if len(head) >= 4 and head[1] == 0 and head[3] == 0 and head[0]:
        return "utf-16-le"
    if len(head) >= 4 and head[0] == 0 and head[2] == 0 and head[1]:
        return "utf-16-be"
    return "utf-8-sig"


def lines(file: IO[bytes]) -> Iterator[tuple[bytes | None, int]]:
    """(line as UTF-8 without its end, bytes read so far). Of a line too long comes None; it is passed over."""
    stream: Any = file if hasattr(file, "peek") else io.BufferedReader(file, _PIECE)
    encoding = encoding_of(stream.peek(4)[:4])
    done = 0
    if encoding != "utf-8-sig":
        text = io.TextIOWrapper(stream, encoding, newline="\n")
        while characters := text.readline(LONGEST_LINE):
            done += 2 * len(characters)
            yield characters.strip("\r\n\ufeff").encode(errors="surrogatepass"), done
        return
    head = stream.readline(LONGEST_LINE + 1)
    done = len(head)
    line = head.removeprefix(codecs.BOM_UTF8)
    while line:
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
                done += len(line)
            yield None, done
        else:
            yield line.rstrip(b"\r\n"), done
        line = stream.readline(LONGEST_LINE + 1)
        done += len(line)


def parse(line: bytes) -> Any:
    """A line of JSON, or Broken."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    try:
        # Slower, and takes what orjson refuses: NaN, lone surrogates, very large numbers.
        return json.loads(line)
    except (ValueError, RecursionError):
        return Broken(NOT_JSON)


def elements(file: IO[bytes], key: str = "") -> Iterator[tuple[Any, int]]:
    """(element, bytes read so far) of the first JSON array in a file, or of the one under `key` of an object.

    What stands before the array (`window.YTD.tweets.part0 = `) is passed over. An element that cannot be read is a
    Broken, and reading goes on with the next.
    """
    data = file.read(_WHOLE)
    whole = len(data) < _WHOLE
    if whole and (found := _at_once(data, key)) is not None:
        size = len(data) / max(len(found), 1)
        for place, element in enumerate(found, 1):
            yield element, int(size * place)
        return
    yield from _one_by_one(data, None if whole else file, key)


def _at_once(data: bytes, key: str) -> list[Any] | None:
    try:
        if key:
            found = orjson.loads(data.removeprefix(codecs.BOM_UTF8))
            return found[key] if isinstance(found, dict) and isinstance(found.get(key), list) else None
        start = data.find(b"[")
        found = orjson.loads(data[start:].rstrip(b"; \r\n\t")) if start >= 0 else None
        return found if isinstance(found, list) else None
    except orjson.JSONDecodeError:
        return None


class _Text:
    """A window on a decoded file: `text[at:]` is what is still to be read."""

    def __init__(self, data: bytes, file: IO[bytes] | None) -> None:
        self._decode = codecs.getincrementaldecoder(encoding_of(data[:4]))("surrogateescape").decode
        self._data, self._file = io.BytesIO(data), file
        self.text, self.at, self.ended, self.done = "", 0, False, 0
        self.fill()

    def fill(self) -> bool:
        """Reads on; False at the end of the file."""
        piece = self._data.read(_PIECE) or (self._file.read(_PIECE) if self._file else b"")
        self.ended = not piece
        self.done += len(piece)
        self.text = self.text[self.at :] + self._decode(piece, self.ended)
        self.at = 0
        return not self.ended


def _one_by_one(data: bytes, file: IO[bytes] | None, key: str) -> Iterator[tuple[Any, int]]:
    window = _Text(data, file)
    opening = re.compile(rf'"{re.escape(key)}"\s*:\s*\[' if key else r"\[")
    while not (found := opening.search(window.text, window.at)):
        if len(window.text) > LONGEST_LINE or not window.fill():
            yield Broken("no array of records found"), window.done
            return
    window.at = found.end()
    seam = _Seam()
    while True:
        window.at = _GAP.match(window.text, window.at).end()  # type: ignore[union-attr]
        if window.at >= len(window.text):
            if window.fill():
                continue
            yield Broken(TRUNCATED), window.done
            return
        if window.text[window.at] == "]":
            if _ends(window):
                return
            # A bracket too many within a broken record: what follows is not to be lost with it.
            beginning = window.text[window.at + 1 : window.at + 200]
            found_next = _find_next(window, seam.pattern)
            if found_next or not (key and _OTHER_KEY.match(beginning)):
                yield Broken("text that belongs to no record"), window.done
            if not found_next:
                return
            continue
        element = _next(window)
        yield element, window.done
        if not isinstance(element, Broken):
            seam.saw(element)
        elif not _find_next(window, seam.pattern):
            return


class _Seam:
    """What stands between two records, learnt from those that could be read: where the one before is damaged at its
    end, the next is known by the key that records here begin with."""

    def __init__(self) -> None:
        self.pattern = _NEXT
        self._keys: list[str] = []

    def saw(self, element: Any) -> None:
        """Learns from a record."""
        if isinstance(element, str) and not self._keys:
            self.pattern = _NEXT_TEXT
        elif isinstance(element, dict) and element and len(self._keys) < _FIRST_KEYS:
            key = re.escape(next(iter(element)))
            if key not in self._keys:
                self._keys.append(key)
                self.pattern = re.compile(rf'{_NEXT.pattern}|,\s*\{{(?=\s*"(?:{"|".join(self._keys)})"\s*:)')


def _ends(window: _Text) -> bool:
    """Whether nothing but closing brackets follows."""
    while len(window.text) - window.at < 200 and window.fill():
        pass
    return window.ended and not window.text[window.at :].strip("]}; \r\n\t")


def _next(window: _Text) -> Any:
    while True:
        try:
            element, end = _DECODER.raw_decode(window.text, window.at)
        except RecursionError:
            return Broken("nested too deeply")
        except json.JSONDecodeError as error:
            cut = error.pos >= len(window.text) - 16 or error.msg.startswith("Unterminated string")
            if not cut:
                return Broken(NOT_JSON)
            if len(window.text) - window.at > LONGEST_LINE:
                return Broken(TOO_LONG)
            if not window.fill():
                return Broken(TRUNCATED)
        except ValueError:
            return Broken("a number too large")
        else:
            if end == len(window.text) and not window.ended and window.fill():
                continue
            window.at = end
            return element


def _find_next(window: _Text, seam: re.Pattern[str]) -> bool:
    """Moves on to where the next record seems to begin; False if none does."""
    window.at += 1
    while not (found := seam.search(window.text, window.at)):
        window.at = max(window.at, len(window.text) - 64)
        if not window.fill():
            return False
    window.at = found.end() - 1
    return True
