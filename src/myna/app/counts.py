"""Counting for pages: what stands beside posts, and what came in day by day."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import sqlalchemy as sa

from myna.app.types import Standing
from myna.network import ActionKind, Post, Visibility
from myna.network.schema import actions, decisions, posts
from myna.network.store import Store

_DAY = 86_400_000
_CHUNK = 400
_OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)


def standing(store: Store, viewer_id: str, found: Iterable[Post]) -> dict[str, Standing]:
    """The counts beside these posts: those here added to those their source reported."""
    by_id = {post.id: post for post in found}
    liked_by: dict[str, set[str]] = defaultdict(set)
    replies: Counter[str] = Counter()
    reposts: Counter[str] = Counter()
    reposted: set[str] = set()
    ids = list(by_id)
    with store.engine.connect() as connection:
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            likes = (
                sa.select(actions.c.post_id, actions.c.person_id, actions.c.kind)
                .where(actions.c.post_id.in_(chunk), actions.c.kind.in_([ActionKind.LIKE, ActionKind.UNLIKE]))
                .order_by(actions.c.at, actions.c.seq)
            )
            for post_id, person_id, kind in connection.execute(likes):
                if kind == ActionKind.LIKE:
                    liked_by[post_id].add(person_id)
                else:
                    liked_by[post_id].discard(person_id)
            for column, counter in ((posts.c.reply_to, replies), (posts.c.repost_of, reposts)):
                # That somebody answered in private is not told either.
                query = sa.select(column, sa.func.count()).where(
                    column.in_(chunk), posts.c.deleted_at.is_(None), posts.c.visibility.in_(_OPEN)
                )
                for post_id, number in connection.execute(query.group_by(column)):
                    counter[post_id] += number
            mine = sa.select(posts.c.repost_of).where(
                posts.c.author_id == viewer_id, posts.c.repost_of.in_(chunk), posts.c.deleted_at.is_(None)
            )
            reposted.update(connection.execute(mine).scalars())
    return {
        id: Standing(
            # A source's count covers what it sent along too: the larger of the two is never counted twice.
            likes=max(post.like_count, len(liked_by[id])),
            reposts=max(post.repost_count, reposts[id]),
            replies=max(post.reply_count, replies[id]),
            liked=viewer_id in liked_by[id],
            reposted=id in reposted,
        )
        for id, post in by_id.items()
    }


def arrivals(store: Store, days: int = 60) -> tuple[tuple[str, int, int], ...]:
    """(day, posts, actions) of the last days that have any, by the time they carry, oldest first."""
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    with store.engine.connect() as connection:
        for place, (table, at) in enumerate(((posts, posts.c.created_at), (actions, actions.c.at))):
            newest = connection.execute(sa.select(sa.func.max(at))).scalar() or 0
            day = (at - at % _DAY) / _DAY
            query = sa.select(day, sa.func.count()).select_from(table).where(at > newest - days * _DAY, at > 0)
            for number, count in connection.execute(query.group_by(day)):
                found[int(number)][place] += count
    recent = sorted(found)[-days:]
    return tuple((day_name(number), found[number][0], found[number][1]) for number in recent)


def day_name(number: int) -> str:
    """The ISO date of a day counted from the epoch."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()


def decision_counts(store: Store) -> dict[str, int]:
    """How many decisions of each kind."""
    with store.engine.connect() as connection:
        query = sa.select(decisions.c.kind, sa.func.count()).group_by(decisions.c.kind)
        return {row.kind: row[1] for row in connection.execute(query.order_by(decisions.c.kind))}
