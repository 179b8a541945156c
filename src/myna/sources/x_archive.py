"""The archive that X (Twitter) gives its members: `data/*.js`, each `window.YTD.<name>.part<N> = [ … ]`.

Read: account, profile, tweets (older: tweet), community-tweet, note-tweet, like, following, follower, block, mute,
protected-history, and each of their parts. Posts their author deleted (deleted-tweets) are counted and left out.
Everything else, direct messages first, is not opened.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import PurePosixPath
from typing import Any

from myna.network import Action, ActionKind, Edge, EdgeKind, Fact, Person, Post, Problem, Visibility
from myna.sources import values as v
from myna.sources.container import BROKEN, UNREADABLE, Container, Entry
from myna.sources.reading import Broken, elements
from myna.sources.tables import ROWS
from myna.sources.types import MERGED, Batch, FileReport, Part

_FILE = re.compile(r"([a-z-]+?)(?:-part(\d+))?\.js")
_STATUS = re.compile(r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/[^/]+/status(?:es)?/(\d+)", re.ASCII)
_NOTE_ENDS = "…"
_NOTE_NEAR = 5_000
"""Milliseconds between the time of a long post and the time of its full text."""


@dataclass(slots=True)
class _Archive:
    """What the files of one archive share."""

    prefix: str
    account: str
    visibility: Visibility
    profile: dict[str, Any]
    notes: dict[str, tuple[int, str, tuple[str, ...]]]
    """Note id -> (time, full text, addresses)."""
    times: list[tuple[int, str]]
    """(time, note id), in order."""
    used: set[str] = field(default_factory=set)

    @property
    def person(self) -> str:
        return self.prefix + self.account


_Map = Callable[[_Archive, dict[str, Any], Counter[str]], Fact | str]


def parts(container: Container, source: str) -> tuple[list[Part], list[FileReport]]:
    """The files of an archive, in the order they must be read. Raises Problem where it is not told whose it is."""
    files: dict[str, list[tuple[int, Entry]]] = {}
    for entry in container.entries.values():
        path = PurePosixPath(entry.name)
        if path.parent.name in ("", "data") and (found := _FILE.fullmatch(path.name)):
            files.setdefault(found.group(1), []).append((int(found.group(2) or 0), entry))
    files = {name: sorted(found, key=lambda each: each[0]) for name, found in files.items()}
    archive = _archive(container, files, source)
    made: list[Part] = []
    for name, (role, wrapped, make) in _FILES.items():
        for _, entry in files.get(name, []):
            made.append(Part(entry.name, role, "record", entry.size, _batches(archive, entry, wrapped, make)))
    return made, []


def _first(entry: Entry, wrapped: str) -> dict[str, Any]:
    """The first record of a small file; {} where there is none."""
    with entry.open() as file:
        for element, _ in elements(file):
            return _inner(element, wrapped) or {}
    return {}


def _archive(container: Container, files: dict[str, list[tuple[int, Entry]]], source: str) -> _Archive:
    try:
        account = _first(files["account"][0][1], "account") if "account" in files else {}
    except UNREADABLE as error:
        raise Problem(
            f"account.js in {container.path} cannot be read ({error}); download the archive again."
        ) from error
    try:
        local = _id(account.get("accountId"))
    except v.Unfit:
        local = ""
    if not local:
        raise Problem(
            f"{container.path} has no data/account.js that names its account, so it is not told whose posts these "
            "are. Download the archive again, or add that file to it."
        )
    try:
        profile = _first(files["profile"][0][1], "profile") if "profile" in files else {}
    except UNREADABLE:
        profile = {}  # told when its turn to be counted comes
    archive = _Archive(source + ":", local, _visibility(files), profile, {}, [])
    for _, entry in files.get("note-tweet", []):
        try:
            with entry.open() as file:
                for element, _ in elements(file):
                    _keep_note(archive, _inner(element, "noteTweet"))
        except BROKEN:
            continue  # told when its turn to be counted comes
    archive.times = sorted((at, id) for id, (at, _, _) in archive.notes.items())
    return archive


def _visibility(files: dict[str, list[tuple[int, Entry]]]) -> Visibility:
    """FOLLOWERS where the account was protected last; X tells it for the half year before the archive."""
    last = (0, "")
    for _, entry in files.get("protected-history", []):
        try:
            with entry.open() as file:
                for element, _ in elements(file):
                    record = _inner(element, "protectedHistory") or {}
                    last = max(last, (_time(record.get("protectedAt")), _text(record.get("action")).lower()))
        except v.Unfit:
            return Visibility.FOLLOWERS
        except BROKEN:
            # It cannot be told that it was public.
            return Visibility.FOLLOWERS
    return Visibility.FOLLOWERS if last[1].startswith("protect") else Visibility.PUBLIC


def _batches(archive: _Archive, entry: Entry, wrapped: str, make: _Map) -> Iterator[Batch]:
    outcomes: list[Fact | str] = []
    notes: Counter[str] = Counter()
    number = 0
    with entry.open() as file:
        for element, done in elements(file):
            number += 1
            if isinstance(element, Broken):
                outcomes.append(element.reason)
            elif (record := _inner(element, wrapped)) is None:
                outcomes.append(f"not a record of {wrapped}")
            else:
                try:
                    outcomes.append(make(archive, record, notes))
                except (v.Unfit, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
                    outcomes.append("a field is not of its type")
            if len(outcomes) == ROWS:
                share = min(1.0, done / max(entry.size, 1))
                yield Batch(outcomes, number - len(outcomes) + 1, notes=notes, share=share)
                outcomes, notes = [], Counter()
    if outcomes:
        yield Batch(outcomes, number - len(outcomes) + 1, notes=notes)


def _inner(element: Any, wrapped: str) -> dict[str, Any] | None:
    """The record within its wrapping; archives before 2020 have tweets without one."""
    if not isinstance(element, dict):
        return None
    inner = element.get(wrapped)
    if isinstance(inner, dict):
        return inner
    return element if wrapped == "tweet" and ("id_str" in element or "full_text" in element) else None


def _id(value: Any) -> str:
    return v.id_(value)


def _text(value: Any) -> str:
    return v.text(value)


def _time(value: Any) -> int:
    try:
        return v.time(value)
    except (ValueError, TypeError, OverflowError):
        return 0


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


# -- records to facts --------------------------------------------------------------------------------------------------


def _account(archive: _Archive, record: dict[str, Any], notes: Counter[str]) -> Fact | str:
    said = archive.profile.get("description")
    said = said if isinstance(said, dict) else {}
    return Person(
        archive.prefix + _id(record.get("accountId")),
        _text(record.get("username")) or _id(record.get("accountId")),
        _text(record.get("accountDisplayName")),
        _text(said.get("bio")),
        timezone=v.timezone(_text(record.get("timeZone"))) or "UTC",
        location=_text(said.get("location")),
        created_at=v.time(record.get("createdAt")),
    )


def _tweet(archive: _Archive, record: dict[str, Any], notes: Counter[str]) -> Fact | str:
    local = _id(record.get("id_str") or record.get("id"))
    if not local:
        return "post id missing or malformed"
    at = v.time(record.get("created_at"))
    text = record.get("full_text", record.get("text"))
    if not isinstance(text, str):
        return "a post without text"
    entities = record.get("entities")
    extended = record.get("extended_entities")
    entities = entities if isinstance(entities, dict) else {}
    media = _dicts(entities.get("media")) or _dicts(extended.get("media") if isinstance(extended, dict) else None)
    urls: list[str] = []
    for link in _dicts(entities.get("urls")):
        short, whole = link.get("url"), link.get("expanded_url")
        if isinstance(short, str) and isinstance(whole, str) and short and whole:
            text = text.replace(short, whole)
            urls.append(whole)
    for item in media:
        if isinstance(item.get("url"), str) and item["url"]:
            text = text.replace(item["url"], "")
    text = unescape(text) if "&" in text else text
    if note := _note_of(archive, local, at, text):
        text, more = note
        urls += more
        notes["a long post, whose full text was taken from note-tweet.js"] += 1
    if text.startswith("RT @"):
        notes["a repost whose original the archive does not name: kept as a post with its text"] += 1
    # A quote is a post that ends in the address of another: the archive says no more of it.
    quoted = _STATUS.fullmatch(urls[-1].partition("?")[0]) if urls and text.rstrip().endswith(urls[-1]) else None
    return Post(
        archive.prefix + local,
        archive.person,
        at,
        text.strip(),
        v.lang(_text(record.get("lang"))),
        reply_to=_prefixed(archive, record.get("in_reply_to_status_id_str") or record.get("in_reply_to_status_id")),
        quote_of=archive.prefix + quoted.group(1) if quoted else "",
        visibility=archive.visibility,
        mentions=tuple(
            archive.prefix + _id(each.get("id_str") or each.get("id"))
            for each in _dicts(entities.get("user_mentions"))
            if _id(each.get("id_str") or each.get("id")) not in ("", "-1")
        ),
        urls=tuple(dict.fromkeys(" ".join(url.split()) for url in urls)),
        media=bool(media),
        sensitive=v.flag(record.get("possibly_sensitive")),
        like_count=v.count(record.get("favorite_count")),
        repost_count=v.count(record.get("retweet_count")),
    )


def _prefixed(archive: _Archive, value: Any) -> str:
    local = _id(value)
    return archive.prefix + local if local else ""


def _keep_note(archive: _Archive, record: dict[str, Any] | None) -> None:
    core = (record or {}).get("core")
    if record is None or not isinstance(core, dict) or not isinstance(core.get("text"), str):
        return
    try:
        id = _id(record.get("tweetId") or record.get("noteTweetId"))
    except v.Unfit:
        return
    text = core["text"]
    urls = []
    for link in _dicts(core.get("urls")):
        short, whole = link.get("shortUrl"), link.get("expandedUrl")
        if isinstance(short, str) and isinstance(whole, str) and short and whole:
            text = text.replace(short, whole)
            urls.append(whole)
    if id:
        archive.notes[id] = (_time(record.get("createdAt")), unescape(text), tuple(urls))


def _note_of(archive: _Archive, local: str, at: int, text: str) -> tuple[str, tuple[str, ...]] | None:
    """The full text of a long post. Some archives name the post, others only the time: then the beginning decides."""
    if not archive.notes:
        return None
    if local in archive.notes:
        archive.used.add(local)
        return archive.notes[local][1:]
    place = bisect_left(archive.times, (at - _NOTE_NEAR, ""))
    begins = text.split("https://t.co/")[0].rstrip().removesuffix(_NOTE_ENDS).rstrip()[:200]
    while at and place < len(archive.times) and archive.times[place][0] <= at + _NOTE_NEAR:
        id = archive.times[place][1]
        _, full, urls = archive.notes[id]
        if len(begins) >= 20 and full.startswith(begins) and len(full) > len(begins):
            archive.used.add(id)
            return full, urls
        place += 1
    return None


def _note(archive: _Archive, record: dict[str, Any], notes: Counter[str]) -> Fact | str:
    id = _id(record.get("tweetId") or record.get("noteTweetId"))
    if id in archive.used:
        return MERGED
    return "the full text of a post that the archive does not hold, or that could not be told from others"


def _like(archive: _Archive, record: dict[str, Any], notes: Counter[str]) -> Fact | str:
    post = _id(record.get("tweetId"))
    if not post:
        return "post id missing or malformed"
    if record.get("fullText"):
        notes["the text of a liked post has no author in the archive: left out, the like is kept"] += 1
    id = f"{archive.prefix}like {archive.account} {post}"
    return Action(id, archive.person, archive.prefix + post, ActionKind.LIKE, 0)


def _edge(kind: EdgeKind, backwards: bool = False) -> _Map:
    def make(archive: _Archive, record: dict[str, Any], notes: Counter[str]) -> Fact | str:
        other = _prefixed(archive, record.get("accountId"))
        ends = (other, archive.person) if backwards else (archive.person, other)
        return Edge(*ends, kind, 0)

    return make


def _deleted(archive: _Archive, record: dict[str, Any], notes: Counter[str]) -> Fact | str:
    return "a post that its author deleted"


def _merged(archive: _Archive, record: dict[str, Any], notes: Counter[str]) -> Fact | str:
    return MERGED


# name -> (role, what wraps a record, how it becomes a fact). In the order they are read: posts before their notes,
# so that it is known which notes found their post.
_FILES: dict[str, tuple[str, str, _Map]] = {
    "account": ("account", "account", _account),
    "profile": ("profile", "profile", _merged),
    "tweet": ("posts", "tweet", _tweet),
    "tweets": ("posts", "tweet", _tweet),
    "community-tweet": ("posts", "tweet", _tweet),
    "note-tweet": ("long texts", "noteTweet", _note),
    "following": ("follows", "following", _edge(EdgeKind.FOLLOW)),
    "follower": ("followers", "follower", _edge(EdgeKind.FOLLOW, backwards=True)),
    "block": ("blocks", "blocking", _edge(EdgeKind.BLOCK)),
    "mute": ("mutes", "muting", _edge(EdgeKind.MUTE)),
    "like": ("likes", "like", _like),
    "deleted-tweets": ("deleted posts", "tweet", _deleted),
    "deleted-tweet": ("deleted posts", "tweet", _deleted),
    "protected-history": ("protection", "protectedHistory", _merged),
}
