"""Mastodon archives, as folders, tar and zip files."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from myna.network import ActionKind, EdgeKind, Problem, Purpose, Visibility
from myna.network.store import Store
from myna.sources import bring

Write = Callable[..., Path]
POST = "mastodon:https://example.social/users/alice/statuses/{}"
ALICE = "mastodon:alice@example.social"


def tarred(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, content in {**files, "media_attachments/a.png": "not read"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            info.mtime = 1_700_000_000
            file.addfile(info, io.BytesIO(content.encode()))
    return path


def test_a_tar_and_a_folder_give_the_same_facts(
    store: Store, tmp_path: Path, write: Write, mastodon_files: dict[str, str]
) -> None:
    first = bring(store, tarred(tmp_path / "archive.tar.gz", mastodon_files))
    assert (first.kind, first.source) == ("mastodon", "mastodon")
    second = bring(store, write("archive", mastodon_files))
    assert (second.new, second.known) == (0, first.new)


def test_html_becomes_text_with_its_lines_and_links(store: Store, write: Write, mastodon_files: dict[str, str]) -> None:
    bring(store, write("archive", mastodon_files))
    post = store.posts([POST.format(1)])[POST.format(1)]
    assert post.text == "Hi @bob\nsee https://example.org/a/long/way\n\n1 < 2"
    assert post.urls == ("https://example.org/a/long/way",)
    assert post.mentions == ("mastodon:bob@other.social",)
    assert (post.lang, post.author_id, post.created_at) == ("en", ALICE, 1672628645000)


def test_visibility_warnings_polls_and_boosts_are_kept(
    store: Store, write: Write, mastodon_files: dict[str, str]
) -> None:
    bring(store, write("archive", mastodon_files))
    posts = {number: store.posts([POST.format(number)])[POST.format(number)] for number in range(1, 7)}
    assert [posts[number].visibility for number in (1, 2, 3, 4)] == [
        Visibility.PUBLIC,
        Visibility.FOLLOWERS,
        Visibility.DIRECT,
        Visibility.UNLISTED,
    ]
    assert posts[4].sensitive and posts[4].text == "about bridges\n\nHello"
    assert posts[5].text == "Hello\n\n- yes\n- no"
    assert posts[6].repost_of == "mastodon:https://other.social/users/bob/statuses/7" and posts[6].text == ""


def test_what_the_profile_says_of_search_and_discovery_becomes_consents(
    store: Store, write: Write, mastodon_files: dict[str, str]
) -> None:
    path = write("archive", mastodon_files)
    bring(store, path)
    bring(store, path)
    said = {(consent.subject, consent.purpose, consent.allow, consent.by) for consent in store.consents_after(0)}
    assert said == {(ALICE, Purpose.SEARCH, False, ALICE), (ALICE, Purpose.RECOMMEND, True, ALICE)}
    assert store.counts().consents == 2


def test_follows_blocks_mutes_and_likes_are_kept(store: Store, write: Write, mastodon_files: dict[str, str]) -> None:
    brought = bring(store, write("archive", mastodon_files))
    assert {(edge.other_id, edge.kind) for edge in store.edges_of(ALICE)} == {
        ("mastodon:bob@other.social", EdgeKind.FOLLOW),
        ("mastodon:carol@example.social", EdgeKind.FOLLOW),
        ("mastodon:mallory@bad.example", EdgeKind.BLOCK),
        ("mastodon:loud@other.social", EdgeKind.MUTE),
    }
    [like] = store.actions_by(ALICE)
    assert (like.kind, like.post_id) == (ActionKind.LIKE, "mastodon:https://other.social/users/bob/statuses/8")
    assert brought.skipped == {
        "an activity other than Create and Announce": 1,
        "a bookmark: private to its owner, and nothing here": 1,
    }
    for file in brought.files:
        assert file.read == file.new + file.known + file.merged + sum(file.skipped.values()), file


def test_a_post_of_another_author_is_not_taken_as_the_owner_s(
    store: Store, write: Write, mastodon_files: dict[str, str]
) -> None:
    outbox = json.loads(mastodon_files["outbox.json"])
    outbox["orderedItems"][0]["object"]["attributedTo"] = "https://other.social/users/bob"
    brought = bring(store, write("archive", {**mastodon_files, "outbox.json": json.dumps(outbox)}))
    assert brought.skipped["a post of another author"] == 1


def test_an_outbox_cut_short_keeps_what_came_before(store: Store, write: Write, mastodon_files: dict[str, str]) -> None:
    text = mastodon_files["outbox.json"]
    mastodon_files["outbox.json"] = text[: text.index("statuses/3/activity")]
    brought = bring(store, write("archive", mastodon_files))
    [outbox] = [file for file in brought.files if file.name == "outbox.json"]
    assert (outbox.new, outbox.first) == (2, {"the file ends within this record": "record 3"})


def test_a_broken_like_spoils_only_itself(store: Store, write: Write, mastodon_files: dict[str, str]) -> None:
    likes = [f"https://other.social/{number}" for number in range(100)]
    text = json.dumps({"orderedItems": likes}).replace('"https://other.social/7"', "https:/other.social/7")
    text = text.replace('"https://other.social/70"', '"https://other.social/70')
    brought = bring(store, write("archive", {**mastodon_files, "likes.json": text}))
    [file] = [file for file in brought.files if file.name == "likes.json"]
    assert file.new >= 97 and file.read >= 99
    assert file.read == file.new + sum(file.skipped.values())


def test_a_post_damaged_at_its_end_does_not_take_the_next_along(
    store: Store, write: Write, mastodon_files: dict[str, str]
) -> None:
    first = json.loads(mastodon_files["outbox.json"])["orderedItems"][0]
    name = first["object"]["id"]
    items = [json.dumps(first, separators=(",", ":")).replace(name, f"{name}{number}") for number in range(9)]
    items[4] = items[4][:-9]
    text = '{"orderedItems":[' + ",".join(items) + "]}"
    bring(store, write("archive", {**mastodon_files, "outbox.json": text}))
    held = store.posts(f"mastodon:{name}{number}" for number in range(9))
    assert len(held) == 8


def test_a_tar_cut_short_says_so(store: Store, tmp_path: Path, mastodon_files: dict[str, str]) -> None:
    whole = tarred(tmp_path / "a.tar.gz", mastodon_files).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[:-60])
    brought = bring(store, tmp_path / "cut.tar.gz")
    assert brought.new and any("download the archive again" in problem for problem in brought.problems)


def test_an_archive_without_its_actor_is_a_problem(store: Store, write: Write, mastodon_files: dict[str, str]) -> None:
    del mastodon_files["actor.json"]
    with pytest.raises(Problem, match=r"actor\.json"):
        bring(store, write("archive", mastodon_files))
