"""X archives: every file of them, as folders and zip files, whole and damaged."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from myna.network import ActionKind, EdgeKind, Problem, Visibility
from myna.network.store import Store
from myna.sources import bring

Write = Callable[..., Path]


def zipped(path: Path, files: dict[str, str], prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(prefix + name, content)
    return path


def test_a_zip_and_a_folder_give_the_same_facts(
    store: Store, tmp_path: Path, write: Write, x_files: dict[str, str]
) -> None:
    first = bring(store, write("archive", x_files))
    assert (first.kind, first.source) == ("x", "x")
    for again in (zipped(tmp_path / "a.zip", x_files), zipped(tmp_path / "b.zip", x_files, "twitter-2023-02-18/")):
        second = bring(store, again)
        assert (second.new, second.known, second.skipped) == (0, first.new, first.skipped)


def test_posts_become_what_their_author_wrote(store: Store, write: Write, x_files: dict[str, str]) -> None:
    bring(store, write("archive", x_files))
    posts = store.posts(f"x:{number}" for number in range(1, 10))
    assert set(posts) == {"x:1", "x:2", "x:3", "x:4", "x:5"}
    one = posts["x:1"]
    assert one.text == "Look & see https://example.org/bridge"
    assert (one.urls, one.mentions, one.media) == (("https://example.org/bridge",), ("x:77",), True)
    assert (one.created_at, one.like_count, one.repost_count) == (1676723591000, 3, 1)
    assert posts["x:2"].reply_to == "x:900"
    assert posts["x:3"].quote_of == "x:901"
    assert posts["x:4"].text == "RT @minh: a bridge"
    assert len(posts["x:5"].text) > 300 and "…" not in posts["x:5"].text
    person = store.person("@lan")
    assert (person.name, person.description, person.location) == ("Lan", "Bridges.", "Huế")


def test_edges_and_likes_are_the_account_s(store: Store, write: Write, x_files: dict[str, str]) -> None:
    bring(store, write("archive", x_files))
    assert {(edge.other_id, edge.kind) for edge in store.edges_of("x:42")} == {
        ("x:77", EdgeKind.FOLLOW),
        ("x:79", EdgeKind.BLOCK),
        ("x:80", EdgeKind.MUTE),
    }
    assert [edge.person_id for edge in store.edges_to("x:42")] == ["x:78"]
    [like] = store.actions_by("x:42")
    assert (like.post_id, like.kind, like.at) == ("x:900", ActionKind.LIKE, 0)
    assert store.posts(["x:900"]) == {}


def test_every_record_is_accounted_for(store: Store, write: Write, x_files: dict[str, str]) -> None:
    brought = bring(store, write("archive", x_files))
    for file in brought.files:
        assert file.read == file.new + file.known + file.merged + sum(file.skipped.values()), file
    assert brought.skipped == {
        "a post that its author deleted": 1,
        "the full text of a post that the archive does not hold, or that could not be told from others": 1,
    }
    assert brought.ignored == ("data/direct-messages.js",)


def test_the_older_layout_is_read(store: Store, write: Write, x_files: dict[str, str]) -> None:
    tweets = json.loads(x_files["data/tweets.js"].partition("= ")[2])
    bare = [each["tweet"] for each in tweets]
    files = {
        "account.js": x_files["data/account.js"],
        "tweet.js": "window.YTD.tweet.part0 = " + json.dumps(bare) + ";\r\n",
    }
    assert bring(store, write("old", files)).new == 4


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_and_line_ends_are_read(
    store: Store, write: Write, x_files: dict[str, str], encoding: str
) -> None:
    files = {name: text.replace("\n", "\r\n").encode(encoding) for name, text in x_files.items()}
    assert len(store.posts(["x:1", "x:5"])) == 0
    bring(store, write("archive", files))
    assert len(store.posts(["x:1", "x:5"])) == 2


def test_posts_of_a_protected_account_are_for_followers(store: Store, write: Write, x_files: dict[str, str]) -> None:
    said = [
        {"protectedHistory": {"protectedAt": "2023-01-01T00:00:00.000Z", "action": "Unprotect"}},
        {"protectedHistory": {"protectedAt": "2023-02-01T00:00:00.000Z", "action": "Protect"}},
    ]
    x_files["data/protected-history.js"] = "window.YTD.protected_history.part0 = " + json.dumps(said)
    bring(store, write("archive", x_files))
    assert {post.visibility for post in store.posts_after(0)} == {Visibility.FOLLOWERS}


@pytest.mark.parametrize("said", [{}, ["Protect"]])
def test_a_protection_that_cannot_be_read_is_taken_as_one(
    store: Store, write: Write, x_files: dict[str, str], said: Any
) -> None:
    history = [{"protectedHistory": {"protectedAt": "2023-01-01T00:00:00Z", "action": said}}]
    x_files["data/protected-history.js"] = f"window.YTD.protected_history.part0 = {json.dumps(history)}"
    bring(store, write("archive", x_files))
    assert {post.visibility for post in store.posts_after(0)} == {Visibility.FOLLOWERS}


@pytest.mark.parametrize("id", [{}, [], True, 1e300])
def test_an_account_whose_id_is_none_is_a_problem(store: Store, write: Write, x_files: dict[str, str], id: Any) -> None:
    x_files["data/account.js"] = f'window.YTD.account.part0 = [{{"account": {{"accountId": {json.dumps(id)}}}}}]'
    with pytest.raises(Problem, match=r"account\.js"):
        bring(store, write("archive", x_files))


def test_a_broken_record_is_named_and_the_rest_is_kept(store: Store, write: Write, x_files: dict[str, str]) -> None:
    x_files["data/tweets.js"] = x_files["data/tweets.js"].replace('"id_str": "2",', '"id_str": oops,')
    brought = bring(store, write("archive", x_files))
    [tweets] = [file for file in brought.files if file.name == "data/tweets.js"]
    assert (tweets.read, tweets.new) == (3, 2)
    assert (tweets.skipped, tweets.first) == ({"not valid JSON": 1}, {"not valid JSON": "record 2"})


def test_a_file_cut_short_keeps_what_came_before(store: Store, write: Write, x_files: dict[str, str]) -> None:
    text = x_files["data/tweets.js"]
    x_files["data/tweets.js"] = text[: text.rindex("expanded_url")]
    brought = bring(store, write("archive", x_files))
    [tweets] = [file for file in brought.files if file.name == "data/tweets.js"]
    assert tweets.new == 2
    assert tweets.first == {"the file ends within this record": "record 3"}


def test_a_zip_cut_short_is_a_problem_that_says_so(store: Store, tmp_path: Path, x_files: dict[str, str]) -> None:
    whole = zipped(tmp_path / "a.zip", x_files).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem, match="ends too early"):
        bring(store, tmp_path / "cut.zip")


def test_a_zip_with_damaged_bytes_loses_only_that_file(store: Store, tmp_path: Path, x_files: dict[str, str]) -> None:
    path = zipped(tmp_path / "a.zip", x_files)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        start = file.getinfo("data/like.js").header_offset + 50
    data[start : start + 8] = b"\xff" * 8
    path.write_bytes(data)
    brought = bring(store, path)
    assert [file.name for file in brought.files if file.problem] == ["data/like.js"]
    assert len(store.posts_after(0)) == 5


def test_a_zip_bomb_is_refused_unread(store: Store, tmp_path: Path, x_files: dict[str, str]) -> None:
    path = zipped(tmp_path / "bomb.zip", x_files)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("data/community-tweet.js", b"[" + b" " * (80 << 20) + b"]")
    brought = bring(store, path)
    assert any("zip bomb" in problem for problem in brought.problems)
    assert len(store.posts_after(0)) == 5


def test_names_that_lead_outside_are_refused(store: Store, tmp_path: Path, x_files: dict[str, str]) -> None:
    path = zipped(tmp_path / "a.zip", {**x_files, "../../data/mute.js": "[]", "/etc/tweets.js": "[]"})
    brought = bring(store, path)
    assert len(brought.problems) == 2 and all("outside" in problem for problem in brought.problems)


def test_an_archive_without_its_account_is_a_problem(store: Store, write: Write, x_files: dict[str, str]) -> None:
    del x_files["data/account.js"]
    with pytest.raises(Problem, match=r"account\.js"):
        bring(store, write("archive", x_files))
