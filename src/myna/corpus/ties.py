"""Which posts people put together: what the embedding learns likeness from."""

from collections.abc import Iterable

from myna.network import Post


def ties(posts: Iterable[Post]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Pairs of ids of posts given: replies and quotes with what they answer; posts that one person wrote one after the
    other, reposts left out."""
    ordered = sorted(posts, key=lambda post: (post.created_at, post.seq, post.id))
    ids = {post.id for post in ordered}
    answers = [(post.id, other) for post in ordered for other in (post.reply_to, post.quote_of) if other in ids]
    follows: list[tuple[str, str]] = []
    last: dict[str, str] = {}
    for post in ordered:
        if post.repost_of or not post.text.strip():
            continue
        if post.author_id in last:
            follows.append((last[post.author_id], post.id))
        last[post.author_id] = post.id
    return answers, follows
