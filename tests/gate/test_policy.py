"""The gate against an oracle written from its documented rules alone, not from its code."""

import itertools
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myna.gate import ANYONE, MYNA, OPERATOR, Actor, ActorKind, Policy, Reader, person_actor
from myna.network import Action, ActionKind, Consent, Edge, EdgeKind, Person, Post, Purpose, Visibility
from myna.network.store import Store

AUTHORS = ("home:a", "x:b")
READER = "home:r"
PURPOSES = tuple(Purpose)


def _program(purposes: frozenset[Purpose], on_behalf_of: str = "") -> Actor:
    return Actor(ActorKind.PROGRAM, "key:1", purposes, on_behalf_of)


actors = st.sampled_from([ANYONE, MYNA, OPERATOR, *(person_actor(id) for id in (READER, *AUTHORS))]) | st.builds(
    _program, st.frozensets(st.sampled_from(PURPOSES), min_size=1), st.sampled_from(["", READER, "home:a"])
)
a_post = st.builds(
    lambda source, n, author, visibility, mentions: Post(
        f"{source}:{n}", author, 1, "text", visibility=visibility, mentions=mentions
    ),
    st.sampled_from(["home", "world", "x"]),
    st.integers(1, 3),
    st.sampled_from(AUTHORS),
    st.sampled_from(Visibility),
    st.sampled_from([(), (READER,), ("home:z", "home:a")]),
)
subjects = st.sampled_from(["home:1", "home:2", "x:1", "world:1", *AUTHORS, "home:*", "x:*", "world:*", "*"])
a_consent = st.builds(
    Consent,
    subjects,
    st.sampled_from(PURPOSES),
    st.booleans(),
    st.sampled_from([*AUTHORS, "operator", READER]),
    st.integers(1, 9),
)
an_edge = st.builds(
    Edge,
    st.sampled_from([READER, *AUTHORS]),
    st.sampled_from([READER, *AUTHORS]),
    st.sampled_from(EdgeKind),
    st.integers(1, 9),
    st.booleans(),
).filter(lambda edge: edge.person_id != edge.other_id)


def _newest(consents: list[Consent], subject: str, purpose: Purpose, by: str) -> bool | None:
    said = [c for c in consents if (c.subject, c.purpose, c.by) == (subject, purpose, by)]
    return max(enumerate(said), key=lambda pair: (pair[1].at, pair[0]))[1].allow if said else None


def _first(consents: list[Consent], ranked: list[str], purpose: Purpose, by: str) -> bool | None:
    answers = (_newest(consents, subject, purpose, by) for subject in ranked)
    return next((answer for answer in answers if answer is not None), None)


def _on(edges: list[Edge], person: str, other: str, kind: EdgeKind) -> bool:
    said = [e for e in edges if (e.person_id, e.other_id, e.kind) == (person, other, kind)]
    return max(enumerate(said), key=lambda pair: (pair[1].at, pair[0]))[1].on if said else False


def oracle(actor: Actor, purpose: Purpose, post: Post, consents: list[Consent], edges: list[Edge]) -> bool:
    """docs/concepts.md in code: scope, blocks, visibility, then yes and no by author and operator, then the default."""
    if actor.kind is ActorKind.PROGRAM and purpose not in actor.purposes:
        return False
    eyes = actor.id if actor.kind is ActorKind.PERSON else actor.on_behalf_of
    own = eyes == post.author_id
    if not own:
        if eyes and _on(edges, post.author_id, eyes, EdgeKind.BLOCK):
            return False
        if post.visibility is Visibility.UNLISTED and purpose is not Purpose.READ:
            return False
        if post.visibility in (Visibility.FOLLOWERS, Visibility.DIRECT):
            if purpose in (Purpose.TRAIN, Purpose.EXPORT, Purpose.ADS, Purpose.ANSWER):
                return False
            follower = (
                eyes and post.visibility is Visibility.FOLLOWERS and _on(edges, eyes, post.author_id, EdgeKind.FOLLOW)
            )
            if not (follower or (eyes and eyes in post.mentions) or actor.kind is ActorKind.MYNA):
                return False
    if own and purpose is Purpose.READ:
        return True
    author = _first(consents, [post.id, post.author_id], purpose, post.author_id)
    source = post.id.split(":")[0]
    operator = _first(consents, [post.id, post.author_id, f"{source}:*", "*"], purpose, "operator")
    if False in (author, operator):
        return False
    if True in (author, operator):
        return True
    if purpose is Purpose.EXPORT:
        return own
    return not (purpose is Purpose.TRAIN and source not in ("home", "world"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory):
    """Stores without end: consents are never taken back, so each example needs its own."""
    folder = tmp_path_factory.mktemp("gate")
    number = itertools.count()
    opened: list[Store] = []

    def make() -> Store:
        opened.append(Store(f"sqlite:///{folder}/{next(number)}.db"))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(actors, st.sampled_from(PURPOSES), a_post), min_size=10, max_size=40),
    st.lists(a_consent, max_size=25),
    st.lists(an_edge, max_size=10),
)
def test_the_gate_rules_as_documented(fresh, asked, consents: list[Consent], edges: list[Edge]) -> None:  # type: ignore[no-untyped-def]
    kept = list(dict.fromkeys(consents))
    between = list(dict.fromkeys(edges))
    store = fresh()
    store.append([*kept, *between])
    reader = Reader(store)
    for actor, purpose, post in asked:
        ruling = reader.decide(actor, purpose, post)
        assert ruling.allow == oracle(actor, purpose, post, kept, between), (actor, purpose, post, ruling)
        assert ruling.reason
    store.close()


@pytest.mark.parametrize("by", ["home:a", "operator"])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_refusal_by_either_overrides_the_permission_of_the_other(store: Store, by: str, purpose: Purpose) -> None:
    post = Post("home:1", "home:a", 1, "text")
    other = "operator" if by == "home:a" else "home:a"
    store.append([Consent(post.id, purpose, True, other, 5), Consent(post.author_id, purpose, False, by, 1)])
    assert not Reader(store).decide(ANYONE, purpose, post).allow


def test_what_an_author_says_of_one_post_ranks_above_what_they_say_of_all(store: Store) -> None:
    store.append([Consent("x:a", Purpose.TRAIN, False, "x:a", 9), Consent("x:1", Purpose.TRAIN, True, "x:a", 1)])
    reader = Reader(store)
    assert reader.decide(MYNA, Purpose.TRAIN, Post("x:1", "x:a", 1, "")).allow
    assert not reader.decide(MYNA, Purpose.TRAIN, Post("x:2", "x:a", 1, "")).allow


def test_a_consent_by_somebody_without_a_say_is_nothing(store: Store) -> None:
    store.append([Consent("x:1", Purpose.TRAIN, True, "x:other", 1), Consent("x:1", Purpose.READ, False, "x:other", 1)])
    reader = Reader(store)
    assert not reader.decide(MYNA, Purpose.TRAIN, Post("x:1", "x:a", 1, "")).allow
    assert reader.decide(ANYONE, Purpose.READ, Post("x:1", "x:a", 1, "")).allow


def test_a_key_without_purposes_may_nothing(store: Store) -> None:
    reader = Reader(store)
    assert not any(reader.decide(_program(frozenset()), p, Post("home:1", "home:a", 1, "")).allow for p in PURPOSES)


def test_a_consent_given_in_another_process_holds_from_the_next_question(store: Store, database_url: str) -> None:
    reader, post = Reader(store), Post("home:1", "home:a", 1, "")
    assert reader.decide(MYNA, Purpose.TRAIN, post).allow
    other = Store(database_url)
    other.append([Consent(post.author_id, Purpose.TRAIN, False, post.author_id, 1)])
    other.close()
    assert reader.decide(MYNA, Purpose.TRAIN, post).reason == "the author said no"


def test_threads_that_ask_while_consents_arrive_end_with_the_newest(store: Store) -> None:
    # All at one time, so that only the order in the log says which is the newest.
    policy = Policy(store)
    errors: list[BaseException] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                policy.scope(ANYONE, Purpose.TRAIN)
                policy.said(Purpose.TRAIN)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(40):
        store.append([Consent(f"x:{n}", Purpose.TRAIN, turn % 2 == 1, "operator", 1 + turn // 2) for n in range(20)])
    done.set()
    for thread in threads:
        thread.join()
    assert not errors
    policy.refresh()
    assert [consent.allow for consent in policy.said(Purpose.TRAIN)] == [True] * 20


def test_blocks_and_follows_are_those_in_force_now(store: Store) -> None:
    post = Post("home:1", "home:a", 1, "for followers", visibility=Visibility.FOLLOWERS)
    reader, me = Reader(store), person_actor(READER)
    assert not reader.decide(me, Purpose.READ, post).allow
    store.append([Person(READER, "r"), Edge(READER, "home:a", EdgeKind.FOLLOW, 1)])
    assert reader.decide(me, Purpose.READ, post).allow
    store.append([Edge("home:a", READER, EdgeKind.BLOCK, 2)])
    assert reader.decide(me, Purpose.READ, post).reason == "the author blocked this person"
    store.append(
        [Edge("home:a", READER, EdgeKind.BLOCK, 3, on=False), Action("home:x", READER, post.id, ActionKind.LIKE, 1)]
    )
    assert reader.decide(me, Purpose.READ, post).allow
