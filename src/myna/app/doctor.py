"""The doctor: looks at everything that could be wrong with a network and says what to do about it."""

import shutil
from collections.abc import Iterator

import sqlalchemy as sa

from myna.app.myna import Myna
from myna.app.types import Check
from myna.network.schema import people, posts

_LOW_DISK = 1 << 30


def examine(myna: Myna, deep: bool = False) -> Iterator[Check]:
    """The quick checks: cheap enough for a page. deep: compare every post with the index."""
    counts = myna.store.counts()
    yield Check("facts", True, f"{counts.people:,} people, {counts.posts:,} posts, {counts.actions:,} actions")
    yield Check("follower", not myna.follow_error, myna.follow_error or "derived state is kept up with the logs")
    free = shutil.disk_usage(myna.settings.home).free
    yield Check(
        "disk", free > _LOW_DISK, f"{free / (1 << 30):.1f} GiB free" + ("" if free > _LOW_DISK else "; free some")
    )
    ready = myna.language.ready
    yield Check("language model", ready, myna.language.version if ready else "not trained yet; run `myna train`")
    found = myna.search.check(deep)
    missing = _number(found.get("missing"))
    yield Check(
        "index",
        not missing,
        f"{_number(found.get('indexed')):,} posts" + (f", {missing:,} missing; run `myna rebuild`" if missing else ""),
    )
    leaked = _number(found.get("leaked"))
    yield Check("deleted posts in the index", not leaked, f"{leaked:,}" + ("; run `myna rebuild`" if leaked else ""))


def examine_deeply(myna: Myna) -> Iterator[Check]:
    """All checks, also those that read every row."""
    with myna.store.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            found = connection.execute(sa.text("PRAGMA integrity_check")).scalars().all()
            yield Check(
                "database", found == ["ok"], "; ".join(found[:5]) + ("" if found == ["ok"] else "; restore a backup")
            )
        else:
            yield Check("database", True, str(connection.execute(sa.text("SELECT version()")).scalar()))
        kept = connection.execute(
            sa.select(sa.func.count()).select_from(posts).where(posts.c.deleted_at.is_not(None), posts.c.text != "")
        ).scalar()
        yield Check("tombstones", not kept, f"{kept or 0:,} deleted posts still have content")
        known = sa.select(people.c.id)
        strangers = connection.execute(
            sa.select(sa.func.count(sa.distinct(posts.c.author_id))).where(
                posts.c.author_id.not_in(known), posts.c.deleted_at.is_(None)
            )
        ).scalar()
        yield Check("authors", not strangers, f"{strangers or 0:,} authors of posts are no people here")
    yield from examine(myna, deep=True)


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
