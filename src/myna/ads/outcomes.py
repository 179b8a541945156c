"""Who did something after a campaign reached them, or would have: the outcome that lift compares.

An outcome is a like, click, reply, repost or follow by the person, on the promoted post, on another recent post of
its author or of the author, within a week of the first (ghost) impression. Following the ad's own link is none: only
those reached can, so it would be counted as an effect of itself.
"""

from collections.abc import Iterator, Mapping

from myna.gate import MYNA, Reader
from myna.network import ActionKind, EdgeKind, Post, Purpose

WINDOW = 7 * 86_400_000
"""Milliseconds after the first (ghost) impression."""
RECENT = 50
"""Posts of the author beside the promoted one."""
_ENOUGH = 1_000_000
_KINDS = (ActionKind.LIKE, ActionKind.CLICK)


def with_outcome(reader: Reader, post_id: str, exposed: Mapping[str, int]) -> set[str]:
    """The people among those exposed (when, by person) who had an outcome. Empty where the post is gone."""
    post = reader.posts(MYNA, Purpose.READ, [post_id]).get(post_id)
    if post is None or not exposed:
        return set()
    found: set[str] = set()
    for person, at in _events(reader, post):
        since = exposed.get(person)
        if since is not None and since <= at <= since + WINDOW:
            found.add(person)
    return found


def _events(reader: Reader, post: Post) -> Iterator[tuple[str, int]]:
    """Everybody who did something with the author or their posts, and when."""
    for edge in reader.edges_to(post.author_id):
        if edge.kind is EdgeKind.FOLLOW:
            yield edge.person_id, edge.at
    recent = {found.id for found in reader.posts_by(MYNA, Purpose.READ, post.author_id, limit=RECENT)}
    for id in sorted({post.id, *recent}):
        for kind in _KINDS:
            for action in reader.actions_on(id, kind, _ENOUGH):
                yield action.person_id, action.at
        for written in (
            *reader.replies_to(MYNA, Purpose.READ, id, _ENOUGH),
            *reader.reposts_of(MYNA, Purpose.READ, id, _ENOUGH),
        ):
            yield written.author_id, written.created_at
