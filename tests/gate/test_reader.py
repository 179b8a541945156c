from collections import Counter
from typing import Any

import pytest

from myna.gate import ANYONE, MYNA, Actor, ActorKind, Reader, person_actor
from myna.network import Consent, Deletion, NotFound, Post, Purpose, Visibility
from myna.network.store import Store

OPEN = Post("home:1", "home:a", 1, "open")
QUIET = Post("home:2", "home:a", 2, "quiet", visibility=Visibility.DIRECT, mentions=("home:b",))
FAR = Post("x:3", "x:c", 3, "far", reply_to="home:1")


def test_what_is_refused_is_missing_as_if_it_did_not_exist(store: Store) -> None:
    store.append([OPEN, QUIET, FAR])
    reader = Reader(store)
    assert reader.posts(ANYONE, Purpose.READ, ["home:1", "home:2", "home:9"]).keys() == {"home:1"}
    assert [p.id for p in reader.posts_by(ANYONE, Purpose.READ, "home:a")] == ["home:1"]
    assert [p.id for p in reader.posts_by(person_actor("home:b"), Purpose.READ, "home:a")] == ["home:2", "home:1"]
    messages = []
    for id in ("home:2", "home:9"):
        with pytest.raises(NotFound) as raised:
            reader.post(ANYONE, Purpose.READ, id)
        messages.append(raised.value.message.replace(id, "ID"))
    assert messages[0] == messages[1]


def test_reading_in_order_goes_on_past_what_is_refused(store: Store) -> None:
    store.append([Post(f"x:{n}", "x:c", n + 1, "far") for n in range(10)] + [OPEN])
    reader = Reader(store)
    seen, seq = [], 0
    while True:
        posts, after = reader.posts_after(MYNA, Purpose.TRAIN, seq, 4)
        seen += [post.id for post in posts]
        if after == seq:
            break
        seq = after
    assert seen == ["home:1"]


def test_replies_are_read_through_the_gate_too(store: Store) -> None:
    store.append(
        [OPEN, FAR, Post("x:4", "x:c", 4, "", repost_of="home:1"), Consent("x:c", Purpose.READ, False, "x:c", 1)]
    )
    reader = Reader(store)
    assert reader.replies_to(ANYONE, Purpose.READ, "home:1") == []
    assert reader.reposts_of(ANYONE, Purpose.READ, "home:1") == []
    assert [post.id for post in reader.replies_to(ANYONE, Purpose.SEARCH, "home:1")] == ["x:3"]


def test_a_deleted_post_is_for_nobody(store: Store) -> None:
    store.append([OPEN, Deletion("home:1", "post", 5)])
    assert Reader(store).posts(person_actor("home:a"), Purpose.READ, ["home:1"]) == {}


def test_reads_by_programs_and_for_training_are_told_with_their_reasons(store: Store) -> None:
    told: list[tuple[str, Purpose, Counter[str], Counter[str]]] = []

    def on_ruling(actor: Actor, purpose: Purpose, allowed: Counter[str], refused: Counter[str]) -> Any:
        told.append((str(actor), purpose, allowed, refused))

    store.append([OPEN, QUIET, FAR])
    reader = Reader(store, on_ruling)
    reader.posts_by(ANYONE, Purpose.READ, "home:a")
    assert told == []
    reader.posts_after(MYNA, Purpose.TRAIN, 0)
    reader.posts(Actor(ActorKind.PROGRAM, "key:k", frozenset({Purpose.READ})), Purpose.READ, ["home:1"])
    assert [(who, purpose, sum(yes.values()), sum(no.values())) for who, purpose, yes, no in told] == [
        ("myna", Purpose.TRAIN, 1, 2),
        ("key:k", Purpose.READ, 1, 0),
    ]
    assert told[0][3]["training on posts from elsewhere needs a yes"] == 1
