"""The truth answers every question about causes and probabilities, for what happened and for what did not."""

import numpy as np
import pytest

from myna.network import Action, ActionKind, NotFound, Problem
from myna.world import Cause, World
from myna.world.content import NONE, QUOTE, REPLY


def test_a_recorded_impression_has_the_probability_it_was_drawn_with(world: World):
    held = world.truth.probabilities(np.arange(20))
    for row in range(20):
        person, post = f"world:p{world.seen.reader[row] + 1}", f"world:{world.seen.post[row] + 1}"
        assert world.truth.probability(person, post, "like") == held[row, 0]
        assert world.truth.probability(person, post, "like", int(world.seen.at[row])) == held[row, 0]


def test_the_same_law_answers_for_what_was_never_shown_and_at_another_time(world: World):
    shown = set(zip(world.seen.reader.tolist(), world.seen.post.tolist(), strict=True))
    reader, post = next(
        (r, p) for r in range(50) for p in range(50) if (r, p) not in shown and world.posts.author[p] != r
    )
    at = int(world.posts.created_at[post])
    early = world.truth.probability(f"world:p{reader + 1}", f"world:{post + 1}", "like", at + 3_600_000)
    assert early == world.truth.probability(f"world:p{reader + 1}", f"world:{post + 1}", "like")
    assert 0 < early < 1
    # Asked for a hypothetical time right at an impression, it agrees with what is on record but for the session.
    row = int(np.flatnonzero(world.seen.position == 0)[5])
    who, what = f"world:p{world.seen.reader[row] + 1}", f"world:{world.seen.post[row] + 1}"
    near = world.truth.probability(who, what, "like", int(world.seen.at[row]) + 1)
    assert near == pytest.approx(world.truth.probability(who, what, "like"), rel=0.35)


def test_interests_sum_to_one_and_steer_what_people_write(world: World):
    assert len(world.truth.topics()) >= 16
    total = 0.0
    for post in np.flatnonzero((world.posts.how == NONE) & ~world.people.bot[world.posts.author])[:400].tolist():
        interests = world.truth.interests(f"world:p{world.posts.author[post] + 1}")
        assert interests.sum() == pytest.approx(1)
        total += interests[world.truth.topic_of(f"world:{post + 1}")]
    assert total / 400 > 0.3


def test_every_post_and_action_has_a_cause_that_is_there(world: World):
    causes = set()
    for post in range(3000):
        why = world.truth.cause_of(f"world:{post + 1}")
        causes.add(why.cause)
        how = world.posts.how[post]
        assert bool(why.post_id) == (how != NONE)
        if how != NONE:
            assert why.post_id == f"world:{world.posts.parent[post] + 1}"
        if why.cause is Cause.EVENT:
            assert why.event
        if how in (REPLY, QUOTE) and why.cause is Cause.NOTIFICATION:
            grand = world.posts.parent[world.posts.parent[post]]
            assert world.posts.author[grand] == world.posts.author[post]
    assert causes >= {
        Cause.HABIT,
        Cause.EVENT,
        Cause.BOT,
        Cause.MOOD,
        Cause.FOLLOW,
        Cause.RECOMMENDED,
        Cause.NOTIFICATION,
    }


def test_an_action_came_through_somebody_whom_the_reader_followed(world: World):
    n = len(world.people)
    checked = 0
    for batch in world.batches():
        for fact in batch:
            if isinstance(fact, Action) and fact.kind is ActionKind.LIKE and checked < 300:
                why = world.truth.cause_of(fact.id)
                assert why.post_id == fact.post_id
                if why.cause in (Cause.FOLLOW, Cause.REPOST):
                    reader, by = int(fact.person_id[7:]) - 1, int(why.by[7:]) - 1
                    changed = ((world.changes.person == reader) & (world.changes.other == by)).any()
                    assert changed or world.base.follows(np.array([reader]), np.array([by]))[0]
                    checked += 1
                    assert fact.person_id == f"world:p{reader + 1}"
    assert checked == 300
    assert n == 600


def test_questions_have_answers_that_can_be_found(world: World):
    questions = world.truth.questions()
    answered = [question for question in questions if question.answered_by]
    assert len(questions) > 800
    assert len(answered) > 0.7 * len(questions)
    for question in answered[:100]:
        for post in question.answered_by:
            assert question.answer in world.truth.text_of(post)
            assert question.entity in world.truth.text_of(post)
            assert world.truth.entity_of(post) == question.entity
    assert sum(question.answer in question.text for question in questions) < 0.01 * len(questions) + 3


def test_a_deleted_post_keeps_its_text_in_the_truth_alone(world: World):
    post = f"world:{world.deleted[0] + 1}"
    assert world.truth.text_of(post)
    assert 0 < world.truth.regret(post) < 1


@pytest.mark.parametrize("id", ["world:0", "world:15001", "world:x", "x:1", "world:p1", ""])
def test_ids_that_are_not_there_are_a_problem(world: World, id: str):
    with pytest.raises(NotFound):
        world.truth.topic_of(id)


def test_kinds_that_are_not_there_are_a_problem(world: World):
    with pytest.raises(Problem, match="like, click"):
        world.truth.probability("world:p1", "world:1", "love")
