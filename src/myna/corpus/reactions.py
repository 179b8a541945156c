"""What posts got here, beside what their source reported: likes, reposts and replies, as the facts tell."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from myna.gate import Reader
from myna.network import ActionKind, Post, Progress, quiet

_ACTIONS = 5_000_000
"""The newest that are read."""


def with_reactions(
    reader: Reader, posts: Sequence[Post], among: Iterable[Post], until: int | None = None, progress: Progress = quiet
) -> list[Post]:
    """These posts with the counts of what they got here, where that is more.

    among: all permitted posts, of which the reposts and replies are counted. Likes are all there are up to the action
    `until` (a sequence number; None for the newest).
    """
    reposts: Counter[str] = Counter()
    replies: Counter[str] = Counter()
    for post in among:
        reposts[post.repost_of] += 1
        replies[post.reply_to] += 1
    likes = _likes(
        reader, {post.id for post in posts}, reader.last_seq()["actions"] if until is None else until, progress
    )
    found = []
    for post in posts:
        if likes[post.id] or reposts[post.id] or replies[post.id]:
            post = replace(
                post,
                like_count=max(post.like_count, likes[post.id]),
                repost_count=max(post.repost_count, reposts[post.id]),
                reply_count=max(post.reply_count, replies[post.id]),
            )
        found.append(post)
    return found


def _likes(reader: Reader, wanted: set[str], last: int, progress: Progress) -> Counter[str]:
    begin = seq = max(0, last - _ACTIONS)
    by_post: dict[str, set[str]] = defaultdict(set)
    while seq < last and (batch := reader.actions_after(seq)):
        for action in batch:
            if action.seq > last or action.post_id not in wanted:
                continue
            if action.kind is ActionKind.LIKE:
                by_post[action.post_id].add(action.person_id)
            elif action.kind is ActionKind.UNLIKE:
                by_post[action.post_id].discard(action.person_id)
        seq = batch[-1].seq
        progress(min(seq, last) - begin, last - begin)
    return Counter({id: len(people) for id, people in by_post.items()})
