"""Ten thousand malformed records of every format: none stops an import, and each is accounted for."""

import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from myna.network import Problem
from myna.network.store import Store
from myna.sources import Brought, bring

RECORDS = 10_000
Write = Callable[..., Path]

JUNK: list[Any] = [
    None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**400, 1.5, -0.0, 1e308, float("nan"), float("inf"), "", " ",
    "\x00", "\ud800", "a\udfffb", "a\nb", "NaN", "2020-13-45", "9999-12-31T23:59:59Z", "0001-01-01", "null", "[", "[1",
    "Sat Feb 31 99:33:11 +9999 2023", "@", "@@@", ":", "::::", "x" * 100_001, "\u202e\u0000", [], {}, [[[]]], [None],
    {"id": {"id": []}}, [{"url": 5}], "1" * 5000, "<a href='",
    "&#xFFFFFFFF;&#0;", "https://t.co/", "\ufeff", "ÿ",
]  # fmt: skip
DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]


def mutate(rng: random.Random, value: Any) -> Any:
    """One thing in a record changed, at any depth."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        changed = dict(value)
        if rng.random() < 0.2:
            del changed[key]
        else:
            changed[key] = mutate(rng, value[key])
        return changed
    if isinstance(value, list) and value and rng.random() < 0.6:
        place = rng.randrange(len(value))
        return [*value[:place], mutate(rng, value[place]), *value[place + 1 :]]
    return DEEP if rng.random() < 0.01 else rng.choice(JUNK)


def damage(rng: random.Random, data: bytes) -> bytes:
    """Some bytes of a record changed, lost or put in; it stays on its line."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                del data[place:]
            case 1:
                data[place : place + 1] = bytes([rng.choice([*range(1, 10), *range(14, 256)])])
            case 2:
                data[place:place] = rng.choice([b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"\xc3", b"\xed\xa0\x80"])
            case _:
                del data[place : place + rng.randint(1, 9)]
    return bytes(data.replace(b"\n", b" "))


def malformed(rng: random.Random, record: Any) -> bytes:
    for _ in range(rng.randint(1, 3)):
        record = mutate(rng, record)
    data = json.dumps(record).encode()
    return damage(rng, data) if rng.random() < 0.3 else data


def accounted(brought: Brought) -> None:
    for file in brought.files:
        assert file.read == file.new + file.known + file.merged + sum(file.skipped.values()), file
        assert set(file.first) == set(file.skipped)
        assert len(file.skipped) < 60


POST = {
    "post_id": "7", "author_id": "1", "created_at": "2020-01-01T00:00:00Z", "text": "hi", "lang": "en", "like_count": 4,
    "repost_count": 1, "reply_count": 0, "reply_to_post": "3", "reply_to_user": "4", "repost_of": None, "quote_of": "5",
    "mentions": ["2"], "urls": ["https://example.org/"], "has_media": True, "is_repost": False, "visibility": "public",
    "sensitive": False,
}  # fmt: skip
TABLES: dict[str, dict[str, Any]] = {
    "posts": POST,
    "users": {"user_id": "1", "screen_name": "lan", "name": "Lan", "description": "d", "location": "l", "bot": False,
              "created_at": "2010-01-01", "lang": "vi", "timezone": "UTC", "followers_count": 3, "friends_count": 4},
    "edges": {"person_id": "1", "other_id": "2", "kind": "follow", "at": 5, "on": True},
    "actions": {"action_id": "a", "person_id": "1", "post_id": "2", "kind": "like", "at": 5, "value": 1.0},
    "deletions": {"id": "99", "kind": "post", "at": 5, "reason": "asked"},
    "consents": {"subject": "1", "purpose": "train", "allow": True, "by": "1", "at": 5},
}  # fmt: skip


@pytest.mark.parametrize("role", TABLES)
def test_json_lines(store: Store, write: Write, role: str) -> None:
    rng = random.Random(f"lines {role}")
    count = RECORDS if role == "posts" else RECORDS // 5
    lines = [malformed(rng, TABLES[role]) for _ in range(count)]
    lines = [line if line.strip() else b"?" for line in lines]
    head = json.dumps(TABLES[role]).encode()
    brought = bring(store, write("net", {f"{role}.jsonl": b"\n".join([head, *lines])}))
    accounted(brought)
    assert brought.read == count + 1
    assert brought.new > 0 and sum(brought.skipped.values()) > count // 10


def test_a_json_array(store: Store, write: Write) -> None:
    rng = random.Random("array")
    records = [malformed(rng, POST) for _ in range(RECORDS)]
    brought = bring(
        store, write("net", {"posts.json": b"[" + b",\n".join([json.dumps(POST).encode(), *records]) + b"]"})
    )
    accounted(brought)
    assert brought.new > 0


def test_csv(store: Store, write: Write) -> None:
    rng = random.Random("csv")
    lines = [",".join(POST).encode()]
    for _ in range(RECORDS):
        row = mutate(rng, mutate(rng, POST))
        row = row if isinstance(row, dict) else POST
        fields = [json.dumps(value) if isinstance(value, list | dict) else str(value) for value in row.values()]
        line = ",".join('"' + field.replace('"', '""') + '"' for field in fields).encode(errors="surrogatepass")
        lines.append(damage(rng, line) if rng.random() < 0.3 else line.replace(b"\n", b" "))
    brought = bring(store, write("net", {"posts.csv": b"\n".join(lines)}))
    accounted(brought)
    assert brought.new > 0


def test_parquet_rows(store: Store, write: Write) -> None:
    rng = random.Random("rows")
    texts = [each for each in JUNK if isinstance(each, str) and each.isprintable()] + ["\x00", "a\nb", None]
    whole = {name: [str(value)] * RECORDS for name, value in POST.items()}
    for row in range(RECORDS):
        for name in rng.sample(list(POST), 2):
            whole[name][row] = rng.choice(texts)
    out = io.BytesIO()
    pq.write_table(pa.table(whole, schema=pa.schema([(name, pa.string()) for name in POST])), out)
    brought = bring(store, write("net", {"posts.parquet": out.getvalue()}))
    accounted(brought)
    assert brought.read == RECORDS


def test_parquet_bytes(store: Store, write: Write) -> None:
    rng = random.Random("bytes")
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{**POST, "post_id": str(n)} for n in range(200)]), out, row_group_size=50)
    for _ in range(150):
        data = bytearray(out.getvalue())
        for _ in range(rng.randint(1, 20)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            accounted(bring(store, write("net", {"posts.parquet": bytes(data)})))
        except Problem as problem:
            assert "posts.parquet" in problem.message


@pytest.mark.parametrize("name", ["tweets", "note-tweet", "like", "following", "block", "profile", "community-tweet"])
def test_x_archives(store: Store, write: Write, x_files: dict[str, Any], name: str) -> None:
    rng = random.Random(f"x {name}")
    kind = {"community-tweet": "tweets"}.get(name, name)
    head, _, body = x_files[f"data/{kind}.js"].partition("= ")
    valid = json.loads(body)
    count = RECORDS if name == "tweets" else RECORDS // 5
    records = [json.dumps(valid[0]).encode()] + [malformed(rng, rng.choice(valid)) for _ in range(count)]
    x_files[f"data/{name}.js"] = head.encode() + b"= [" + b",\n".join(records) + b"]"
    accounted(bring(store, write("archive", x_files)))
    assert store.posts(["x:4"])


@pytest.mark.parametrize("name", ["outbox.json", "likes.json", "bookmarks.json", "following_accounts.csv"])
def test_mastodon_archives(store: Store, write: Write, mastodon_files: dict[str, Any], name: str) -> None:
    rng = random.Random(f"mastodon {name}")
    count = RECORDS if name == "outbox.json" else RECORDS // 5
    if name.endswith(".csv"):
        lines = [damage(rng, b"bob@other.social,true,false,") for _ in range(count)]
        mastodon_files[name] = b"\n".join(lines)
    else:
        valid = json.loads(mastodon_files[name])["orderedItems"]
        records = [json.dumps(valid[0]).encode()] + [malformed(rng, rng.choice(valid)) for _ in range(count)]
        mastodon_files[name] = b'{"id": "x", "orderedItems": [' + b",".join(records) + b"]}"
    brought = bring(store, write("archive", mastodon_files))
    accounted(brought)
    assert brought.new > 0


@pytest.mark.parametrize(
    "name", ["data/account.js", "data/profile.js", "data/note-tweet.js", "data/protected-history.js"]
)
def test_what_an_x_archive_is_read_by(store: Store, write: Write, x_files: dict[str, Any], name: str) -> None:
    rng = random.Random(name)
    text = x_files.get(
        name, 'window.YTD.a.part0 = [{"protectedHistory": {"protectedAt": "2023", "action": "Protect"}}]'
    )
    for _ in range(25):
        try:
            accounted(bring(store, write("archive", {**x_files, name: damage(rng, text.encode())})))
        except Problem as problem:
            assert "account.js" in problem.message


def test_what_a_mastodon_archive_is_read_by(store: Store, write: Write, mastodon_files: dict[str, Any]) -> None:
    rng = random.Random("actor")
    actor = json.loads(mastodon_files["actor.json"])
    for _ in range(40):
        try:
            accounted(bring(store, write("archive", {**mastodon_files, "actor.json": malformed(rng, actor)})))
        except Problem as problem:
            assert "actor.json" in problem.message
