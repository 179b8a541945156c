"""Like follows like, and few are followed by many."""

import numpy as np

from myna.network import EdgeKind
from myna.world import World
from myna.world.graph import contains, of_keys
from myna.world.history import EDGES, Changes, follows_after


def test_follows_stay_within_language_and_topic_far_more_than_chance(world: World):
    n = len(world.people)
    who, other = world.base.keys // n, world.base.keys % n
    for trait, least, over_chance in ((world.people.lang, 0.75, 2.0), (world.people.topic, 0.25, 3.0)):
        same = (trait[who] == trait[other]).mean()
        share = np.bincount(trait) / n
        assert same > least
        assert same > over_chance * (share**2).sum()


def test_a_few_have_many_followers(world: World):
    followers = np.sort(world.base.follower_count(np.arange(len(world.people))))[::-1]
    assert followers[0] > 5 * followers.mean()
    assert followers[: len(followers) // 100].sum() > 0.06 * followers.sum()
    assert followers[: len(followers) // 10].sum() > 0.3 * followers.sum()
    assert np.median(followers) < 0.8 * followers.mean()


def test_some_follows_are_returned_more_than_chance(world: World):
    n = len(world.people)
    back = contains(world.base.keys, world.base.keys % n * n + world.base.keys // n).mean()
    assert 0.2 < back < 0.7
    assert back > 3 * len(world.base.keys) / n**2


def test_reading_makes_people_follow_unfollow_block_and_mute(world: World):
    kinds = {(EDGES[kind], on) for kind, on in zip(world.changes.kind.tolist(), world.changes.on.tolist(), strict=True)}
    assert kinds >= {(EdgeKind.FOLLOW, True), (EdgeKind.FOLLOW, False), (EdgeKind.MUTE, True), (EdgeKind.BLOCK, True)}


def test_the_newest_change_of_a_pair_holds():
    base = of_keys(4, np.array([1, 6]))  # 0 follows 1, 1 follows 2

    def change(*rows: tuple[int, int, bool, int]) -> Changes:
        person, other, on, at = (np.array(column) for column in zip(*rows, strict=True))
        return Changes(person, other, np.zeros(len(rows), int), on, at)

    after = follows_after(base, change((0, 1, False, 5), (2, 3, True, 6), (3, 0, True, 7), (3, 0, False, 8)))
    assert after.keys.tolist() == [6, 11]
    assert after.follower_count(np.arange(4)).tolist() == [0, 0, 1, 1]
    assert follows_after(after, change((0, 1, True, 9), (2, 3, True, 9))).keys.tolist() == [1, 6, 11]


def test_who_is_blocked_or_muted_is_not_shown_again(world: World):
    n = len(world.people)
    hidden = world.changes.kind > 0
    since = dict(
        zip(
            (world.changes.person[hidden] * n + world.changes.other[hidden]).tolist(),
            world.changes.at[hidden].tolist(),
            strict=True,
        )
    )
    author = world.posts.author[world.seen.post].astype(int)
    keys = (world.seen.reader.astype(int) * n + author).tolist()
    hour = 3_600_000
    # Within the hour in which they decide, they may still be reading on.
    assert not [at for key, at in zip(keys, world.seen.at.tolist(), strict=True) if at > since.get(key, 2**62) + hour]
