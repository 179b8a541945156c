"""The neutral format: tables of posts, users, edges, actions, deletions and consents, each known by its columns.

The column names are in `ROLES`; docs/sources.md explains them. Ids in the files carry no source: it is put before
them here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import xxhash

from myna.network import Problem
from myna.sources.container import BROKEN, UNREADABLE, Container, Entry
from myna.sources.rows import MAKE, Import, Named
from myna.sources.tables import FORMATS, Table, suffix, table
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
    shared = Import(source)
    for _, entry, _, role in found:
        if role.name == "users":
            shared.users += _digest(entry, source)
    return [_part(shared, entry, read, role, mapping) for _, entry, read, role in found], reports


def _part(shared: Import, entry: Entry, read: Table, role: Role, mapping: Mapping[str, str]) -> Part:
    columns = _ours(read.columns, mapping)
    chosen = {ours: theirs for ours, theirs in columns.items() if ours in role.takes}
    used = set(chosen.values()) | set(_ALSO)
    make = MAKE[role.name]

    def batches() -> Iterator[Batch]:
        for found in read.read(chosen.values()):
            named = {ours: found.values[theirs] for ours, theirs in chosen.items() if theirs in found.values}
            yield make(shared, found, Named(named, found.count))

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
