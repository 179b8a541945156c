"""What people did is what the law said they would, within what chance allows."""

import numpy as np
import pytest

from myna.network import ActionKind
from myna.world import World, law
from myna.world.content import QUOTE, REPLY, REPOST
from myna.world.history import ACTIONS

_LOGGED = {
    "like": ActionKind.LIKE,
    "click": ActionKind.CLICK,
    "show_less": ActionKind.SHOW_LESS,
    "report": ActionKind.REPORT,
}
_WRITTEN = {"reply": REPLY, "repost": REPOST, "quote": QUOTE}


@pytest.fixture(scope="module")
def drawn(world: World) -> dict[str, np.ndarray]:
    """Per kind, whether each impression led to it."""
    n = len(world.seen)
    did = {}
    for kind, action in _LOGGED.items():
        did[kind] = np.bincount(world.actions.seen[world.actions.kind == ACTIONS.index(action)], minlength=n)
    for kind, how in _WRITTEN.items():
        did[kind] = np.bincount(world.posts.seen[world.posts.how == how], minlength=n)
    return did


@pytest.fixture(scope="module")
def planted(world: World) -> np.ndarray:
    return world.truth.probabilities(np.arange(len(world.seen)))


@pytest.mark.parametrize("kind", [*_LOGGED, *_WRITTEN])
def test_each_kind_happens_as_often_as_the_truth_says(world: World, drawn, planted, kind: str):
    p, did = planted[:, law.KINDS.index(kind)], drawn[kind]
    assert did.max() == 1
    assert did.sum() > 10
    assert abs(did.sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())


@pytest.mark.parametrize("kind", ["like", "reply", "repost", "click"])
def test_the_truth_holds_at_every_level_of_probability(world: World, drawn, planted, kind: str):
    p, did = planted[:, law.KINDS.index(kind)], drawn[kind]
    some = p > 0
    for rows in np.array_split(np.flatnonzero(some)[np.argsort(p[some])], 8):
        spread = np.sqrt((p[rows] * (1 - p[rows])).sum())
        assert abs(did[rows].sum() - p[rows].sum()) < 4.5 * spread + 1


@pytest.mark.parametrize(
    ("feature", "kind", "more"),
    [("interest", "like", True), ("fatigue", "like", False), ("foreign", "reply", False), ("age", "like", False)],
)
def test_the_law_bends_behaviour_the_way_it_says(feature: str, kind: str, more: bool):
    x = np.zeros((2, len(law.FEATURES)))
    x[:, 0] = 1
    x[1, law.FEATURES.index(feature)] = 1
    p = law.probabilities(x, np.zeros(2))[:, law.KINDS.index(kind)]
    assert (p[1] > p[0]) == more


def test_what_cannot_be_done_has_no_probability():
    x = np.zeros((2, len(law.FEATURES)))
    x[1, law.FEATURES.index("follows")] = 1
    p = law.probabilities(x, np.zeros(2))
    assert (p[:, law.KINDS.index("click")] == 0).all()  # no link
    assert p[1, law.KINDS.index("follow")] == 0
    assert p[0, law.KINDS.index("unfollow")] == 0


def test_bots_like_whatever_they_see(world: World, drawn):
    bots = world.people.bot[world.seen.reader]
    assert bots.any()
    assert drawn["like"][bots].mean() > 3 * drawn["like"][~bots].mean()


def test_readers_stay_longer_with_what_interests_them_and_stays_are_skewed(world: World):
    stays = world.actions.kind == ACTIONS.index(ActionKind.DWELL)
    seconds = world.actions.value[stays]
    assert seconds.min() >= 6
    assert seconds.mean() > np.median(seconds)
    topic = world.posts.topic[world.seen.post]
    interest = world.people.interests[world.seen.reader, topic]
    assert interest[world.actions.seen[stays]].mean() > interest.mean()


def test_tempers_are_lost_at_night_and_in_bad_moods_and_then_regretted(world: World):
    posts = world.posts
    hot = np.isin(posts.act, (8, 9)) & (posts.parent < 0)
    hour = (posts.created_at - world.start) // 3_600_000
    late = world.clock.is_late(hour, world.people.zone[posts.author]) > 0
    roots = posts.parent < 0
    assert hot[late & roots].mean() > 2 * hot[~late & roots].mean()
    mood = world.people.mood[posts.author, hour // 24]
    assert mood[hot].mean() < mood[roots & ~hot].mean() - 0.3
    assert posts.regret[hot].mean() > 10 * posts.regret[~hot].mean()
    assert world.gone()[hot].mean() > 5 * world.gone()[~hot].mean()
