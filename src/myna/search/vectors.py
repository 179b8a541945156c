"""The posts as vectors: one bit per dimension to scan all of them, eight to order the best.

Notable choices:
- Every query looks at every code, so author, permission and date are exact masks, a post is findable once its code is
  appended, and a deletion overwrites the row. Up to some ten million posts this beats graph indexes in recall.
- Codes are the signs of the vector less the mean of the first batch, as embeddings lie in a narrow cone.
- Rows are append-only files. `seqs.i64` is written last: a row exists when its seq does, and what a crash left beyond
  is overwritten. A cleared row keeps its seq, negative, so that the newest seq read is never forgotten.
- One directory per embedding version, as vectors of two versions cannot be compared.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from myna.search.index import write_atomically

_RESCORE = 1000
"""Candidates of the scan whose order the eight-bit rows decide, at least."""


class Vectors:
    """The vectors of one embedding version, under `directory`. One thread at a time writes; any number read."""

    def __init__(self, directory: Path, version: str) -> None:
        self.version = version
        self._parent = directory
        self._path = directory / ("vectors-" + hashlib.sha256(version.encode()).hexdigest()[:16])
        self._mean: NDArray[np.float32] | None = None
        self._made = 0
        self._rows: tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int8], NDArray[np.float32]] | None = None
        self.refresh()

    def __len__(self) -> int:
        """Rows that hold a vector."""
        return 0 if self._rows is None else int(np.count_nonzero(self._rows[0] > 0))

    @property
    def seq(self) -> int:
        """The newest seq read into here, also where it was cleared since."""
        return 0 if self._rows is None or not len(self._rows[0]) else int(np.abs(self._rows[0]).max())

    def seqs(self) -> NDArray[np.int64]:
        """The seqs of the rows that hold a vector."""
        return np.empty(0, np.int64) if self._rows is None else self._rows[0][self._rows[0] > 0]

    def refresh(self) -> None:
        """Sees what was appended, also by another process."""
        meta = self._path / "meta.json"
        if not meta.exists():
            self._rows = self._mean = None
            return
        if self._mean is None or self._made != meta.stat().st_mtime_ns:
            # Another process may have begun this version anew.
            self._made = meta.stat().st_mtime_ns
            self._mean = np.asarray(orjson.loads(meta.read_bytes())["mean"], np.float32)
            self._rows = None
        dimension = len(self._mean)
        rows = self._size("seqs.i64") // 8
        rows = min(rows, self._size("codes.u64") // (8 * _words(dimension)), self._size("rows.i8") // dimension)
        rows = min(rows, self._size("scales.f32") // 4)
        if rows == 0:
            self._rows = None
            return
        if self._rows is not None and len(self._rows[0]) == rows:
            return
        self._rows = (
            np.memmap(self._path / "seqs.i64", np.int64, "r", shape=(rows,)),
            np.memmap(self._path / "codes.u64", np.uint64, "r", shape=(rows, _words(dimension))),
            np.memmap(self._path / "rows.i8", np.int8, "r", shape=(rows, dimension)),
            np.memmap(self._path / "scales.f32", np.float32, "r", shape=(rows,)),
        )

    def _size(self, name: str) -> int:
        path = self._path / name
        return path.stat().st_size if path.exists() else 0

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(self, seqs: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Adds rows. seqs: (n,), each positive; vectors: (n, dimension), of any length but finite."""
        if not len(seqs):
            return
        vectors = np.ascontiguousarray(vectors, np.float32)
        if vectors.ndim != 2 or len(vectors) != len(seqs) or not np.isfinite(vectors).all():
            raise ValueError(f"{len(seqs)} posts need as many finite vectors, not an array of shape {vectors.shape}")
        if self._mean is None:
            self._path.mkdir(parents=True, exist_ok=True)
            self._mean = vectors.mean(0)
            write_atomically(self._path / "meta.json", orjson.dumps({"mean": self._mean.tolist()}))
        if vectors.shape[1] != len(self._mean):
            raise ValueError(f"vectors have {vectors.shape[1]} dimensions, those of {self.version} {len(self._mean)}")
        scales = np.maximum(np.abs(vectors).max(1), 1e-12) / 127
        count = 0 if self._rows is None else len(self._rows[0])
        for name, values in (
            ("codes.u64", _codes(vectors - self._mean)),
            ("rows.i8", np.rint(vectors / scales[:, None]).astype(np.int8)),
            ("scales.f32", scales.astype(np.float32)),
            ("seqs.i64", np.asarray(seqs, np.int64)),
        ):
            with (self._path / name).open("r+b" if (self._path / name).exists() else "w+b") as file:
                file.seek(count * values[0].nbytes)
                file.write(values.tobytes())
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        self.refresh()

    def clear(self, seqs: Sequence[int]) -> int:
        """Overwrites the rows of these posts with nothing; returns how many there were."""
        if self._rows is None or not len(seqs):
            return 0
        places = np.nonzero(np.isin(self._rows[0], np.asarray(seqs, np.int64)))[0]
        if not len(places):
            return 0
        held, codes, rows, scales = self._rows
        gone = [(int(place), -int(held[place])) for place in places]
        # The seq last: until it tells that the row is cleared, a crash leaves it to be cleared again.
        widths = {"codes.u64": codes[0].nbytes, "rows.i8": rows[0].nbytes, "scales.f32": scales.itemsize, "seqs.i64": 8}
        for name, width in widths.items():
            with (self._path / name).open("r+b") as file:
                for place, seq in gone:
                    file.seek(place * width)
                    file.write(seq.to_bytes(8, "little", signed=True) if name == "seqs.i64" else bytes(width))
                file.flush()
                os.fsync(file.fileno())
        return len(gone)

    def reset(self) -> None:
        """Removes all vectors of this version."""
        self._rows = self._mean = None
        shutil.rmtree(self._path, ignore_errors=True)

    def remove_others(self) -> None:
        """Removes the vectors of other versions."""
        for path in self._parent.glob("vectors-*"):
            if path != self._path:
                shutil.rmtree(path, ignore_errors=True)

    # -- reading ---------------------------------------------------------------------------------------------------

    def nearest(self, query: NDArray[np.float32], count: int) -> list[tuple[int, float]]:
        """(seq, cosine) of the posts nearest in meaning, best first, without the cleared. query: (dimension,)."""
        rows_, mean = self._rows, self._mean
        if rows_ is None or mean is None or query.shape != mean.shape:
            return []
        seqs, codes = rows_[:2]
        distance = np.zeros(len(seqs), np.uint16)
        code = _codes((query - mean)[None])[0]
        # Word by word: no temporary larger than one column.
        for place in range(codes.shape[1]):
            distance += np.bitwise_count(codes[:, place] ^ code[place])
        distance[seqs <= 0] = np.iinfo(np.uint16).max
        wide = min(len(seqs), max(_RESCORE, 2 * count))
        near = np.argpartition(distance, wide - 1)[:wide] if wide < len(seqs) else np.arange(len(seqs))
        near = near[seqs[near] > 0]
        cosine = self._cosine(query, near)
        order = np.lexsort((-seqs[near], -cosine))[:count]
        return [(int(seqs[near[place]]), float(cosine[place])) for place in order]

    def similar(self, query: NDArray[np.float32], seqs: Sequence[int]) -> dict[int, float]:
        """The cosine of each of these posts that has a vector. query: (dimension,)."""
        if self._rows is None or self._mean is None or query.shape != self._mean.shape or not len(seqs):
            return {}
        held = self._rows[0]
        places = np.nonzero(np.isin(held, np.asarray(seqs, np.int64)))[0]
        cosine = self._cosine(query, places)
        return {int(held[place]): float(value) for place, value in zip(places, cosine, strict=True)}

    def _cosine(self, query: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
        assert self._rows is not None
        _, _, rows, scales = self._rows
        matrix = rows[places].astype(np.float32) * scales[places][:, None]
        lengths = np.maximum(np.linalg.norm(matrix, axis=1), 1e-12)
        return np.asarray(matrix @ _unit(query) / lengths, np.float32)


def _unit(query: NDArray[np.float32]) -> NDArray[np.float32]:
    return query / (float(np.linalg.norm(query)) or 1.0)


def _words(dimension: int) -> int:
    return (dimension + 63) // 64


def _codes(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Signs as bits: (n, dimension) -> (n, ceil(dimension / 64)) uint64."""
    bits = np.zeros((len(vectors), _words(vectors.shape[1]) * 64), bool)
    bits[:, : vectors.shape[1]] = vectors > 0
    return np.packbits(bits, axis=1).view(np.uint64)
