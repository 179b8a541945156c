"""A world is what its numbers and seed say, is made of valid facts, and comes in the promised order."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.network import Action, ActionKind, Deletion, Edge, Person, Post, Problem, invalid
from myna.world import World, generate

_DIGEST = """
import hashlib
from myna.world import generate
hash_ = hashlib.sha256()
for batch in generate(people=60, posts=900, seed=11).batches():
    for fact in batch:
        hash_.update(repr(fact).encode())
print(hash_.hexdigest())
"""


def _digest(world: World) -> str:
    hash_ = hashlib.sha256()
    for batch in world.batches():
        for fact in batch:
            hash_.update(repr(fact).encode())
    return hash_.hexdigest()


def test_the_same_seed_gives_the_same_facts_in_processes_with_other_hash_seeds():
    source = str(Path(__file__).parents[2] / "src")
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, threads in (("0", "1"), ("12345", "2"))
    }
    assert digests == {_digest(generate(people=60, posts=900, seed=11))}


def test_another_seed_gives_another_network():
    assert _digest(generate(people=60, posts=900, seed=12)) != _digest(generate(people=60, posts=900, seed=11))


def test_only_the_end_moves_with_the_end():
    one = generate(people=40, posts=200, seed=3)
    other = generate(people=40, posts=200, seed=3, end=one.end + 7 * 24 * 3_600_000)
    assert other.start - one.start == 7 * 24 * 3_600_000
    assert max(other.posts.created_at) < other.end


def test_every_fact_can_enter_the_log(world: World):
    reasons = Counter(reason for batch in world.batches() for fact in batch if (reason := invalid(fact)))
    assert not reasons


def test_facts_come_as_counted_people_first_and_each_kind_in_order_of_time(world: World):
    kinds = Counter()
    order = []
    last = {}
    ids = set()
    for batch in world.batches():
        for fact in batch:
            kinds[type(fact)] += 1
            if not order or order[-1] is not type(fact):
                order.append(type(fact))
            if not isinstance(fact, Person):
                at = fact.created_at if isinstance(fact, Post) else fact.at
                assert at >= last.get(type(fact), at)
                last[type(fact)] = at
            if isinstance(fact, Person | Post | Action):
                assert fact.id not in ids
                ids.add(fact.id)
    assert order == [Person, Edge, Post, Action, Deletion]
    assert {kind.__name__: count for kind, count in kinds.items()} == {
        "Person": 600,
        "Edge": world.counts()["edges"],
        "Post": 15_000,
        "Action": world.counts()["actions"],
        "Deletion": world.counts()["deletions"],
    }
    assert world.counts()["deletions"] > 50


def test_everything_happens_within_the_month_to_people_and_posts_that_are_there(world: World):
    people, posts = set(), {}
    for batch in world.batches():
        for fact in batch:
            match fact:
                case Person():
                    people.add(fact.id)
                    assert fact.created_at < world.start
                case Edge():
                    assert fact.person_id in people
                    assert fact.other_id in people
                    assert fact.at < world.end
                case Post():
                    posts[fact.id] = fact
                    assert world.start <= fact.created_at < world.end
                    assert set(fact.mentions) <= people
                case Action():
                    assert posts[fact.post_id].created_at < fact.at < world.end
                    assert posts[fact.post_id].author_id != fact.person_id
                case Deletion():
                    assert posts[fact.id].created_at < fact.at < world.end
                    assert posts[fact.id].text == ""


def test_a_post_is_seen_by_somebody_at_most_once_and_acted_on_only_when_seen(world: World):
    seen, acted = Counter(), set()
    for batch in world.batches():
        for fact in batch:
            if isinstance(fact, Action):
                pair = (fact.person_id, fact.post_id)
                if fact.kind is ActionKind.SEEN:
                    seen[pair] += 1
                else:
                    acted.add(pair)
    assert max(seen.values()) == 1
    assert acted <= seen.keys()
    assert 6.5 < sum(seen.values()) / len(world.posts) < 8.5


@settings(deadline=None, max_examples=12)
@given(people=st.integers(2, 40), posts=st.integers(0, 120), seed=st.integers(0, 2**40))
def test_any_small_network_has_exactly_the_posts_it_was_asked_for_and_is_valid(people: int, posts: int, seed: int):
    world = generate(people, posts, seed)
    facts = [fact for batch in world.batches() for fact in batch]
    assert sum(isinstance(fact, Post) for fact in facts) == posts
    assert sum(isinstance(fact, Person) for fact in facts) == people
    assert sum(world.counts().values()) == len(facts)
    assert not [reason for fact in facts if (reason := invalid(fact))]


def test_progress_is_told_and_ends_complete():
    told = []
    generate(20, 100, 1, lambda done, total: told.append((done, total)))
    assert told[-1] == (100, 100)
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("people", "posts", "options"),
    [(1, 10, {}), (10, -1, {}), (10, 10, {"end": 5}), (10, 10, {"seen_per_post": 0})],
)
def test_numbers_that_cannot_be_met_are_a_problem_in_a_sentence(people: int, posts: int, options: dict):
    with pytest.raises(Problem, match=r"\w+ .*\."):
        generate(people, posts, 1, **options)
