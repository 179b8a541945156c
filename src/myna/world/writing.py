"""A world in the neutral format: Parquet files with the documented columns, and a README.txt that says what it is.

Ids are written without their source (`p12`, `42`, `a7`): whoever imports the files says where they came from.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from myna.network import WORLD, Progress, quiet
from myna.world.content import QUOTE, REPLY, REPOST
from myna.world.grammar import LANGS
from myna.world.history import ACTIONS, EDGES
from myna.world.people import ZONE_NAMES
from myna.world.text import hashtags
from myna.world.types import Ints, Texts

if TYPE_CHECKING:
    from myna.world.world import World

ROWS = 50_000
"""Rows written at once."""
_TEXT, _WHOLE, _YES, _LIST = pa.string(), pa.int64(), pa.bool_(), pa.list_(pa.string())
_TIME = pa.timestamp("ms", tz="UTC")
SCHEMAS = {
    "users": {
        **dict.fromkeys(("user_id", "screen_name", "name", "description", "location"), _TEXT),
        **{"created_at": _TIME, "lang": _TEXT, "timezone": _TEXT, "bot": _YES},
        **{"followers_count": _WHOLE, "friends_count": _WHOLE},
    },
    "edges": {"person_id": _TEXT, "other_id": _TEXT, "kind": _TEXT, "at": _TIME, "on": _YES},
    "posts": {
        **{"post_id": _TEXT, "author_id": _TEXT, "created_at": _TIME, "text": _TEXT, "lang": _TEXT},
        **dict.fromkeys(("reply_to_post", "reply_to_user", "repost_of", "repost_of_user"), _TEXT),
        **dict.fromkeys(("quote_of", "quote_of_user"), _TEXT),
        **dict.fromkeys(("like_count", "repost_count", "reply_count"), _WHOLE),
        **{"mentions": _LIST, "hashtags": _LIST, "urls": _LIST, "has_media": _YES},
    },
    "actions": {
        "action_id": _TEXT,
        "person_id": _TEXT,
        "post_id": _TEXT,
        "kind": _TEXT,
        "at": _TIME,
        "value": pa.float64(),
    },
    "deletions": {"id": _TEXT, "kind": _TEXT, "at": _TIME, "reason": _TEXT},
}
"""The columns of each file, in their order. Its metadata says `myna.source: world`: an import cannot lose the label."""
README = """This is a simulated network. Nobody in it exists, nothing in it happened, and a grammar made every text.
Telephone numbers, addresses and names in the texts are invented; links lead to example.org and example.com.

Made by `myna world --people {people} --posts {posts} --seed {seed}`, ending at {end} (milliseconds since 1970, UTC),
about {seen} readers a post. The same numbers give the same files.

{counts}

Whoever shows these posts should say that they are simulated.
"""


def write(world: "World", directory: Path, progress: Progress = quiet) -> None:
    """Writes users, edges, posts, actions and deletions; each file appears whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    counts = world.counts()
    sizes = {"users": counts["people"], **{name: counts[name] for name in ("edges", "posts", "actions", "deletions")}}
    done, total = 0, sum(sizes.values())
    makers: dict[str, Callable[[World, Ints], dict[str, object]]] = {
        "users": _users, "edges": _edges, "posts": _posts(world), "actions": _actions, "deletions": _deletions,
    }  # fmt: skip
    for name, make in makers.items():
        schema = pa.schema(list(SCHEMAS[name].items()), metadata={"myna.source": WORLD})
        with (
            _atomically(directory / f"{name}.parquet") as path,
            pq.ParquetWriter(path, schema, compression="zstd") as file,
        ):
            for rows in _parts(sizes[name]):
                file.write_table(pa.table(make(world, rows), schema=schema))
                done += len(rows)
                progress(done, total)
    text = README.format(
        people=len(world.people), posts=len(world.posts), seed=world.seed, end=world.end, seen=world.seen_per_post,
        counts="\n".join(f"{name}.parquet: {size:,} rows" for name, size in sizes.items()),
    )  # fmt: skip
    with _atomically(directory / "README.txt") as path:
        path.write_text(text, encoding="utf-8")


class _atomically:
    """A path to write to that takes the place of the file when all has been written and synced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> Path:
        return self._part

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self._part.unlink(missing_ok=True)
            return
        with self._part.open("rb") as file:
            os.fsync(file.fileno())
        self._part.replace(self._path)


def _parts(count: int) -> Iterator[Ints]:
    """Row numbers in portions; one empty portion where there are none, so that the file has its columns."""
    for first in range(0, max(count, 1), ROWS):
        yield np.arange(first, min(first + ROWS, count))


def _ids(prefix: str, numbers: Ints) -> pa.Array:
    return pa.array([f"{prefix}{number + 1}" for number in numbers.tolist()], pa.string())


def _named(names: tuple[str, ...], numbers: Ints) -> Texts:
    return np.array(names, dtype=object)[numbers]


def _users(world: "World", rows: Ints) -> dict[str, object]:
    who = world.people
    return {
        "user_id": _ids("p", rows),
        "screen_name": who.handle[rows],
        "name": who.name[rows],
        "description": who.description[rows],
        "location": who.home[rows],
        "created_at": who.created_at[rows],
        "lang": _named(LANGS, who.lang[rows]),
        "timezone": _named(ZONE_NAMES, who.zone[rows]),
        "bot": who.bot[rows],
        "followers_count": world.final.follower_count(rows),
        "friends_count": np.bincount(world.final.keys // len(who), minlength=len(who))[rows],
    }


def _edges(world: "World", rows: Ints) -> dict[str, object]:
    first = len(world.base.keys)
    order = np.argsort(world.base_at, kind="stable")[rows[rows < first]]
    later = rows[rows >= first] - first
    n = len(world.people)
    c = world.changes
    return {
        "person_id": _ids("p", np.concatenate([world.base.keys[order] // n, c.person[later]])),
        "other_id": _ids("p", np.concatenate([world.base.keys[order] % n, c.other[later]])),
        "kind": _named(tuple(map(str, EDGES)), np.concatenate([np.zeros(len(order), np.int64), c.kind[later]])),
        "at": np.concatenate([world.base_at[order], c.at[later]]),
        "on": np.concatenate([np.ones(len(order), bool), c.on[later]]),
    }


def _posts(world: "World") -> Callable[["World", Ints], dict[str, object]]:
    likes, reposts, replies = (world.counted(kind) for kind in ("like", "repost", "reply"))
    gone = world.gone()

    def make(world: "World", rows: Ints) -> dict[str, object]:
        posts = world.posts
        kept = ~gone[rows]
        text = np.where(kept, world.written.text[rows], "")
        how, parent, third = posts.how[rows], posts.parent[rows], world.written.mention[rows]
        named = [world.mentions(*row) for row in zip(how.tolist(), parent.tolist(), third.tolist(), strict=True)]
        up = _ids("", parent)
        owner = _ids("p", posts.author[np.maximum(parent, 0)])
        table: dict[str, object] = {
            "post_id": _ids("", rows),
            "author_id": _ids("p", posts.author[rows]),
            "created_at": posts.created_at[rows],
            "text": text,
            "lang": _named(LANGS, posts.lang[rows]),
            "like_count": likes[rows],
            "repost_count": reposts[rows],
            "reply_count": replies[rows],
            "mentions": [
                [f"p{who + 1}" for who in some] if kept_ else [] for some, kept_ in zip(named, kept, strict=True)
            ],
            "hashtags": [hashtags(one) for one in text],
            "urls": [[url] if url and kept_ else [] for url, kept_ in zip(world.written.url[rows], kept, strict=True)],
            "has_media": posts.media[rows] & kept,
        }
        for kind, post, user in (
            (REPLY, "reply_to_post", "reply_to_user"),
            (REPOST, "repost_of", "repost_of_user"),
            (QUOTE, "quote_of", "quote_of_user"),
        ):
            is_kind = pa.array(how == kind)
            table[post] = pc.if_else(is_kind, up, None)
            table[user] = pc.if_else(is_kind, owner, None)
        return table

    return make


def _actions(world: "World", rows: Ints) -> dict[str, object]:
    a = world.actions
    seen = a.seen[rows]
    return {
        "action_id": _ids("a", rows),
        "person_id": _ids("p", world.seen.reader[seen]),
        "post_id": _ids("", world.seen.post[seen]),
        "kind": _named(tuple(map(str, ACTIONS)), a.kind[rows]),
        "at": a.at[rows],
        "value": a.value[rows].astype(np.float64).round(1),
    }


def _deletions(world: "World", rows: Ints) -> dict[str, object]:
    from myna.world.world import BY_AUTHOR

    deleted = world.deleted[rows]
    return {
        "id": _ids("", deleted),
        "kind": ["post"] * len(rows),
        "at": world.posts.deleted_at[deleted],
        "reason": [BY_AUTHOR] * len(rows),
    }
