"""How many people like a post here: counted from the actions, because the index is not rewritten for a like."""

from collections.abc import Iterable
from pathlib import Path

import orjson

from myna.gate import Reader
from myna.network import ActionKind
from myna.search.index import write_atomically

_SAVE_EVERY = 20_000
"""Actions read since the counts were last kept."""


class Likes:
    """Likes less unlikes by post id, kept up with the log. The file only saves reading all actions at each start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: dict[str, int] = {}
        self._seq = 0
        self._unsaved = 0
        if path.exists():
            try:
                kept = orjson.loads(path.read_bytes())
                self._seq, self._counts = int(kept["seq"]), dict(kept["counts"])
            except (ValueError, KeyError, TypeError):
                # A cache of the log: what cannot be read is counted again.
                self._seq, self._counts = 0, {}

    def follow(self, reader: Reader) -> None:
        """Counts the actions appended since."""
        while new := reader.actions_after(self._seq):
            for action in new:
                if action.kind is ActionKind.LIKE:
                    self._counts[action.post_id] = self._counts.get(action.post_id, 0) + 1
                elif action.kind is ActionKind.UNLIKE and (count := self._counts.get(action.post_id, 0)):
                    self._counts[action.post_id] = count - 1
            self._seq = new[-1].seq
            self._unsaved += len(new)

    def drop(self, ids: Iterable[str]) -> None:
        """Forgets deleted posts."""
        for id in ids:
            self._counts.pop(id, None)

    def save(self, always: bool = False) -> None:
        """Keeps the counts, when much has come since."""
        if self._unsaved >= _SAVE_EVERY or (always and self._unsaved):
            write_atomically(self._path, orjson.dumps({"seq": self._seq, "counts": self._counts}))
            self._unsaved = 0

    def reset(self) -> None:
        """Counts from the beginning at the next follow."""
        self._counts, self._seq, self._unsaved = {}, 0, 0

    @property
    def seq(self) -> int:
        """The newest action counted."""
        return self._seq

    def of(self, id: str) -> int:
        """The likes of a post here."""
        return self._counts.get(id, 0)

    def at_least(self, number: int) -> list[str]:
        """The posts with this many."""
        return [id for id, count in list(self._counts.items()) if count >= number]
