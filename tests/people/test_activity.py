"""What events change, and what takes it back."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.people.activity import Activity, Event, decayed
from myna.people.taste import evidence

NOW = 1_700_000_000_000


def activity(people: int = 4, posts: int = 6) -> Activity:
    found = Activity()
    for person in range(people):
        found.person_row(f"x:p{person}")
    for post in range(posts):
        row = found.post_row(f"x:{post}")
        found.posts["author"][row] = post % people
        found.posts["created"][row] = NOW - 1000 + post
        found.posts["alive"][row] = found.posts["held"][row] = True
        found.placed(row)
    return found


def summary(found: Activity) -> object:
    return (
        {name: column.tolist() for name, column in found.counts.arrays().items()},
        {name: column.tolist() for name, column in found.tallies.arrays().items()},
        {post: sorted(likers) for post, likers in found.likers.items() if likers},
        {person: sorted(liked) for person, liked in found.liked.items() if liked},
    )


def test_a_like_twice_counts_once_and_taken_back_not_at_all() -> None:
    found, fresh = activity(), activity()
    for kind in (Event.LIKE, Event.LIKE, Event.UNLIKE):
        found.record(1, 0, kind, NOW)
    assert summary(found) == summary(fresh)
    assert decayed(found.affinity[1][0], NOW) == 0


def test_a_like_after_a_repost_counts_as_both() -> None:
    found = activity()
    found.record(1, 0, Event.REPOST, NOW)
    found.record(1, 0, Event.LIKE, NOW)
    assert (found.counts["likes"][0], found.counts["reposts"][0], found.likers[0]) == (1, 1, [1])


def test_ties_to_an_author_fade() -> None:
    found = activity()
    found.record(1, 0, Event.LIKE, NOW)
    assert decayed(found.affinity[1][0], NOW + 30 * 86_400_000) == 0.5


events = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 5),
        st.sampled_from([e for e in Event if e not in (Event.VOID, Event.WROTE)]), st.integers(0, 10**6),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=60)
@given(events)
def test_a_shadow_given_the_same_events_comes_to_the_same_state(made: list[tuple[int, int, Event, int]]) -> None:
    found = activity()
    found.record_many([(person, post, int(kind), NOW + at, 9.0, -1) for person, post, kind, at in made])
    # What was taken back meanwhile is void in both.
    past = found.shadow()
    for row in range(len(past.events)):
        past.apply(row, *(past.events[name][row].item() for name in ("person", "post", "kind", "at", "value")))
    assert summary(past) == summary(found)


@settings(max_examples=60)
@given(events, st.integers(0, 3))
def test_an_erased_person_leaves_nothing(made: list[tuple[int, int, Event, int]], person: int) -> None:
    found = activity()
    found.record_many([(who, post, int(kind), NOW + at, 9.0, -1) for who, post, kind, at in made])
    found.erase_person(person)
    assert not found.history.get(person) and not found.seen.get(person) and not found.liked.get(person)
    assert all(person not in likers for likers in found.likers.values())
    assert not len(evidence(found, person, NOW).posts)


def test_posts_stand_by_time_however_they_came() -> None:
    found = activity(1, 0)
    rng = np.random.default_rng(0)
    for n in range(300):
        row = found.post_row(f"x:{n}")
        found.posts["created"][row] = rng.integers(10**6)
        found.posts["author"][row] = 0
        found.placed(row)
        if n % 40 == 0:
            found.by_time()
    created = found.posts["created"]
    assert (np.diff(created[found.by_time()]) >= 0).all() and len(found.by_time()) == 300
    assert (np.diff(created[found.posts_of(0)]) >= 0).all()


def test_the_newest_likes_are_damped_until_others_follow() -> None:
    found = activity(posts=12)
    for post in range(8):
        found.record(1, post, Event.LIKE, NOW + post)
    weights = evidence(found, 1, NOW + 10).weights
    assert (np.diff(weights[-4:]) < 0).all() and weights[-1] < 0.35 < 0.99 < weights[0]


def test_show_less_counts_at_once_and_in_full() -> None:
    found = activity()
    found.record(1, 0, Event.SHOW_LESS, NOW)
    assert evidence(found, 1, NOW).weights.tolist() == [-1.5]


def test_the_clock_stands_still_in_silence_and_runs_again_after_it() -> None:
    found = Activity()
    hour = 3_600_000
    for n, at in enumerate([NOW, NOW + hour, NOW + 9000 * hour, NOW + 9001 * hour]):
        row = found.post_row(f"x:{n}")
        found.posts["created"][row], found.posts["held"][row] = at, True
    ticks = found.clock(found.posts["created"])
    assert np.diff(ticks).tolist() == [hour, 48 * hour, hour]
    assert found.tick(NOW + 20_000 * hour) == ticks[-1] + 48 * hour
    assert found.tick(NOW + 30_000 * hour) == found.tick(NOW + 20_000 * hour)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30), st.lists(st.integers(0, 10**12), min_size=2))
def test_the_clock_never_runs_backwards(created: list[int], asked: list[int]) -> None:
    found = Activity()
    for n, at in enumerate(created):
        row = found.post_row(f"x:{n}")
        found.posts["created"][row] = at
    assert (np.diff(found.clock(np.sort(np.array(asked)))) >= 0).all()
