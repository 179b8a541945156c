"""Columns of numbers that grow, and names with their rows."""

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Columns:
    """Numpy columns of one length, growing by doubling. `columns["created"]` is a view of the rows there are."""

    def __init__(self, **types: Any) -> None:
        """types: each column's dtype, or (dtype, width) for a column of vectors."""
        self._data: dict[str, Array] = {}
        for name, kind in types.items():
            dtype, width = kind if isinstance(kind, tuple) else (kind, 0)
            self._data[name] = np.zeros((16, width) if width else 16, dtype)
        self._views: dict[str, Array] = {}
        self._length = 0
        self.resize(0)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def resize(self, length: int) -> None:
        """Grows to this many rows; new rows are zero."""
        for name, data in self._data.items():
            if length > len(data):
                size = max(length, 2 * len(data))
                grown = np.zeros((size, *data.shape[1:]), data.dtype)
                grown[: self._length] = data[: self._length]
                self._data[name] = data = grown
            self._views[name] = data[:length]
        self._length = length

    def append(self, **values: Any) -> int:
        """One row more; columns not named are zero. Returns its number."""
        row = self._length
        self.resize(row + 1)
        for name, value in values.items():
            self._views[name][row] = value
        return row

    def copy(self) -> "Columns":
        """The same numbers, apart from this."""
        other = Columns.__new__(Columns)
        other._data = {name: view.copy() for name, view in self._views.items()}
        other._views = dict(other._data)
        other._length = self._length
        return other

    def arrays(self) -> dict[str, Array]:
        """The columns as they are, to be saved."""
        return dict(self._views)

    def load(self, arrays: dict[str, Array]) -> None:
        """Takes over saved columns. Columns that were not saved stay zero."""
        length = len(next(iter(arrays.values()))) if arrays else 0
        self.resize(length)
        for name, array in arrays.items():
            self._views[name][:] = array


class Names:
    """Ids and their rows, in order of arrival."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self.ids: list[str] = list(ids)
        self._rows = {id: row for row, id in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, id: str) -> int:
        """The row of an id, -1 if unknown."""
        return self._rows.get(id, -1)

    def add(self, id: str) -> int:
        """The row of an id, a new one if unknown."""
        row = self._rows.get(id)
        if row is None:
            row = self._rows[id] = len(self.ids)
            self.ids.append(id)
        return row
