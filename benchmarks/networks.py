"""How fast facts arrive, in posts per second of one core's time, from every format.

The peer does the least that could be called an import: it reads the same JSON lines with the standard library and puts
them into one SQLite table with executemany, checking nothing, indexing nothing, mapping nothing.
"""

import json
import os
import shutil
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from result import Row

from myna.network.store import Store
from myna.sources import bring

_ASKED = 20_000
_QUICK = 30_000
_COLUMNS = ("post_id", "author_id", "created_at", "text", "lang", "like_count", "repost_count")


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """data: a folder or file of posts in the neutral format (Parquet)."""
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        rows = _rows(_source(data, room), _QUICK if quick else 0)
        forms = {
            "Parquet": _parquet(room, rows),
            "JSON lines": _jsonl(room, rows),
            "CSV": _csv(room, rows),
            "X archive, zip": _x(room, rows),
            "Mastodon archive": _mastodon(room, rows),
        }
        peer = {"sqlite3 executemany, nothing checked": _peer(forms["JSON lines"], room)}
        for form, path in forms.items():
            first, again, missing = _import(path, room, "net" if path.suffix not in (".zip", "") else "")
            yield Row(f"import, {form}", "posts/s of CPU time", first, peer if form == "JSON lines" else {}, _ASKED)
            if form.endswith("archive") or form.endswith("zip"):
                # Tables that were finished and are unchanged are not read again; archives are.
                yield Row(f"the same again, {form}", "posts/s of CPU time", again)
            yield Row(f"records neither kept nor counted, {form}", "records", missing, asked=0, more_is_better=False)


def _source(data: Path | None, room: Path) -> Path:
    if data is None:
        data = Path(os.environ["MYNA_DATA"]) / "congress_tweets_2016" if "MYNA_DATA" in os.environ else None
    if data is None:
        from myna.world import generate

        data = room / "world"
        generate(1000, _QUICK, 1).write(data)
    return data


def _rows(data: Path, limit: int) -> list[dict[str, Any]]:
    files = [data] if data.is_file() else sorted(data.glob("posts*.parquet"))
    rows: list[dict[str, Any]] = []
    for file in files:
        table = pq.read_table(file)
        rows += table.slice(0, limit - len(rows) if limit else None).to_pylist()
    for row in rows:
        row["author_id"] = str(row.get("author_id") or row.get("author"))
    return rows


def _parquet(room: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa

    pq.write_table(pa.Table.from_pylist(rows), room / "posts.parquet")
    return room / "posts.parquet"


def _jsonl(room: Path, rows: list[dict[str, Any]]) -> Path:
    (room / "posts.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows))
    return room / "posts.jsonl"


def _csv(room: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa

    flat = [{k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows]
    pcsv.write_csv(pa.Table.from_pylist(flat), room / "posts.csv")
    return room / "posts.csv"


def _x(room: Path, rows: list[dict[str, Any]]) -> Path:
    tweets = [
        {"tweet": {"id_str": str(row["post_id"]), "full_text": row["text"] or "", "lang": row.get("lang"),
                   "created_at": "Sat Feb 18 12:33:11 +0000 2023", "favorite_count": "3", "retweet_count": "1",
                   "entities": {"hashtags": [], "symbols": [], "urls": [],
                                "user_mentions": [{"id_str": str(m)} for m in row.get("mentions") or []]}}}
        for row in rows
    ]  # fmt: skip
    with zipfile.ZipFile(room / "x.zip", "w", zipfile.ZIP_DEFLATED) as file:
        account = [{"account": {"accountId": "42", "username": "bench"}}]
        file.writestr("data/account.js", f"window.YTD.account.part0 = {json.dumps(account)}")
        file.writestr("data/tweets.js", f"window.YTD.tweets.part0 = {json.dumps(tweets, indent=2)}")
    return room / "x.zip"


def _mastodon(room: Path, rows: list[dict[str, Any]]) -> Path:
    actor = "https://example.social/users/bench"
    public = "https://www.w3.org/ns/activitystreams#Public"
    items = [
        {"type": "Create", "object": {
            "id": f"{actor}/statuses/{row['post_id']}", "type": "Note", "attributedTo": actor,
            "published": "2023-01-02T03:04:05Z", "content": f"<p>{row['text'] or ''}</p>", "to": [public]}}
        for row in rows
    ]  # fmt: skip
    path = room / "mastodon"
    path.mkdir()
    (path / "actor.json").write_text(json.dumps({"id": actor, "preferredUsername": "bench", "type": "Person"}))
    (path / "outbox.json").write_text(json.dumps({"orderedItems": items}))
    return path


def _import(path: Path, room: Path, source: str) -> tuple[float, float, int]:
    """Posts per second of CPU time, first and again, and the records unaccounted for."""
    home = Path(tempfile.mkdtemp(dir=room))
    store = Store(f"sqlite:///{home / 'myna.db'}")
    speeds = []
    missing = 0
    for _ in range(2):
        begun = time.process_time()
        brought = bring(store, path, source)
        speeds.append(brought.read / (time.process_time() - begun))
        told = sum(file.new + file.known + file.merged + sum(file.skipped.values()) for file in brought.files)
        missing += brought.read - told
    store.close()
    shutil.rmtree(home)
    return speeds[0], speeds[1], missing


def _peer(path: Path, room: Path) -> float:
    begun = time.process_time()
    count = 0
    connection = sqlite3.connect(room / "peer.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"CREATE TABLE posts ({', '.join(_COLUMNS)})")
    marks = ", ".join("?" for _ in _COLUMNS)
    with path.open() as lines:
        while True:
            batch = [json.loads(line) for _, line in zip(range(5_000), lines, strict=False)]
            if not batch:
                break
            connection.executemany(
                f"INSERT INTO posts VALUES ({marks})", [tuple(row.get(name) for name in _COLUMNS) for row in batch]
            )
            connection.commit()
            count += len(batch)
    connection.close()
    return count / (time.process_time() - begun)
