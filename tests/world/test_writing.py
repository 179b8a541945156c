"""The files say what the facts say, in the documented columns, and nothing of the truth."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from myna.network import Action, Deletion, Edge, Person, Post
from myna.world import World, generate

_NAMES = ("users", "edges", "posts", "actions", "deletions")


@pytest.fixture(scope="module")
def small() -> World:
    return generate(people=80, posts=1500, seed=5)


@pytest.fixture(scope="module")
def written(small: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    small.write(directory)
    return directory


def test_the_files_hold_exactly_the_facts(small: World, written: Path):
    facts = {kind: [] for kind in (Person, Edge, Post, Action, Deletion)}
    for batch in small.batches():
        for fact in batch:
            facts[type(fact)].append(fact)
    rows = {name: pq.read_table(written / f"{name}.parquet").to_pylist() for name in _NAMES}
    for person, row in zip(facts[Person], rows["users"], strict=True):
        assert (person.id, person.handle, person.name, person.timezone, person.bot) == (
            f"world:{row['user_id']}", row["screen_name"], row["name"], row["timezone"], row["bot"],
        )  # fmt: skip
        assert (person.follower_count, person.following_count) == (row["followers_count"], row["friends_count"])
    for edge, row in zip(facts[Edge], rows["edges"], strict=True):
        assert (edge.person_id, edge.other_id, edge.kind, edge.on) == (
            f"world:{row['person_id']}", f"world:{row['other_id']}", row["kind"], row["on"],
        )  # fmt: skip
        assert edge.at == round(row["at"].timestamp() * 1000)
    for post, row in zip(facts[Post], rows["posts"], strict=True):

        def local(id: str) -> str | None:
            return id.removeprefix("world:") or None

        assert (local(post.id), local(post.author_id), post.text, post.lang) == (
            row["post_id"], row["author_id"], row["text"], row["lang"],
        )  # fmt: skip
        assert [local(post.reply_to), local(post.repost_of), local(post.quote_of)] == [
            row["reply_to_post"], row["repost_of"], row["quote_of"],
        ]  # fmt: skip
        assert ([local(id) for id in post.mentions], list(post.urls)) == (row["mentions"], row["urls"])
        assert (post.like_count, post.repost_count, post.reply_count, post.media) == (
            row["like_count"], row["repost_count"], row["reply_count"], row["has_media"],
        )  # fmt: skip
        assert post.created_at == round(row["created_at"].timestamp() * 1000)
        for tag in row["hashtags"]:
            assert f"#{tag}" in row["text"]
    for action, row in zip(facts[Action], rows["actions"], strict=True):
        assert (action.id, action.person_id, action.post_id, action.kind, action.value) == (
            f"world:{row['action_id']}", f"world:{row['person_id']}", f"world:{row['post_id']}", row["kind"],
            row["value"],
        )  # fmt: skip
    for deletion, row in zip(facts[Deletion], rows["deletions"], strict=True):
        assert (deletion.id, deletion.kind, deletion.reason) == (f"world:{row['id']}", row["kind"], row["reason"])


def test_no_column_tells_the_truth(written: Path):
    columns = {name for file in _NAMES for name in pq.read_schema(written / f"{file}.parquet").names}
    assert columns == set(
        "user_id screen_name name description location created_at lang timezone bot followers_count friends_count "
        "person_id other_id kind at on post_id author_id text reply_to_post reply_to_user repost_of repost_of_user "
        "quote_of quote_of_user like_count repost_count reply_count mentions hashtags urls has_media action_id value "
        "id reason".split()
    )
    assert sorted(path.name for path in written.iterdir()) == sorted(
        ["README.txt", *(f"{name}.parquet" for name in _NAMES)]
    )


def test_who_wrote_the_answered_post_is_beside_it(written: Path):
    rows = pq.read_table(written / "posts.parquet").to_pylist()
    author = {row["post_id"]: row["author_id"] for row in rows}
    for row in rows:
        for post, user in (
            ("reply_to_post", "reply_to_user"),
            ("repost_of", "repost_of_user"),
            ("quote_of", "quote_of_user"),
        ):
            assert row[user] == (author[row[post]] if row[post] else None)


def test_times_are_in_milliseconds_utc_and_texts_compressed_with_zstd(written: Path):
    file = pq.ParquetFile(written / "posts.parquet")
    assert file.schema_arrow.field("created_at").type == pa.timestamp("ms", tz="UTC")
    assert file.metadata.row_group(0).column(3).compression == "ZSTD"


def test_a_deleted_text_is_nowhere_in_the_files(small: World, written: Path):
    texts = {row["post_id"]: row["text"] for row in pq.read_table(written / "posts.parquet").to_pylist()}
    assert len(small.deleted)
    for post in small.deleted.tolist():
        assert texts[str(post + 1)] == ""


def test_the_readme_says_that_it_is_simulated_and_how_to_make_it_again(written: Path):
    text = (written / "README.txt").read_text(encoding="utf-8")
    assert "simulated" in text
    assert "myna world --people 80 --posts 1500 --seed 5" in text


def test_every_table_carries_the_label_that_it_is_simulated(written: Path):
    for name in _NAMES:
        assert pq.read_schema(written / f"{name}.parquet").metadata[b"myna.source"] == b"world"


def test_the_same_seed_gives_the_same_bytes(written: Path, tmp_path: Path):
    told = []
    generate(people=80, posts=1500, seed=5).write(tmp_path, lambda done, total: told.append((done, total)))
    for path in written.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name
    assert told[-1][0] == told[-1][1]


def test_an_empty_network_has_files_with_columns_and_no_rows(tmp_path: Path):
    generate(people=2, posts=0, seed=1).write(tmp_path)
    assert pq.read_table(tmp_path / "posts.parquet").num_rows == 0
    assert pq.read_table(tmp_path / "users.parquet").num_rows == 2
    assert pq.read_table(tmp_path / "actions.parquet").column_names[:2] == ["action_id", "person_id"]


def test_what_cannot_be_written_leaves_no_half_file(small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        small.write(tmp_path)
    assert not list(tmp_path.glob("*.parquet"))
