"""Rows of the neutral format as facts: one function for each table, a batch of columns in, a batch of facts out."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
    Purpose,
    Visibility,
)
from myna.sources import values as v
from myna.sources.tables import Columns, in_milliseconds
from myna.sources.types import Batch

_EDGES = {str(kind): kind for kind in EdgeKind}
_ACTIONS = {str(kind): kind for kind in ActionKind}
_PURPOSES = {str(kind): kind for kind in Purpose}
_VISIBLE = {str(kind): kind for kind in Visibility} | {"": Visibility.PUBLIC, "private": Visibility.FOLLOWERS}


@dataclass(slots=True)
class Import:
    """What the files of one import share. handles: lower-case handle -> user id, of the users files read so far."""

    source: str
    handles: dict[str, str] = field(default_factory=dict)
    users: str = ""


class Named:
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


def _posts(shared: Import, found: Columns, columns: Named) -> Batch:
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
    if undated := sum(not at and row not in bad for row, at in enumerate(times)):
        notes["a post without a time"] = undated
    names = dict(zip(author_ids, handles if "author" in columns else authors, strict=True))
    return _batch(found, bad, facts, notes=notes, authors=[Person(id, name) for id, name in names.items() if id])


def _users(shared: Import, found: Columns, columns: Named) -> Batch:
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


def _edges(shared: Import, found: Columns, columns: Named) -> Batch:
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


def _actions(shared: Import, found: Columns, columns: Named) -> Batch:
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


def _deletions(shared: Import, found: Columns, columns: Named) -> Batch:
    bad = dict(found.bad)
    facts = map(
        Deletion,
        _with(shared.source + ":", v.ids(columns["id"], "id", bad)),
        _kinds(v.texts(columns["kind"], "kind", bad), {"post": "post", "person": "person"}, "kind", bad),
        _times(columns["at"], "at", bad),
        v.texts(columns["reason"], "reason", bad),
    )
    return _batch(found, bad, list(facts))


def _consents(shared: Import, found: Columns, columns: Named) -> Batch:
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


MAKE: dict[str, Callable[[Import, Columns, Named], Batch]] = {
    "users": _users,
    "consents": _consents,
    "posts": _posts,
    "edges": _edges,
    "actions": _actions,
    "deletions": _deletions,
}
