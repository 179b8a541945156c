"""The corpus's own stages as steps of datatrove pipelines: the same documents, made by as many processes or machines
as there are. (Penedo et al. 2024, https://github.com/huggingface/datatrove; `pip install 'myna[scale]'`.)

    clean    each task some files of posts   cleaned texts with their languages, fingerprints, hashes of ids
    meet     each task some fingerprints     which posts repeat another, or may nearly
    decide   one task, numbers only          which go, and which conversations the others are in
    share    each task a file of `clean`     posts put together by the task that joins their conversation
    join     each task its conversations     threads, as Parquet

A conversation (posts tied by replies and quotes) lies whole in one task, so threads are those of `gather`. Between the
stages all lies in a working folder that every task must see. What of a stage is done is not done again.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash

os.environ.setdefault("LOGURU_DIAGNOSE", "NO")  # else a task that fails writes what its variables hold, people's words
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from myna.corpus.documents import cleaned, joined, languages_said, spammers
from myna.corpus.duplicates import bands, fingerprints, later
from myna.corpus.parquet import (
    POST_COLUMNS,
    POSTS,
    about_shard,
    document_row,
    folder_hash,
    read_posts,
    shards,
    write_rows,
)
from myna.network import Post, Problem, Progress, quiet

_TOGETHER = 10_000
"""Posts whose languages and fingerprints are found out at once."""
_FINGERPRINTS = {"key": pl.UInt64, "signature": pl.Binary}
_HASHED = {"hash": pl.UInt64, "author": pl.UInt64, "above": pl.UInt64, "quoted": pl.UInt64}
_MET = {"key": pl.UInt64, "band": pl.Int8, "file": pl.Int32, "row": pl.Int32}
_GONE = -1


@dataclass(frozen=True, slots=True)
class Stage:
    """What an executor runs: its name, its steps, and how many tasks share the work."""

    name: str
    steps: list[Any]
    tasks: int


def stages(posts: Path, work: Path, out: Path, tasks: int) -> list[Stage]:
    """All stages in their order; each needs the one before to be finished. posts: a folder of posts as Parquet; work:
    for what lies between them; out: for documents. Raises Problem where there are no posts."""
    files = [str(path) for path in shards(posts, POSTS)]
    folder = str(work)
    return [
        Stage("clean", [ReadPosts(files), CleanPosts(folder), WriteCleaned(folder)], tasks),
        Stage("meet", [FindMeetings(folder)], tasks),
        Stage("decide", [Decide(folder, tasks)], 1),
        Stage("share", [Share(folder)], tasks),
        Stage("join", [JoinThreads(folder), WriteDocuments(folder, str(out))], tasks),
    ]


def make_documents(
    posts: Path, directory: Path, tasks: int = 1, workers: int = 1, progress: Progress = quiet
) -> dict[str, Any]:
    """Runs all stages on this machine, `workers` tasks at once, into a new or empty folder; goes on where an earlier
    call with the same posts and tasks was stopped. Returns {"documents", "files", "hash", "dropped"}.

    Raises Problem where the folder holds something, or for posts that cannot be read.
    """
    directory = directory.resolve()
    work = directory.with_name(f".{directory.name}.making")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        if work.exists() and not (work / "documents").exists():
            shutil.rmtree(work)  # all was done, and a kill left the words that lay between the stages
        raise Problem(f"{directory} is there already. Name an empty or a new folder.", 409)
    asked = {"posts": folder_hash(posts, POSTS), "tasks": tasks}
    begun = work / "asked.json"
    if begun.exists() and json.loads(begun.read_text(encoding="utf-8")) != asked:
        raise Problem(
            f"{directory} was begun with other posts or another number of tasks. Ask for the same again, or remove "
            f"{work} to begin anew.",
            409,
        )
    out = work / "documents"
    out.mkdir(parents=True, exist_ok=True)
    _keep(begun, json.dumps(asked).encode())
    all = stages(posts, work, out, tasks)
    for done, stage in enumerate(all):
        progress(done, len(all))
        logs = str(work / "logs" / stage.name)
        LocalPipelineExecutor(stage.steps, stage.tasks, min(workers, stage.tasks), logs).run()
    dropped = json.loads((work / "dropped.json").read_text(encoding="utf-8"))
    files = sorted(out.glob("*.parquet"))
    rows = sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in files)
    if not rows:
        raise Problem("There is nothing to write: none of the posts has words of its own.")
    out.replace(directory)
    shutil.rmtree(work)
    progress(1, 1)
    return {"documents": rows, "files": len(files), "hash": folder_hash(directory), "dropped": dropped}


class ReadPosts(PipelineStep):
    """Posts as datatrove documents: the facts beside the text are its metadata, with `cleaned` for those written by
    `myna corpus export --posts`. A task reads every so many of the files."""

    name, type = "posts", "reader"

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__()
        self.files = list(files)

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        yield from data or ()
        for path in map(Path, self.files[rank::world_size]):
            done = about_shard(path).get("kind") == POSTS
            for post in read_posts(path):
                facts = {name: getattr(post, name) for name in POST_COLUMNS if name not in ("id", "text")}
                self.stat_update("posts")
                yield Document(post.text, post.id, metadata={**facts, "cleaned": done})


class CleanPosts(PipelineStep):
    """Texts as the model may learn them (cleaning.py); drops those that teach nothing, and counts them by reason."""

    name, type = "cleaning", "filter"

    def __init__(self, work: str) -> None:
        super().__init__()
        self.work = work

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        dropped: Counter[str] = Counter()
        for document in data:
            if not document.metadata["cleaned"]:
                document.text, reason = cleaned(_post(document))
                if reason:
                    dropped[reason] += 1
                    self.stat_update(reason)
                    continue
            yield document
        _keep(Path(self.work, "useless", f"{rank:05d}.json"), json.dumps(dropped).encode())


class WriteCleaned(PipelineStep):
    """Writes what the later stages need of each post: its facts, language, fingerprints, and hashes of ids."""

    name, type = "cleaned posts", "writer"

    def __init__(self, work: str) -> None:
        super().__init__()
        self.work = work

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        tables = [_described(batch) for batch in _batches(map(_post, data))]
        table = pl.concat(tables or [_described([])])
        _write(table, Path(self.work, "cleaned", f"{rank:05d}.parquet"))
        keys = [(np.zeros(len(table), np.int8), np.arange(len(table)), table["key"].to_numpy())]
        signed = np.flatnonzero(table["signature"].is_not_null().to_numpy())
        if len(signed):
            found = bands(_signatures(table["signature"].gather(signed)))
            keys += [(np.full(len(signed), band + 1, np.int8), signed, found[:, band]) for band in range(len(found.T))]
        band, row, key = (np.concatenate(parts) for parts in zip(*keys, strict=True))
        met = pl.DataFrame({"key": key, "band": band, "file": np.full(len(key), rank), "row": row}, _MET)
        _share(met, (key % np.uint64(world_size)).astype(int), world_size, Path(self.work, "keys", f"{rank:05d}.arrow"))


class FindMeetings(PipelineStep):
    """Which posts have a key, or a band of their signatures, in common with others."""

    name, type = "meetings", "dedup"

    def __init__(self, work: str) -> None:
        super().__init__()
        self.work = work

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        keys = _shared_with(Path(self.work, "keys"), rank)
        met = keys.filter(pl.len().over("band", "key") > 1)
        self.stat_update("met", value=len(met))
        _write(met, Path(self.work, "met", f"{rank:05d}.parquet"))


class Decide(PipelineStep):
    """Which posts go, as repeats or spam, and which task joins each of the others; by numbers alone: some hundred bytes
    a post in memory, and 256 for each that may be a near-duplicate. tasks: of the stages after it."""

    name, type = "decisions", "dedup"

    def __init__(self, work: str, tasks: int) -> None:
        super().__init__()
        self.work, self.tasks = work, tasks

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        files = sorted(Path(self.work, "cleaned").glob("*.parquet"))
        columns = ["created_at", "seq", *_HASHED]
        parts = [pl.read_parquet(path, columns=columns) for path in files]
        sizes = np.array([len(part) for part in parts])
        begins = np.cumsum(sizes) - sizes
        posts = pl.concat(parts)
        order = np.lexsort([posts[name].to_numpy() for name in ("hash", "seq", "created_at")])
        time = np.empty(len(order), np.int64)
        time[order] = np.arange(len(order))
        met = pl.concat([pl.read_parquet(path) for path in sorted(Path(self.work, "met").glob("*.parquet"))])
        met = met.with_columns(pl.Series("place", begins[met["file"].to_numpy()] + met["row"].to_numpy(), pl.Int64))
        exact = _exact(met.filter(pl.col("band") == 0), time)
        near = self._near(met.filter(pl.col("band") > 0), exact, time, begins, files)
        author = posts["author"].to_numpy()
        said, again = _counts(author), _counts(author[exact | near])
        spam = np.isin(author, np.array([*spammers(said, again)], np.uint64)) & ~(exact | near)
        dropped: Counter[str] = Counter()
        for path in Path(self.work, "useless").glob("*.json"):
            dropped.update(json.loads(path.read_text(encoding="utf-8")))
        dropped["exact duplicate"], dropped["near-duplicate"] = int(exact.sum()), int(near.sum())
        dropped["spam: by somebody who repeats"] = int(spam.sum())
        task = np.full(len(posts), _GONE, np.int32)
        kept = np.flatnonzero(~(exact | near | spam))
        task[kept] = _conversations(posts[kept]) % self.tasks
        for path, part in zip(files, np.split(task, begins[1:]), strict=True):
            _write(pl.DataFrame({"task": part}), Path(self.work, "decided", path.name))
        found = {reason: count for reason, count in dropped.items() if count}
        _keep(Path(self.work, "dropped.json"), json.dumps(found).encode())

    def _near(
        self, met: pl.DataFrame, exact: np.ndarray, time: np.ndarray, begins: np.ndarray, files: Sequence[Path]
    ) -> np.ndarray:
        """Near-duplicates among the posts whose signatures share a band, (posts,) bool."""
        near = np.zeros(len(exact), bool)
        places = np.unique(met["place"].to_numpy())
        places = places[~exact[places]]
        if not len(places):
            return near
        file = np.searchsorted(begins, places, side="right") - 1
        signatures = []
        for n in np.unique(file).tolist():
            held = pl.read_parquet(files[n], columns=["signature"])["signature"]
            signatures.append(_signatures(held.gather(places[file == n] - begins[n])))
        by_time = np.argsort(time[places])
        near[places[by_time]] = later(np.concatenate(signatures)[by_time])
        return near


class Share(PipelineStep):
    """Puts the posts that stay of one file of `clean` together by the task that will join them."""

    name, type = "sharing", "writer"

    def __init__(self, work: str) -> None:
        super().__init__()
        self.work = work

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        name = f"{rank:05d}.parquet"
        posts = pl.read_parquet(Path(self.work, "cleaned", name), columns=[*POST_COLUMNS])
        task = pl.read_parquet(Path(self.work, "decided", name))["task"].to_numpy()
        _share(posts, task, world_size, Path(self.work, "shared", f"{rank:05d}.arrow"))


class JoinThreads(PipelineStep):
    """Conversations as threads from their root to each of their ends, as `gather` has them. Metadata: the columns of a
    document beside its text (parquet.py)."""

    name, type = "threads", "reader"

    def __init__(self, work: str) -> None:
        super().__init__()
        self.work = work

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        yield from data or ()
        table = _shared_with(Path(self.work, "shared"), rank).sort("created_at", "seq", "id")
        posts = [Post(**row) for row in table.iter_rows(named=True)]
        texts, languages = [post.text for post in posts], [post.lang for post in posts]
        for document in joined(posts, texts, languages, [()] * len(posts)):
            self.stat_update("documents")
            row = document_row(document)
            yield Document(row.pop("text"), document.passages[-1].post_id, metadata=row)


class WriteDocuments(PipelineStep):
    """Writes documents as `myna corpus export` does, in files of the task's own."""

    name, type = "documents", "writer"

    def __init__(self, work: str, out: str) -> None:
        super().__init__()
        self.work, self.out = work, out

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        dropped = json.loads(Path(self.work, "dropped.json").read_text(encoding="utf-8"))
        rows = ({"text": document.text, **document.metadata} for document in data)
        write_rows(rows, Path(self.out), {"dropped": dropped}, f"{rank:05d}-")


def _post(document: Document) -> Post:
    facts = {name: value for name, value in document.metadata.items() if name in POST_COLUMNS}
    return Post(id=document.id, text=document.text, **facts)


def _batches(posts: Iterable[Post]) -> Iterator[list[Post]]:
    posts = iter(posts)
    while batch := [*islice(posts, _TOGETHER)]:
        yield batch


def _described(posts: Sequence[Post]) -> pl.DataFrame:
    """Cleaned posts as rows, with language, fingerprints and hashes of ids."""
    texts = [post.text for post in posts]
    facts = {name: [getattr(post, name) for post in posts] for name in POST_COLUMNS}
    facts["lang"] = languages_said(posts, texts)
    key, signatures, long = fingerprints(texts)
    signed = [bytes(row) if there else None for row, there in zip(signatures, long.tolist(), strict=True)]
    ids = ([getattr(post, name) for post in posts] for name in ("id", "author_id", "reply_to", "quote_of"))
    hashes = ([xxhash.xxh3_64_intdigest(id.encode()) if id else 0 for id in part] for part in ids)
    found = {**facts, "key": key, "signature": signed, **dict(zip(_HASHED, hashes, strict=True))}
    return pl.DataFrame(found, {**POST_COLUMNS, **_FINGERPRINTS, **_HASHED})


def _signatures(column: pl.Series) -> np.ndarray:
    """(texts, 64) uint32."""
    return np.frombuffer(b"".join(column.to_list()), np.uint32).reshape(len(column), -1)


def _exact(met: pl.DataFrame, time: np.ndarray) -> np.ndarray:
    """Which posts have the words of an earlier one, (posts,) bool. met: posts that share a key; time: each one's place
    in the order of time, (posts,)."""
    exact = np.zeros(len(time), bool)
    places = met["place"].to_numpy()
    exact[places] = True
    by_time = met.with_columns(pl.Series("time", time[places], pl.Int64)).sort("time")
    exact[by_time.group_by("key", maintain_order=True).first()["place"].to_numpy()] = False
    return exact


def _counts(values: np.ndarray) -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _conversations(posts: pl.DataFrame) -> np.ndarray:
    """The number of each post's conversation, (posts,) int32: posts tied by replies and quotes have the same."""
    hash = posts["hash"].to_numpy()
    by_hash = np.argsort(hash)
    ends: list[np.ndarray] = []
    for name in ("above", "quoted"):
        wanted = posts[name].to_numpy()
        found = by_hash[np.minimum(np.searchsorted(hash[by_hash], wanted), len(hash) - 1)] if len(hash) else wanted
        tied = np.flatnonzero((hash[found] == wanted) & (wanted != 0)) if len(hash) else np.zeros(0, int)
        ends.append(np.stack([tied, found[tied]]))
    pairs = np.concatenate(ends, axis=1)
    size = (len(hash), len(hash))
    graph = coo_array((np.ones(pairs.shape[1], bool), (pairs[0], pairs[1])), size)
    return np.asarray(connected_components(graph, directed=False)[1])


def _share(table: pl.DataFrame, task: np.ndarray, tasks: int, path: Path) -> None:
    """Writes an Arrow file with a batch for each task, of its rows, in their order. task: (rows,), -1 for none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = table.clear().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    begun = path.with_suffix(".part")
    with pa.OSFile(str(begun), "wb") as file, pa.ipc.new_file(file, schema, options=options) as writer:
        for number in range(tasks):
            part = table.filter(pl.Series(task == number)).rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
            batches = part.combine_chunks().to_batches()
            writer.write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], schema))
    begun.replace(path)


def _shared_with(folder: Path, task: int) -> pl.DataFrame:
    """The rows of a task in all the files that `_share` wrote into a folder."""
    parts = []
    for path in sorted(folder.glob("*.arrow")):
        with pa.memory_map(str(path)) as file:
            batch = pa.ipc.open_file(file).get_batch(task)
            parts.append(pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch]))))
    return pl.concat(parts)


def _write(table: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_suffix(".part")
    table.write_parquet(begun, compression="zstd")
    begun.replace(path)


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_suffix(".part")
    begun.write_bytes(content)
    begun.replace(path)
