"""Training text as Parquet (zstd), for other trainers and pipelines, and back again.

    documents-00000.parquet   a row a document, in time order
    posts-00000.parquet       a row a post: cleaned, before repeats are dropped and threads are joined

A document's posts stand in its text one after the other, `<|reply|>` before what answers and `<|quote|>` before what
quotes; no post can spell these (cleaning.py). Every file says in its metadata, under the key `myna`, what it holds.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from myna.corpus.cleaning import EMAIL, PHONE, URL, USER
from myna.corpus.tokenizer import QUOTE, REPLY
from myna.corpus.types import Document, Joint, Passage
from myna.network import Post, Problem

DOCUMENTS, POSTS = "documents", "posts"
DOCUMENT_COLUMNS: Mapping[str, Any] = {
    "text": pl.String,
    "lang": pl.String,
    "post_ids": pl.List(pl.String),
    "author_ids": pl.List(pl.String),
    "times": pl.List(pl.Int64),
    "contexts": pl.List(pl.Boolean),
}
"""lang: of the last post. The lists have an entry for each post. times: milliseconds since 1970; contexts: whether the
post stands there to be read only, and is learned in another document."""
POST_COLUMNS: Mapping[str, Any] = {
    "id": pl.String,
    "author_id": pl.String,
    "created_at": pl.Int64,
    "text": pl.String,
    "lang": pl.String,
    "reply_to": pl.String,
    "repost_of": pl.String,
    "quote_of": pl.String,
    "like_count": pl.Int64,
    "repost_count": pl.Int64,
    "reply_count": pl.Int64,
    "seq": pl.Int64,
}
"""As of `myna.network.Post`. Of these, id, author_id, created_at and text are needed to read posts."""
_NEEDED = ("id", "author_id", "created_at", "text")
_SHARD = 100_000
"""Rows of a file at most: some tens of megabytes in memory."""
_FORMAT = 1
_JOINT = re.compile(f"({re.escape(REPLY)}|{re.escape(QUOTE)})")
_JOINTS = {REPLY: Joint.REPLY, QUOTE: Joint.QUOTE}
_SPELT = {joint: token for token, joint in _JOINTS.items()}
_PLACEHOLDER = re.compile("|".join(map(re.escape, (USER, URL, EMAIL, PHONE))))


def write_documents(documents: Iterable[Document], directory: Path, about: Mapping[str, Any]) -> int:
    """Writes documents in files of at most 100,000 rows; returns how many files. about: what the metadata says beside
    the format."""
    return write_rows(map(document_row, documents), directory, about)


def write_rows(rows: Iterable[dict[str, Any]], directory: Path, about: Mapping[str, Any], name: str = "") -> int:
    """As `write_documents`, of rows with its columns. name: put into the files' names, for writers that share a
    folder."""
    return _write(rows, DOCUMENT_COLUMNS, directory, DOCUMENTS, about, name)


def write_posts(posts: Iterable[Post], directory: Path, about: Mapping[str, Any]) -> int:
    """Writes posts, whose texts are cleaned, as `write_documents` does."""
    rows = ({name: getattr(post, name) for name in POST_COLUMNS} for post in posts)
    return _write(rows, POST_COLUMNS, directory, POSTS, about, "")


def read_documents(directory: Path) -> Iterator[Document]:
    """The documents of a folder, without controls, file by file. Raises Problem, with file and row, for others."""
    for path in shards(directory, DOCUMENTS):
        table = _table(path, DOCUMENT_COLUMNS, tuple(DOCUMENT_COLUMNS))
        for number, row in enumerate(table.iter_rows(named=True), 1):
            yield _document(row, f"{path}, row {number}")


def read_posts(path: Path) -> list[Post]:
    """The posts of one file. Raises Problem for a file that holds none."""
    table = _table(path, POST_COLUMNS, _NEEDED)
    rows = table.iter_rows(named=True)
    return [Post(**{name: value for name, value in row.items() if value is not None}) for row in rows]


def about_shard(path: Path) -> dict[str, Any]:
    """What a file's metadata says under `myna`; empty where nothing. Raises Problem for what is no Parquet."""
    try:
        said: dict[str, Any] = json.loads(pl.read_parquet_metadata(path).get("myna", "{}"))
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise Problem(f"{path} cannot be read as Parquet: {error}.") from error
    if not isinstance(said, dict) or said.get("format", _FORMAT) != _FORMAT:
        raise Problem(
            f"{path} says of itself what this version of Myna does not know; a later one may have written it."
        )
    return said


def shards(directory: Path, kind: str) -> list[Path]:
    """The Parquet files of a folder, by name. kind: DOCUMENTS or POSTS. Raises Problem where there are none of it."""
    found = sorted(directory.glob("*.parquet")) if directory.is_dir() else []
    if not found:
        raise Problem(f"There are no Parquet files in {directory}. `myna corpus export DIR` writes such a folder.", 404)
    for path in found:
        held = about_shard(path).get("kind", kind)
        if held != kind:
            other = "`myna corpus make`" if kind == DOCUMENTS else "`myna corpus export --posts`"
            raise Problem(f"{path} holds {held}, not {kind}; {other} makes {kind}.")
    return found


def folder_hash(directory: Path, kind: str = DOCUMENTS) -> str:
    """The hash of a folder's Parquet files, of names and content. Raises Problem as `shards`."""
    digest = hashlib.sha256()
    for path in shards(directory, kind):
        with path.open("rb") as file:
            digest.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def document_row(document: Document) -> dict[str, Any]:
    """A document as a row."""
    passages = document.passages
    text = "".join(f"{_SPELT.get(passage.joint, '')}{passage.text}" for passage in passages)
    return {
        "text": text,
        "lang": document.lang,
        "post_ids": [passage.post_id for passage in passages],
        "author_ids": [passage.author_id for passage in passages],
        "times": [passage.at for passage in passages],
        "contexts": [passage.context for passage in passages],
    }


def _document(row: Mapping[str, Any], where: str) -> Document:
    text, *rest = _JOINT.split(row["text"])
    texts, joints = [text, *rest[1::2]], [Joint.NONE, *(_JOINTS[token] for token in rest[::2])]
    lists: Sequence[Sequence[Any]] = [row[name] for name in ("post_ids", "author_ids", "times", "contexts")]
    if any(len(part) != len(texts) or None in part for part in lists):
        raise Problem(f"{where}: the text has {len(texts)} posts; its lists must have an entry for each of them.")
    if any("<|" in _PLACEHOLDER.sub("", text) for text in texts):
        raise Problem(f"{where}: there is a special token in the text that is neither a joint nor a placeholder.")
    passages = tuple(
        Passage(id, author, text, context, joint, at)
        for id, author, at, context, text, joint in zip(*lists, texts, joints, strict=True)
    )
    return Document(passages, passages[-1].at, row["lang"])


def _write(
    rows: Iterable[dict[str, Any]],
    columns: Mapping[str, Any],
    directory: Path,
    kind: str,
    about: Mapping[str, Any],
    name: str,
) -> int:
    metadata = {"myna": json.dumps({"format": _FORMAT, "kind": kind, **about})}
    rows, files = iter(rows), 0
    while batch := list(islice(rows, _SHARD)):
        path = directory / f"{kind}-{name}{files:05d}.parquet"
        pl.DataFrame(batch, columns).write_parquet(path, compression="zstd", metadata=metadata)
        files += 1
    return files


def _moment(kind: Any) -> bool:
    """Whether a column is of times, whose unit is its own."""
    return bool((kind.inner if isinstance(kind, pl.List) else kind).is_temporal())


def _table(path: Path, columns: Mapping[str, Any], needed: Sequence[str]) -> pl.DataFrame:
    """The columns of a file that are known here, as the types they must have."""
    try:
        found = pl.read_parquet(path, glob=False)
        if missing := [name for name in needed if name not in found.columns]:
            raise Problem(f"{path} has no column {', '.join(missing)}.")
        if moments := [name for name in columns if name in found.columns and _moment(found.schema[name])]:
            raise Problem(f"{path}: {', '.join(moments)} must be whole numbers, milliseconds since 1970, UTC.")
        there = [pl.col(name).cast(kind) for name, kind in columns.items() if name in found.columns]
        found = found.select(there)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise Problem(f"{path} cannot be read: {error}.") from error
    if missing := [name for name in needed if found[name].null_count()]:
        raise Problem(f"{path}: there are rows without {', '.join(missing)}.")
    return found
