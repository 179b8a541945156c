"""The archive that Mastodon gives its members: `outbox.json` and `actor.json` (ActivityStreams 2.0), `likes.json`,
`bookmarks.json`; and the lists it exports beside: `following_accounts.csv`, `blocked_accounts.csv`,
`muted_accounts.csv`.

A person's id is their address, `mastodon:alice@example.social`: it is the one name that posts and lists share.
A post's id is its ActivityPub id. What the author's profile says of search and discovery (FEP-5feb) becomes consents.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from myna.network import Action, ActionKind, Consent, Edge, EdgeKind, Fact, Person, Post, Problem, Purpose, Visibility
from myna.sources import values as v
from myna.sources.container import UNREADABLE, Container, Entry
from myna.sources.html import plain
from myna.sources.reading import Broken, elements, lines, parse
from myna.sources.tables import ROWS
from myna.sources.types import Batch, FileReport, Part

_PUBLIC = frozenset(("https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"))
_NOTES = frozenset(("Note", "Question", "Article", "Page"))
_QUOTES = ("quote", "quoteUrl", "quoteUri", "_misskey_quote")
_LARGEST_ACTOR = 16 << 20


class _Archive:
    """Whose archive it is: their ActivityPub object, address and server."""

    def __init__(self, source: str, actor: dict[str, Any]) -> None:
        self.prefix = source + ":"
        self.actor = actor
        self.uri = _uri(actor.get("id"))
        self.host = (urlsplit(self.uri).hostname or "") if self.uri else ""
        self.address = f"{v.text(actor.get('preferredUsername'))}@{self.host}"
        self.followers = _uri(actor.get("followers")) or self.uri + "/followers"

    @property
    def person(self) -> str:
        return self.prefix + self.address


_Map = Callable[[_Archive, Any, Counter[str]], Fact | str]


def parts(container: Container, source: str) -> tuple[list[Part], list[FileReport]]:
    """The files of an archive, in the order they are read. Raises Problem where it is not told whose it is."""
    named = {PurePosixPath(entry.name).name: entry for entry in reversed(container.entries.values())}
    archive = _archive(container, named.get("actor.json"), source)
    entry = named["actor.json"]
    made = [Part(entry.name, "profile", "record", entry.size, _profile(archive, entry))]
    for name, (role, key, make) in _LISTS.items():
        if entry := named.get(name):  # type: ignore[assignment]
            made.append(Part(entry.name, role, "record", entry.size, _batches(archive, entry, key, make)))
    for name, (role, kind) in _TABLES.items():
        if entry := named.get(name):  # type: ignore[assignment]
            made.append(Part(entry.name, role, "line", entry.size, _addresses(archive, entry, kind)))
    return made, []


def _archive(container: Container, entry: Entry | None, source: str) -> _Archive:
    actor: Any = None
    if entry is not None:
        try:
            with entry.open() as file:
                actor = parse(file.read(_LARGEST_ACTOR).removeprefix(b"\xef\xbb\xbf"))
        except UNREADABLE as error:
            raise Problem(
                f"actor.json in {container.path} cannot be read ({error}); download the archive again."
            ) from error
    try:
        archive = _Archive(source, actor if isinstance(actor, dict) else {})
    except (ValueError, v.Unfit):
        archive = _Archive(source, {})
    if not archive.host or archive.address.startswith("@"):
        raise Problem(
            f"{container.path} has no actor.json that names its account (id, preferredUsername), so it is not told "
            "whose posts these are. Download the archive again, or add that file to it."
        )
    return archive


def _profile(archive: _Archive, entry: Entry) -> Iterator[Batch]:
    actor = archive.actor
    try:
        person: Fact | str = Person(
            archive.person,
            archive.address,
            v.text(actor.get("name")),
            plain(v.text(actor.get("summary")))[0],
            created_at=v.time(actor.get("published")),
            bot=actor.get("type") in ("Service", "Application"),
        )
    except (ValueError, TypeError, OverflowError):
        person = "a field is not of its type"
    # As of when the archive was made: what the author says here later holds over it.
    beside: list[Fact] = [
        Consent(archive.person, purpose, said, archive.person, entry.at)
        for name, purpose in (("indexable", Purpose.SEARCH), ("discoverable", Purpose.RECOMMEND))
        if isinstance(said := actor.get(name), bool)
    ]
    yield Batch([person], beside=beside)


def _batches(archive: _Archive, entry: Entry, key: str, make: _Map) -> Iterator[Batch]:
    outcomes: list[Fact | str] = []
    notes: Counter[str] = Counter()
    number = 0
    with entry.open() as file:
        for element, done in elements(file, key):
            number += 1
            if isinstance(element, Broken):
                outcomes.append(element.reason)
            else:
                try:
                    outcomes.append(make(archive, element, notes))
                except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
                    outcomes.append("a field is not of its type")
            if len(outcomes) == ROWS:
                share = min(1.0, done / max(entry.size, 1))
                yield Batch(outcomes, number - len(outcomes) + 1, notes=notes, share=share)
                outcomes, notes = [], Counter()
    if outcomes:
        yield Batch(outcomes, number - len(outcomes) + 1, notes=notes)


# -- activities to facts -----------------------------------------------------------------------------------------------


def _activity(archive: _Archive, activity: Any, notes: Counter[str]) -> Fact | str:
    if not isinstance(activity, dict):
        return "not an activity"
    kind = activity.get("type")
    if kind == "Announce":
        return _announce(archive, activity)
    if kind in _NOTES:
        return _note(archive, activity, activity, notes)
    if kind != "Create":
        return "an activity other than Create and Announce"
    note = activity.get("object")
    if not isinstance(note, dict):
        return "an activity whose post is not in the archive"
    if note.get("type") not in _NOTES:
        return "an object other than a note, a question or an article"
    return _note(archive, note, activity, notes)


def _announce(archive: _Archive, activity: dict[str, Any]) -> Fact | str:
    original = _uri(activity.get("object"))
    id = _uri(activity.get("id")).removesuffix("/activity")
    if not id or not original:
        return "post id missing or malformed"
    at = v.time(activity.get("published"))
    visibility = _visibility(archive, activity)
    return Post(archive.prefix + id, archive.person, at, "", repost_of=archive.prefix + original, visibility=visibility)


def _note(archive: _Archive, note: dict[str, Any], activity: dict[str, Any], notes: Counter[str]) -> Fact | str:
    id = _uri(note.get("id"))
    if not id:
        return "post id missing or malformed"
    author = note.get("attributedTo")
    if author is not None and _uri(author) != archive.uri:
        return "a post of another author"
    langs = note.get("contentMap")
    langs = langs if isinstance(langs, dict) else {}
    content = note.get("content")
    if content is None and langs:
        content = next(iter(langs.values()))
    if content is None and note.get("name") and note.get("inReplyTo"):
        return "a vote in a poll"
    text, urls = plain(v.text(content))
    options = [v.text(each.get("name")) for each in _dicts(note.get("oneOf")) + _dicts(note.get("anyOf"))]
    if options:
        text += "\n\n" + "\n".join(f"- {option}" for option in options)
        notes["a poll: its options were put below its text"] += 1
    if warning := v.text(note.get("summary")):
        text = f"{warning}\n\n{text}"
    quoted = next((uri for name in _QUOTES if (uri := _uri(note.get(name)))), "")
    return Post(
        archive.prefix + id,
        archive.person,
        v.time(note.get("published") or activity.get("published")),
        text.strip(),
        v.lang(next(iter(langs))) if len(langs) == 1 else "",
        reply_to=_prefixed(archive, note.get("inReplyTo")),
        quote_of=_prefixed(archive, quoted),
        visibility=_visibility(archive, note if "to" in note or "cc" in note else activity),
        mentions=_mentions(archive, note),
        urls=tuple("".join(url.split()) for url in urls),
        media=bool(_dicts(note.get("attachment"))),
        sensitive=v.flag(note.get("sensitive")) or bool(warning),
        like_count=_total(note.get("likes")),
        repost_count=_total(note.get("shares")),
    )


def _uri(value: Any) -> str:
    """The id of something named by its id or given whole; "" for neither."""
    if isinstance(value, dict):
        value = value.get("id")
    return value.strip() if isinstance(value, str) else ""


def _prefixed(archive: _Archive, value: Any) -> str:
    uri = _uri(value)
    return archive.prefix + uri if uri else ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    value = [value] if isinstance(value, dict) else value
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _total(value: Any) -> int:
    return v.count(value.get("totalItems")) if isinstance(value, dict) else 0


def _visibility(archive: _Archive, addressed: dict[str, Any]) -> Visibility:
    to, cc = (_names(addressed.get(name)) for name in ("to", "cc"))
    if to & _PUBLIC:
        return Visibility.PUBLIC
    if cc & _PUBLIC:
        return Visibility.UNLISTED
    return Visibility.FOLLOWERS if archive.followers in to | cc else Visibility.DIRECT


def _names(value: Any) -> set[str]:
    values = value if isinstance(value, list) else [value]
    return {each for each in map(_uri, values) if each}


def _mentions(archive: _Archive, note: dict[str, Any]) -> tuple[str, ...]:
    found = []
    for tag in _dicts(note.get("tag")):
        if tag.get("type") == "Mention":
            name = v.text(tag.get("name")).strip().removeprefix("@")
            host = urlsplit(_uri(tag.get("href"))).hostname or archive.host
            if name:
                found.append(archive.prefix + "".join((name if "@" in name else f"{name}@{host}").split()))
    return tuple(dict.fromkeys(found))


def _like(archive: _Archive, liked: Any, notes: Counter[str]) -> Fact | str:
    post = _uri(liked)
    if not post:
        return "post id missing or malformed"
    return Action(f"{archive.prefix}like {archive.address} {post}", archive.person, archive.prefix + post,
                  ActionKind.LIKE, 0)  # fmt: skip


def _bookmark(archive: _Archive, marked: Any, notes: Counter[str]) -> Fact | str:
    return "a bookmark: private to its owner, and nothing here"


# -- lists of addresses ------------------------------------------------------------------------------------------------


def _addresses(archive: _Archive, entry: Entry, kind: EdgeKind) -> Iterator[Batch]:
    outcomes: list[Fact | str] = []
    numbers: list[int] = []
    with entry.open() as file:
        for number, (line, _) in enumerate(lines(file), start=1):
            try:
                fields = next(csv.reader([(line or b"").decode()]), [])
            except (csv.Error, UnicodeError):
                fields = ["\x00"]
            address = fields[0].strip().removeprefix("@") if fields else ""
            if not address or (number == 1 and address == "Account address"):
                continue
            numbers.append(number)
            if not address.isprintable() or " " in address or address.startswith("@") or address.endswith("@"):
                outcomes.append("not an address")
                continue
            other = address if "@" in address else f"{address}@{archive.host}"
            outcomes.append(Edge(archive.person, archive.prefix + other, kind, 0))
    for start in range(0, len(outcomes), ROWS):
        yield Batch(outcomes[start : start + ROWS], numbers=numbers[start : start + ROWS])


_LISTS: dict[str, tuple[str, str, _Map]] = {
    "outbox.json": ("posts", "orderedItems", _activity),
    "likes.json": ("likes", "orderedItems", _like),
    "bookmarks.json": ("bookmarks", "orderedItems", _bookmark),
}
_TABLES = {
    "following_accounts.csv": ("follows", EdgeKind.FOLLOW),
    "blocked_accounts.csv": ("blocks", EdgeKind.BLOCK),
    "muted_accounts.csv": ("mutes", EdgeKind.MUTE),
}
