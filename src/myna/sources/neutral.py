"""The neutral format: tables of posts, users, edges, actions, deletions and consents, each known by its columns.

The column names are in `ROLES`; docs/sources.md explains them. Ids in the files carry no source: it is put before
them here.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import xxhash

from myna.network import (
    Action,
    ActionKind,
    Consent,
    Deletion,
    Edge,
    EdgeKind,
    Fact,
    Person,
    Post,
    Problem,
    Purpose,
    Visibility,
)
from myna.sources import values as v
from myna.sources.container import BROKEN, UNREADABLE, Container, Entry
from myna.sources.tables import FORMATS, Columns, Table, in_milliseconds, suffix, table
from myna.sources.types import Batch, FileReport, Part

_VERSION = "1"
"""Raised when the same file would give other facts than before, so that it is read again."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a file can hold. needs: columns it is known by, each with those that may stand in its place."""

    name: str
    needs: tuple[tuple[str, ...], ...]
    takes: tuple[str, ...]

    def lacks(self, columns: frozenset[str]) -> list[str]:
        """The columns missing for this role."""
        return [" or ".join(names) for names in self.needs if not columns & frozenset(names)]


# In this order: users before what they wrote, so that authors are known, and consents before the posts they are about.
ROLES = (
    Role(
        "users",
        (("user_id",), ("screen_name", "name", "handle")),
        (
            "user_id", "screen_name", "handle", "name", "description", "location", "created_at", "lang", "timezone",
            "bot", "followers_count", "friends_count", "follower_count", "following_count",
        ),
    ),
    Role("consents", (("subject",), ("purpose",), ("allow",), ("by",)), ("subject", "purpose", "allow", "by", "at")),
    Role(
        "posts",
        (("post_id",), ("author_id", "author"), ("text",)),
        (
            "post_id", "author_id", "author", "created_at", "text", "lang", "lang_twitter", "lang_guess", "like_count",
            "repost_count", "reply_count", "reply_to_post", "reply_to_user", "repost_of", "quote_of", "mentions",
            "urls", "has_media", "is_repost", "visibility", "sensitive",
        ),
    ),
    Role(
        "actions",
        (("person_id",), ("post_id",), ("kind",)),
        ("action_id", "person_id", "post_id", "kind", "at", "value"),
    ),
    Role("edges", (("person_id",), ("other_id",)), ("person_id", "other_id", "kind", "at", "on")),
    Role("deletions", (("id",), ("kind",), ("at",)), ("id", "kind", "at", "reason")),
)  # fmt: skip
_ALSO = ("hashtags", "repost_of_user", "quote_of_user")
"""Columns of the format that say nothing the text or another column does not."""
_ANY = frozenset(name for role in ROLES for name in role.takes)

_EDGES = {str(kind): kind for kind in EdgeKind}
_ACTIONS = {str(kind): kind for kind in ActionKind}
_PURPOSES = {str(kind): kind for kind in Purpose}
_VISIBLE = {str(kind): kind for kind in Visibility} | {"": Visibility.PUBLIC, "private": Visibility.FOLLOWERS}


@dataclass(slots=True)
class _Import:
    """What the files of one import share. handles: lower-case handle -> user id, of the users files read so far."""

    source: str
    handles: dict[str, str] = field(default_factory=dict)
    users: str = ""


def parts(container: Container, source: str, mapping: Mapping[str, str]) -> tuple[list[Part], list[FileReport]]:
    """The files that can be brought in, in the order they must be, and reports of those that cannot.

    Raises Problem where a name in `mapping` is not one of ours, and where nothing is understood.
    """
    if unknown := sorted(set(mapping) - _ANY):
        raise Problem(
            f"--map names {', '.join(unknown)}, which is no column of the neutral format. It has: "
            + ", ".join(sorted(_ANY))
            + "."
        )
    found: list[tuple[int, Entry, Table, Role]] = []
    reports: list[FileReport] = []
    seen: dict[str, tuple[str, ...]] = {}
    for entry in container.entries.values():
        if suffix(entry.name) not in FORMATS or "/" in entry.name:
            continue
        try:
            read = table(entry)
        except Problem as problem:
            reports.append(FileReport(entry.name, "", problem=problem.message))
            continue
        except UNREADABLE as error:
            reports.append(FileReport(entry.name, "", problem=_cannot(error)))
            continue
        seen[entry.name] = read.columns
        columns = _ours(read.columns, mapping)
        role = next((role for role in ROLES if not role.lacks(frozenset(columns))), None)
        if role is None:
            reports.append(FileReport(entry.name, "", problem=_not_understood(read.columns, columns, mapping)))
        else:
            found.append((ROLES.index(role), entry, read, role))
    for ours, theirs in mapping.items():
        if seen and not any(theirs in columns for columns in seen.values()):
            raise Problem(f"--map {ours}={theirs}: no file has a column {theirs!r}. {_listing(seen)}")
    if not found:
        raise Problem(_nothing(container, reports))
    found.sort(key=lambda each: (each[0], _natural(each[1].name)))
    shared = _Import(source)
    for _, entry, _, role in found:
        if role.name == "users":
            shared.users += _digest(entry, source)
    return [_part(shared, entry, read, role, mapping) for _, entry, read, role in found], reports


def _part(shared: _Import, entry: Entry, read: Table, role: Role, mapping: Mapping[str, str]) -> Part:
    columns = _ours(read.columns, mapping)
    chosen = {ours: theirs for ours, theirs in columns.items() if ours in role.takes}
    used = set(chosen.values()) | set(_ALSO)
    make = _MAKE[role.name]

    def batches() -> Iterator[Batch]:
        for found in read.read(chosen.values()):
            named = {ours: found.values[theirs] for ours, theirs in chosen.items() if theirs in found.values}
            yield make(shared, found, _Named(named, found.count))

    digest = ""
    if role.name in ("posts", "edges", "actions"):
        # Profiles are read each time: the last import of a person holds, even one of a file seen before.
        what = f"{_VERSION} {shared.source} {role.name} {sorted(chosen.items())} {shared.users}"
        digest = _digest(entry, what)
    unused = tuple(name for name in read.columns if name not in used)
    return Part(entry.name, role.name, read.unit, entry.size, batches(), unused, digest)


def _ours(columns: tuple[str, ...], mapping: Mapping[str, str]) -> dict[str, str]:
    """Our column -> the file's column. A column given by --map is taken for that alone."""
    given = {ours: theirs for ours, theirs in mapping.items() if theirs in columns}
    return {name: name for name in columns if name not in given.values() and name not in given} | given


def _digest(entry: Entry, what: str) -> str:
    state = xxhash.xxh3_128(what.encode(errors="surrogatepass"))
    try:
        with entry.open() as file:
            while piece := file.read(1 << 20):
                state.update(piece)
    except BROKEN:
        return ""
    return state.hexdigest()


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts posts_2 before posts_10."""
    pieces: list[tuple[int, str]] = []
    digits = ""
    for character in name:
        if character.isdecimal() and character.isascii():
            digits += character
            continue
        pieces += [(int(digits[:18]), "")] if digits else []
        digits = ""
        pieces.append((-1, character))
    return tuple(pieces)


# -- what cannot be read -----------------------------------------------------------------------------------------------


def _cannot(error: Exception) -> str:
    return f"It cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__}); copy it again."


def _not_understood(columns: tuple[str, ...], ours: Mapping[str, str], mapping: Mapping[str, str]) -> str:
    """Which role the file comes nearest to, what it lacks for it, and the --map that would help."""
    if not columns:
        return "It holds no record that can be read."
    nearest = min(ROLES, key=lambda role: (len(role.lacks(frozenset(ours))) / len(role.needs), role.name != "posts"))
    if len(nearest.lacks(frozenset(ours))) == len(nearest.needs):
        shown = ", ".join(name[:60] for name in columns[:40])
        takes = "; ".join(f"{role.name}: {', '.join(role.lacks(frozenset()))}" for role in ROLES)
        return f"It is none of the tables Myna takes ({takes}); it has {shown}. Name columns with --map OURS=THEIRS."
    lacking = nearest.lacks(frozenset(ours))
    free = [name for name in columns if name not in mapping.values()]
    maps = " ".join(f"--map {name.split(' or ')[-1]}=THEIR_COLUMN" for name in lacking)
    shown = ", ".join(name[:60] for name in free[:40]) + (" …" if len(free) > 40 else "")
    return (
        f"To be read as {nearest.name} it lacks {', '.join(lacking)}; it has {shown}. If one of these is meant: {maps}."
    )


def _listing(seen: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(
        f"{name} has {', '.join(c[:60] for c in columns[:40])}" for name, columns in list(seen.items())[:8]
    )


def _nothing(container: Container, reports: list[FileReport]) -> str:
    if reports:
        shown = " ".join(f"{report.name}: {report.problem}" for report in reports[:8])
        return f"Nothing in {container.path} is understood. {shown}"
    refused = " ".join(f"{name} {why}." for name, why in list(container.refused.items())[:3])
    return (
        f"{container.path} holds no posts that Myna can read. It takes {', '.join(FORMATS)} files, also in a folder or "
        f"a zip file, an X archive (data/tweets.js) or a Mastodon archive (outbox.json). {refused}"
    ).strip()


# -- rows to facts -----------------------------------------------------------------------------------------------------


class _Named:
    """Columns by our names; of one the file does not have, all values are missing."""

    def __init__(self, columns: dict[str, list[Any]], count: int) -> None:
        self._columns, self._count = columns, count

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns.get(name) or v.missing(self._count)

    def either(self, *names: str) -> list[Any]:
        """In each row the value of the first of these columns that has one."""
        here = [self._columns[name] for name in names if name in self._columns]
        if len(here) < 2:
            return here[0] if here else v.missing(self._count)
        return [next((value for value in row if value), None) for row in zip(*here, strict=True)]


def _times(values: list[Any], name: str, bad: v.Bad) -> list[int]:
    return v.counts(values, name, bad) if in_milliseconds(values) else v.times(values, name, bad)


def _with(prefix: str, local: list[str]) -> list[str]:
    return [prefix + id if id else "" for id in local]


def _batch(found: Columns, bad: v.Bad, facts: list[Any], **more: Any) -> Batch:
    outcomes: list[Fact | str] = facts
    for row, reason in bad.items():
        outcomes[row] = reason
    return Batch(outcomes, found.first, found.numbers, share=found.share, **more)


def _posts(shared: _Import, found: Columns, columns: _Named) -> Batch:
    bad = dict(found.bad)
    prefix = shared.source + ":"
    notes: Counter[str] = Counter()
    handles = v.ids(columns["author"], "author", bad)
    authors = v.ids(columns["author_id"], "author_id", bad)
    mentions = v.lists(columns["mentions"], "mentions", bad)
    if "author_id" not in columns:
        known = shared.handles
        authors = [known.get(handle.lower(), handle) for handle in handles]
        if known and "mentions" in columns:
            mentions = [tuple(known.get(name.lower(), name) for name in names) for names in mentions]
    answered = v.ids(columns["reply_to_user"], "reply_to_user", bad)
    texts = v.texts(columns["text"], "text", bad)
    reposts = v.ids(columns["repost_of"], "repost_of", bad)
    if "repost_of" in columns:
        for row, original in enumerate(reposts):
            if original and texts[row]:
                texts[row] = ""
                notes["a repost: the text is the original's, and was left to it"] += 1
    if "is_repost" in columns:
        again = v.flags(columns["is_repost"], "is_repost", bad)
        unknown = sum(each and not original for each, original in zip(again, reposts, strict=True))
        if unknown:
            notes["a repost whose original the file does not name: kept as a post with its text"] += unknown
    times = _times(columns["created_at"], "created_at", bad)
    if undated := times.count(0):
        notes["a post without a time"] += undated
    visible = columns["visibility"]
    visibilities = [Visibility.PUBLIC] * found.count
    if "visibility" in columns:
        for row, name in enumerate(v.texts(visible, "visibility", bad)):
            if (kind := _VISIBLE.get(name.lower())) is None:
                bad.setdefault(row, "visibility is none of public, unlisted, followers, direct")
            else:
                visibilities[row] = kind
    people = [
        tuple(prefix + name for name in names) if not to or to in names or to == author
        else (prefix + to, *(prefix + name for name in names))
        for names, to, author in zip(mentions, answered, authors, strict=True)
    ]  # fmt: skip
    locals_ = v.ids(columns["post_id"], "post_id", bad)
    author_ids = _with(prefix, authors)
    facts = list(
        map(
            Post,
            _with(prefix, locals_),
            author_ids,
            times,
            texts,
            [v.lang(tag) for tag in v.texts(columns.either("lang", "lang_twitter", "lang_guess"), "lang", bad)],
            _with(prefix, v.ids(columns["reply_to_post"], "reply_to_post", bad)),
            _with(prefix, reposts),
            _with(prefix, v.ids(columns["quote_of"], "quote_of", bad)),
            visibilities,
            people,
            v.lists(columns["urls"], "urls", bad),
            v.flags(columns["has_media"], "has_media", bad),
            v.flags(columns["sensitive"], "sensitive", bad),
            v.counts(columns["like_count"], "like_count", bad),
            v.counts(columns["repost_count"], "repost_count", bad),
            v.counts(columns["reply_count"], "reply_count", bad),
        )
    )
    names = dict(zip(author_ids, handles if "author" in columns else authors, strict=True))
    return _batch(found, bad, facts, notes=notes, authors=[Person(id, name) for id, name in names.items() if id])


def _users(shared: _Import, found: Columns, columns: _Named) -> Batch:
    bad = dict(found.bad)
    notes: Counter[str] = Counter()
    locals_ = v.ids(columns["user_id"], "user_id", bad)
    handles = v.ids(columns.either("screen_name", "handle"), "screen_name", bad)
    zones = []
    for name in v.texts(columns["timezone"], "timezone", bad):
        zone = v.timezone(name)
        if zone is None:
            notes["a time zone that is no IANA name: taken as UTC"] += 1
        zones.append(zone or "UTC")

    def counted(*names: str) -> list[int | None]:
        column = columns.either(*names)
        return [
            None if given is None else number
            for given, number in zip(column, v.counts(column, names[0], bad), strict=True)
        ]

    facts = list(
        map(
            Person,
            _with(shared.source + ":", locals_),
            [handle or local for handle, local in zip(handles, locals_, strict=True)],
            v.texts(columns["name"], "name", bad),
            v.texts(columns["description"], "description", bad),
            [v.lang(tag) for tag in v.texts(columns["lang"], "lang", bad)],
            zones,
            v.texts(columns["location"], "location", bad),
            _times(columns["created_at"], "created_at", bad),
            v.flags(columns["bot"], "bot", bad),
            counted("followers_count", "follower_count"),
            counted("friends_count", "following_count"),
        )
    )
    for row, (handle, local) in enumerate(zip(handles, locals_, strict=True)):
        if handle and local and row not in bad:
            shared.handles[handle.lower()] = local
    return _batch(found, bad, facts, notes=notes)


def _kinds(values: list[str], known: Mapping[str, Any], what: str, bad: v.Bad) -> list[Any]:
    out = []
    blank = next(iter(known.values()))
    for row, value in enumerate(values):
        kind = known.get(value.lower())
        if kind is None:
            bad.setdefault(row, f"{what} is none of {', '.join(known)}")
        out.append(kind or blank)
    return out


def _edges(shared: _Import, found: Columns, columns: _Named) -> Batch:
    bad = dict(found.bad)
    prefix = shared.source + ":"
    kinds = [kind or "follow" for kind in v.texts(columns["kind"], "kind", bad)]
    facts = map(
        Edge,
        _with(prefix, v.ids(columns["person_id"], "person_id", bad)),
        _with(prefix, v.ids(columns["other_id"], "other_id", bad)),
        _kinds(kinds, _EDGES, "kind", bad),
        _times(columns["at"], "at", bad),
        v.flags([True if on is None else on for on in columns["on"]], "on", bad),
    )
    return _batch(found, bad, list(facts))


def _actions(shared: _Import, found: Columns, columns: _Named) -> Batch:
    bad = dict(found.bad)
    prefix = shared.source + ":"
    people = v.ids(columns["person_id"], "person_id", bad)
    posts = v.ids(columns["post_id"], "post_id", bad)
    kinds = _kinds(v.texts(columns["kind"], "kind", bad), _ACTIONS, "kind", bad)
    times = _times(columns["at"], "at", bad)
    locals_ = v.ids(columns["action_id"], "action_id", bad)
    if "action_id" not in columns:
        rows = zip(kinds, people, posts, times, strict=True)
        locals_ = [f"{kind} {person} {post} {at}" for kind, person, post, at in rows]
    facts = map(
        Action,
        _with(prefix, locals_),
        _with(prefix, people),
        _with(prefix, posts),
        kinds,
        times,
        v.numbers(columns["value"], "value", bad, 1.0),
    )
    return _batch(found, bad, list(facts))


def _deletions(shared: _Import, found: Columns, columns: _Named) -> Batch:
    bad = dict(found.bad)
    facts = map(
        Deletion,
        _with(shared.source + ":", v.ids(columns["id"], "id", bad)),
        _kinds(v.texts(columns["kind"], "kind", bad), {"post": "post", "person": "person"}, "kind", bad),
        _times(columns["at"], "at", bad),
        v.texts(columns["reason"], "reason", bad),
    )
    return _batch(found, bad, list(facts))


def _consents(shared: _Import, found: Columns, columns: _Named) -> Batch:
    """Only authors speak in a file, for themselves and their posts: the operator speaks at the command line."""
    bad = dict(found.bad)
    prefix = shared.source + ":"
    subjects = v.ids(columns["subject"], "subject", bad)
    speakers = v.ids(columns["by"], "by", bad)
    for row, (subject, by) in enumerate(zip(subjects, speakers, strict=True)):
        if not subject or subject.endswith("*"):
            bad.setdefault(row, "subject is neither a post nor a person")
        elif not by or by == "operator":
            bad.setdefault(row, "a file can hold the word of authors, not the operator's")
    facts = map(
        Consent,
        _with(prefix, subjects),
        _kinds(v.texts(columns["purpose"], "purpose", bad), _PURPOSES, "purpose", bad),
        v.flags(columns["allow"], "allow", bad),
        _with(prefix, speakers),
        _times(columns["at"], "at", bad),
    )
    return _batch(found, bad, list(facts))


_MAKE: dict[str, Callable[[_Import, Columns, _Named], Batch]] = {
    "users": _users,
    "consents": _consents,
    "posts": _posts,
    "edges": _edges,
    "actions": _actions,
    "deletions": _deletions,
}
