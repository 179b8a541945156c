"""The activity and the topics on disk: a start that reads numbers instead of the whole log.

Derived and replaceable: a snapshot that cannot be read, or of other topics, is as good as none. Ids and numbers only;
the topics hold words that at least three posts share.
"""

import hashlib
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from myna.people.activity import Activity
from myna.people.columns import Array, Names
from myna.people.space import WORDS, Space
from myna.people.topics import NONE, Topics

_FORM = 2
"""Of the file; another is not read."""
_TABLES = ("posts", "people", "events", "edges")


def exists(directory: Path) -> bool:
    """Whether there is a snapshot of the activity."""
    return (directory / "activity.npz").exists()


def save(directory: Path, activity: Activity, cursors: dict[str, int], topics: Topics) -> None:
    """Writes the activity, whole or not at all."""
    arrays: dict[str, Array] = {}
    for table in _TABLES:
        for name, column in getattr(activity, table).arrays().items():
            arrays[f"{table}.{name}"] = column.astype(np.float16) if name == "vector" else column
    for name in ("post_ids", "people_ids", "langs"):
        text = "\n".join(getattr(activity, name).ids)
        arrays[name] = np.frombuffer(text.encode(), np.uint8)
    about = {"form": _FORM, "cursors": cursors, "topics": key(topics)}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    _write(directory / "activity.npz", arrays)


def load(directory: Path, topics: Topics) -> tuple[Activity, dict[str, int]] | None:
    """The activity and its cursors in the log, or None where there is no usable snapshot."""
    arrays = _read(directory / "activity.npz")
    if arrays is None:
        return None
    about = json.loads(arrays["about"].tobytes())
    if about["form"] != _FORM or about["topics"] != key(topics):
        return None
    activity = Activity()
    for name in ("post_ids", "people_ids", "langs"):
        text = arrays[name].tobytes().decode()
        setattr(activity, name, Names(text.split("\n") if text or name == "langs" else ()))
    for table in _TABLES:
        prefix = f"{table}."
        found = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        getattr(activity, table).load(found)
    activity.counts.resize(len(activity.posts))
    activity.tallies.resize(len(activity.people))
    for row in np.flatnonzero(activity.posts["held"]).tolist():
        activity.placed(row)
    activity.reapply()
    return activity, {name: int(seq) for name, seq in about["cursors"].items()}


def key(topics: Topics) -> str:
    """Names a set of topics: the same for the same."""
    digest = hashlib.sha256(" ".join(topics.ids).encode())
    digest.update(topics.centres.tobytes())
    digest.update(topics.space.version.encode())
    return digest.hexdigest()[:16]


def save_topics(directory: Path, topics: Topics) -> None:
    """Writes the topics, whole or not at all."""
    space = topics.space
    about = {
        "form": _FORM,
        "ids": topics.ids,
        "telling": topics.telling,
        "posts": topics.posts,
        "vocabulary": space.vocabulary,
        "version": space.version,
    }
    arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), "centres": topics.centres}
    arrays |= {"idf": space.idf, "axes": space.axes, "model_axes": space.model_axes}
    _write(directory / "topics.npz", arrays)


def load_topics(directory: Path) -> Topics:
    """The topics known, or none."""
    arrays = _read(directory / "topics.npz")
    if arrays is None:
        return NONE
    about = json.loads(arrays["about"].tobytes())
    if about["form"] != _FORM or arrays["axes"].shape[-1] != WORDS:
        return NONE
    space = Space(
        tuple(about["vocabulary"]), arrays["idf"], arrays["axes"], arrays["model_axes"], about["version"]
    )  # fmt: skip
    telling = tuple(tuple(topic) for topic in about["telling"])
    return Topics(space, tuple(about["ids"]), telling, arrays["centres"], about["posts"])


def without_model(topics: Topics) -> Topics:
    """Topics placed by words alone."""
    space = topics.space
    words_only = Space(space.vocabulary, space.idf, space.axes)
    return replace(topics, space=words_only)


def _write(path: Path, arrays: dict[str, Array]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    # A command may follow the log beside the server, and both then write.
    with FileLock(path.with_suffix(".lock")):
        with partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    """The arrays of a file, or None where there is none or it is damaged: it is derived, and will be made again."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError):
        return None
