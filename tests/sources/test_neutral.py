"""The neutral format: Parquet, JSON lines, JSON and CSV give the same facts, with every row accounted for."""

import csv
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from myna.network import ActionKind, Consent, Deletion, EdgeKind, Person, Post, Problem, Purpose, Visibility
from myna.network.store import Store
from myna.sources import Brought, bring

Write = Callable[..., Path]
DATA = Path(os.environ.get("MYNA_DATA", Path(__file__).parents[2].parent / "shared" / "data"))

USERS = [
    {"user_id": "1", "screen_name": "Lan", "name": "Lan", "followers_count": 5, "timezone": "Asia/Ho_Chi_Minh"},
    {"user_id": "2", "screen_name": "minh", "name": "Minh", "followers_count": None, "timezone": "Hanoi"},
]
POSTS = [
    {"post_id": "10", "author_id": "1", "created_at": "2020-01-01T00:00:00Z", "text": "Chào", "lang": "VI",
     "like_count": 4, "mentions": ["2"], "urls": ["https://example.org/a"], "has_media": True, "reply_to_post": None,
     "repost_of": None, "quote_of": None, "visibility": "public", "hashtags": []},
    {"post_id": "11", "author_id": "2", "created_at": "2020-01-02T00:00:00Z", "text": "RT @Lan: Chào", "lang": "und",
     "like_count": 0, "mentions": [], "urls": [], "has_media": False, "reply_to_post": None, "repost_of": "10",
     "quote_of": None, "visibility": "unlisted", "hashtags": []},
    {"post_id": "12", "author_id": "3", "created_at": "2020-01-03T00:00:00Z", "text": "no profile", "lang": "en",
     "like_count": None, "mentions": [], "urls": [], "has_media": False, "reply_to_post": "10", "repost_of": None,
     "quote_of": "11", "visibility": "followers", "hashtags": []},
]  # fmt: skip


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    for row in rows:
        writer.writerow({k: json.dumps(value) if isinstance(value, list) else value for k, value in row.items()})
    return out.getvalue()


def as_parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, **options)
    return out.getvalue()


def facts(store: Store) -> tuple[list[Person], list[Post]]:
    people = sorted((replace(person, seq=0) for person in store.people_after(0)), key=lambda person: person.id)
    posts = sorted((replace(post, seq=0) for post in store.posts_after(0)), key=lambda post: post.id)
    return people, posts


def whole(brought: Brought) -> None:
    """Nothing was dropped in silence."""
    for file in brought.files:
        assert file.read == file.new + file.known + file.merged + sum(file.skipped.values()), file


EXPECTED = [
    Post("net:10", "net:1", 1577836800000, "Chào", "vi", mentions=("net:2",), urls=("https://example.org/a",),
         media=True, like_count=4),
    Post("net:11", "net:2", 1577923200000, "", repost_of="net:10", visibility=Visibility.UNLISTED),
    Post("net:12", "net:3", 1578009600000, "no profile", "en", reply_to="net:10", quote_of="net:11",
         visibility=Visibility.FOLLOWERS),
]  # fmt: skip

FORMS: dict[str, dict[str, str | bytes]] = {
    "jsonl": {"users.jsonl": jsonl(USERS), "posts.jsonl": jsonl(POSTS)},
    "json": {"users.json": json.dumps(USERS), "posts.json": json.dumps(POSTS, indent=1)},
    "ndjson called json": {"users.json": jsonl(USERS), "posts.json": jsonl(POSTS)},
    "csv": {"users.csv": as_csv(USERS), "posts.csv": as_csv(POSTS)},
    "semicolons": {"users.csv": as_csv(USERS, ";"), "posts.csv": as_csv(POSTS, ";")},
    "tsv": {"users.tsv": as_csv(USERS, "\t"), "posts.tsv": as_csv(POSTS, "\t")},
    "parquet": {"users.parquet": as_parquet(USERS), "posts.parquet": as_parquet(POSTS)},
    "shards": {
        "users.parquet": as_parquet(USERS),
        "posts_1.parquet": as_parquet(POSTS[:1]),
        "posts_2.parquet": as_parquet(POSTS[1:]),
    },
    "gzip": {
        "users.jsonl.gz": gzip.compress(jsonl(USERS).encode()),
        "posts.csv.gz": gzip.compress(as_csv(POSTS).encode()),
    },
    "utf-16": {"users.jsonl": jsonl(USERS).encode("utf-16"), "posts.csv": as_csv(POSTS).encode("utf-16")},
    "bom and crlf": {
        "users.jsonl": jsonl(USERS).replace("\n", "\r\n").encode("utf-8-sig"),
        "posts.csv": as_csv(POSTS).encode("utf-8-sig"),
    },
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_facts(store: Store, write: Write, form: str) -> None:
    brought = bring(store, write("Net", FORMS[form]))
    people, posts = facts(store)
    assert posts == EXPECTED
    assert [(person.id, person.handle, person.timezone, person.follower_count) for person in people] == [
        ("net:1", "Lan", "Asia/Ho_Chi_Minh", 5),
        ("net:2", "minh", "UTC", None),
        ("net:3", "3", "UTC", None),
    ]
    whole(brought)
    assert (brought.new, brought.known) == (5, 0)


def test_a_zip_of_tables_is_read(store: Store, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.zip", "w") as file:
        for name, content in FORMS["parquet"].items():
            file.writestr(f"export/{name}", content)
    bring(store, tmp_path / "net.zip")
    assert facts(store)[1] == EXPECTED


def test_a_second_import_brings_nothing_twice(store: Store, write: Write) -> None:
    path = write("net", FORMS["jsonl"])
    first, second = bring(store, path), bring(store, path)
    assert (second.new, second.known, second.read) == (0, first.new, first.read)


def test_a_changed_file_is_read_again(store: Store, write: Write) -> None:
    bring(store, write("net", FORMS["jsonl"]))
    more = [*POSTS, {**POSTS[0], "post_id": "13"}]
    assert bring(store, write("net", {"posts.jsonl": jsonl(more)})).new == 1


def test_a_profile_is_not_replaced_by_a_bare_name(store: Store, write: Write) -> None:
    bring(store, write("net", FORMS["jsonl"]))
    bring(store, write("other", {"posts.jsonl": jsonl([{**POSTS[0], "post_id": "14"}])}), source="net")
    assert store.person("net:1").handle == "Lan"


def test_authors_given_by_handle_are_the_users_of_that_handle(store: Store, write: Write) -> None:
    post = {"post_id": "1", "author": "@LAN", "text": "hi", "created_at": 1_577_836_800, "mentions": ["@minh"]}
    bring(store, write("net", {"users.jsonl": jsonl(USERS), "posts.jsonl": jsonl([post])}))
    [found] = store.posts_after(0)
    assert (found.author_id, found.mentions, found.created_at) == ("net:1", ("net:2",), 1_577_836_800_000)
    assert store.counts().people == 2


def test_other_names_are_read_with_a_map(store: Store, write: Write) -> None:
    rows = [{"id": "1", "who": "lan", "body": "hi", "when": 1_577_836_800_000, "author": "not the author"}]
    path = write("forum", {"things.jsonl": jsonl(rows)})
    with pytest.raises(Problem, match="lacks"):
        bring(store, path)
    mapping = {"post_id": "id", "author_id": "who", "text": "body", "created_at": "when"}
    bring(store, path, mapping=mapping)
    [post] = store.posts_after(0)
    assert (post.id, post.author_id, post.text, post.created_at) == ("forum:1", "forum:lan", "hi", 1_577_836_800_000)


@pytest.mark.parametrize("mapping", [{"post_id": "nowhere"}, {"no_such_column": "id"}])
def test_a_map_that_fits_nothing_is_a_problem(store: Store, write: Write, mapping: dict[str, str]) -> None:
    with pytest.raises(Problem, match="map"):
        bring(store, write("net", FORMS["jsonl"]), mapping=mapping)


def test_the_other_tables_become_their_facts(store: Store, write: Write) -> None:
    tables = {
        "edges.jsonl": [{"person_id": "1", "other_id": "2"}, {"person_id": "1", "other_id": "2", "kind": "enemy"},
                        {"person_id": "1", "other_id": "2", "kind": "block", "at": 5, "on": True}],
        "actions.jsonl": [{"person_id": "2", "post_id": "10", "kind": "dwell", "at": "2020-02-01", "value": 2.5}],
        "deletions.jsonl": [{"id": "12", "kind": "post", "at": "2020-02-02", "reason": "asked"}],
        "consents.jsonl": [
            {"subject": "1", "purpose": "train", "allow": True, "by": "1", "at": 1},
            {"subject": "1", "purpose": "train", "allow": True, "by": "operator", "at": 1},
            {"subject": "*", "purpose": "train", "allow": True, "by": "1", "at": 1},
        ],
    }  # fmt: skip
    files = FORMS["jsonl"] | {name: jsonl(rows) for name, rows in tables.items()}
    brought = bring(store, write("net", files))
    whole(brought)
    assert {edge.kind for edge in store.edges_of("net:1")} == {EdgeKind.FOLLOW, EdgeKind.BLOCK}
    [action] = store.actions_by("net:2")
    assert (action.kind, action.value, action.post_id) == (ActionKind.DWELL, 2.5, "net:10")
    assert [replace(d, seq=0) for d in store.deletions_after(0)] == [Deletion("net:12", "post", 1580601600000, "asked")]
    assert [replace(c, seq=0) for c in store.consents_after(0)] == [
        Consent("net:1", Purpose.TRAIN, True, "net:1", 1000)
    ]
    assert sum(brought.skipped.values()) == 3


def test_bad_rows_are_counted_by_reason_with_the_first_of_each(store: Store, write: Write) -> None:
    bad: list[Any] = [
        {"post_id": None}, {"post_id": True}, {"created_at": "yesterday"}, {"created_at": 1e300},
        {"text": {"deep": []}}, {"text": "a\x00b"}, {"like_count": -1}, {"like_count": "many"},
        {"mentions": 7}, {"visibility": "secret"}, {"author_id": ""}, {"text": "\ud800"}, {"post_id": "a\nb"},
    ]  # fmt: skip
    lines = jsonl([{**POSTS[0], **each} for each in bad]) + "[1, 2]\n{broken\n" + jsonl(POSTS)
    brought = bring(store, write("net", {"posts.jsonl": lines}))
    whole(brought)
    [file] = brought.files
    assert (file.read, file.new) == (len(bad) + 2 + 3, 3)
    assert file.first["not valid JSON"] == f"line {len(bad) + 2}"
    assert file.skipped["created_at is not a time"] == 2 - 1
    assert file.skipped["time out of range"] == 1


def test_a_damaged_row_group_spoils_only_itself(store: Store, write: Write) -> None:
    rows = [{**POSTS[0], "post_id": str(number), "text": os.urandom(20).hex()} for number in range(3000)]
    data = bytearray(as_parquet(rows, row_group_size=1000, compression="zstd", use_dictionary=False))
    middle = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(1).column(3).data_page_offset
    data[middle + 30 : middle + 4000] = b"\x00" * 3970
    brought = bring(store, write("net", {"posts.parquet": bytes(data)}))
    whole(brought)
    assert (brought.read, brought.new) == (3000, 2000)
    assert brought.files[0].first == {"in a damaged row group of the Parquet file": "row 1,001"}


def test_a_value_that_cannot_be_read_spoils_only_its_row(store: Store, write: Write) -> None:
    texts = [f"text {number}".encode() for number in range(1000)]
    texts[500] = b"\xff\xfe"
    offsets, values = pa.array(texts, pa.binary()).buffers()[1:]
    table = pa.table(
        {
            "post_id": [str(number) for number in range(1000)],
            "author_id": ["1"] * 1000,
            "text": pa.Array.from_buffers(pa.string(), 1000, [None, offsets, values]),
            "created_at": pa.array([1_000_000_000 + (number == 7) for number in range(1000)], pa.duration("ns")),
        }
    )
    out = io.BytesIO()
    pq.write_table(table.drop(["created_at"]), out)
    brought = bring(store, write("net", {"posts.parquet": out.getvalue()}))
    whole(brought)
    assert (brought.read, brought.new) == (1000, 999)
    assert brought.files[0].first == {"text is not text": "row 501"}
    pq.write_table(table.drop(["text"]).append_column("text", pa.array(["t"] * 1000)), out := io.BytesIO())
    brought = bring(store, write("other", {"posts.parquet": out.getvalue()}))
    whole(brought)
    assert brought.skipped == {"created_at is not a time": 1000}


def test_of_two_columns_of_one_name_the_first_is_read(store: Store, write: Write) -> None:
    columns = [pa.array(["1"]), pa.array(["2"]), pa.array(["first"]), pa.array(["second"])]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, names=["post_id", "author_id", "text", "text"]), out)
    bring(store, write("net", {"posts.parquet": out.getvalue()}))
    assert [post.text for post in store.posts_after(0)] == ["first"]


@pytest.mark.parametrize("rest", [2, 5_000])
def test_a_quotation_mark_too_many_spoils_only_its_line(store: Store, write: Write, rest: int) -> None:
    rows = [f"{number},1,text {number}" for number in range(rest)]
    lines = ["post_id,author_id,text", 'a,1,"one\ntwo"', 'b,1,"open', *rows[:-1], 'c,"1,open', rows[-1]]
    brought = bring(store, write("net", {"posts.csv": "\n".join(lines)}))
    whole(brought)
    assert brought.new == rest + 1
    assert brought.files[0].first == {"not valid CSV (a quotation mark that does not end?)": "line 4"}
    assert sum(brought.skipped.values()) == 2


def test_a_line_of_csv_too_long_is_counted(store: Store, write: Write) -> None:
    text = as_csv(POSTS) + "x" * (17 << 20) + "\n"
    brought = bring(store, write("net", {"posts.csv": text}))
    assert (brought.new, brought.skipped) == (3, {"record longer than 16 MB": 1})


def test_a_broken_file_is_told_and_the_others_are_read(store: Store, write: Write) -> None:
    brought = bring(store, write("net", {**FORMS["jsonl"], "more.parquet": b"PAR1 but not really", "x.csv": b""}))
    assert brought.new == 5
    assert sorted(report.name for report in brought.files if report.problem) == ["more.parquet", "x.csv"]


@pytest.mark.parametrize("name", ["missing.jsonl", "readme.txt", "empty.jsonl", "junk.parquet", "junk.zip", "a.csv.gz"])
def test_what_holds_no_posts_is_a_problem(store: Store, write: Write, name: str) -> None:
    path = write(
        "net", {"readme.txt": "hello", "empty.jsonl": "", "junk.parquet": b"\x00" * 99, "a.csv.gz": b"\x1f\x8b\x08"}
    )
    (path / "junk.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(Problem):
        bring(store, path / name)


def test_a_line_without_end_is_passed_over(store: Store, write: Write) -> None:
    brought = bring(store, write("net", {"posts.jsonl": jsonl(POSTS) + "x" * (17 << 20) + "\n" + jsonl(POSTS[:1])}))
    assert brought.skipped == {"record longer than 16 MB": 1}
    assert (brought.new, brought.known) == (3, 1)


def test_a_gzip_bomb_is_stopped(store: Store, write: Write) -> None:
    bomb = gzip.compress(jsonl(POSTS).encode() + b" " * (80 << 20))
    brought = bring(store, write("net", {"posts.jsonl.gz": bomb}))
    assert brought.new >= 3 and "zip bomb" in brought.problems[0]


def test_a_gzip_file_cut_short_keeps_what_came_before(store: Store, write: Write) -> None:
    rows = [{**POSTS[0], "post_id": str(number), "text": os.urandom(20).hex()} for number in range(2000)]
    brought = bring(store, write("net", {"posts.jsonl.gz": gzip.compress(jsonl(rows).encode())[:-20_000]}))
    assert 100 < brought.new < 2000 and "copy or download it again" in brought.problems[0]


@pytest.mark.parametrize(
    ("folder", "expected"), [("Net 2016!", "net_2016"), ("home", "home_import"), ("мир", "import")]
)
def test_the_source_is_the_folder_s_name_made_plain(store: Store, write: Write, folder: str, expected: str) -> None:
    assert bring(store, write(folder, FORMS["jsonl"])).source == expected


def test_simulated_tables_keep_the_source_they_say(store: Store, write: Write) -> None:
    table = pa.Table.from_pylist(POSTS).replace_schema_metadata({"myna.source": "world"})
    path = write("made", {})
    path.mkdir()
    pq.write_table(table, path / "posts.parquet")
    assert bring(store, path).source == "world"


def test_a_yes_to_training_is_said_once_and_only_when_asked(store: Store, write: Write) -> None:
    path = write("net", FORMS["jsonl"])
    bring(store, path)
    assert store.consents_after(0) == []
    bring(store, path, allow=(Purpose.TRAIN,))
    bring(store, path, allow=(Purpose.TRAIN,))
    assert [(c.subject, c.purpose, c.allow, c.by) for c in store.consents_after(0)] == [
        ("net:*", Purpose.TRAIN, True, "operator")
    ]


def test_progress_ends_with_all_records(store: Store, write: Write) -> None:
    seen: list[tuple[int, int]] = []
    bring(store, write("net", FORMS["shards"]), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("name", "people", "posts"), [("congress_tweets_2016", 424, 82_727), ("world_leaders_tweets_2017", 52, 135_138)]
)
def test_real_sets_are_read_whole(store: Store, name: str, people: int, posts: int) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not here; set MYNA_DATA")
    brought = bring(store, DATA / name)
    whole(brought)
    counts = store.counts()
    assert (counts.people, counts.posts, brought.skipped) == (people, posts, {})
