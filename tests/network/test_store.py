import threading
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myna.decisions import DecisionLog
from myna.network import (
    Action,
    ActionKind,
    Appended,
    Consent,
    Deletion,
    Edge,
    EdgeKind,
    NotFound,
    Person,
    Post,
    Problem,
    Purpose,
    Records,
    Visibility,
    invalid,
)
from myna.network.store import Store

LAN = Person("home:p1", "lan", "Lan", "writes", "vi", "Asia/Ho_Chi_Minh", "Huế", 5, False, 10, 20)
BO = Person("home:p2", "Bo")
FULL = Post(
    "home:1", LAN.id, 1000, "Xin chào 🐦\nzwei", "vi", "x:9", "", "x:8", Visibility.FOLLOWERS,
    ("home:p2", "x:3"), ("https://a.example/", "https://b.example/ü"), True, True, 1, 2, 3,
)  # fmt: skip

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
ids = st.builds("{}:{}".format, st.sampled_from(["x", "home"]), st.integers(0, 2**63))
lines = st.lists(texts.filter(lambda t: t and "\n" not in t), max_size=3).map(tuple)
counts = st.integers(0, 2**62 - 1)
a_post = st.builds(
    Post, ids, ids, st.integers(-(2**41), 2**41), texts, texts, ids | st.just(""), ids | st.just(""),
    ids | st.just(""), st.sampled_from(Visibility), lines, lines, st.booleans(), st.booleans(), counts, counts, counts,
)  # fmt: skip


def test_what_was_appended_comes_back_whole(store: Store) -> None:
    facts = [
        LAN,
        BO,
        FULL,
        Edge(BO.id, LAN.id, EdgeKind.FOLLOW, 7),
        Action("home:a", BO.id, FULL.id, ActionKind.DWELL, 8, 2.5),
    ]
    assert store.append([*facts, Consent(FULL.id, Purpose.TRAIN, False, LAN.id, 9)]) == Appended(6, 0)
    assert store.posts([FULL.id, "home:none"]) == {FULL.id: replace(FULL, seq=1)}
    assert store.people([LAN.id]) == {LAN.id: replace(LAN, seq=1)}
    assert [(e.person_id, e.kind, e.at) for e in store.edges_to(LAN.id)] == [(BO.id, EdgeKind.FOLLOW, 7)]
    assert [(a.kind, a.value) for a in store.actions_by(BO.id)] == [(ActionKind.DWELL, 2.5)]
    assert [(c.subject, c.allow) for c in store.consents_after(0)] == [(FULL.id, False)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(a_post, max_size=12))
def test_any_valid_post_comes_back_as_it_was(store: Store, posts: list[Post]) -> None:
    first = {post.id: post for post in reversed(posts) if not invalid(post)}
    known = store.posts(first)
    store.append([post for post in posts if not invalid(post)])
    found = store.posts(first)
    for id, post in first.items():
        assert replace(found[id], seq=0) == replace(known.get(id, post), seq=0)


def test_the_same_facts_again_change_nothing(store: Store) -> None:
    facts = [
        LAN,
        BO,
        FULL,
        Edge(BO.id, LAN.id, EdgeKind.FOLLOW, 7),
        Action("home:a", BO.id, FULL.id, ActionKind.LIKE, 8),
    ]
    facts += [Consent("*", Purpose.ADS, True, "operator", 9), Deletion("home:2", "post", 10)]
    assert store.append(facts).new == len(facts)
    before = (store.counts(), store.last_seq())
    assert store.append(facts) == Appended(0, len(facts))
    assert store.append([facts[2], facts[2]]) == Appended(0, 2)
    assert (store.counts(), store.last_seq()) == before


def test_a_profile_read_again_is_brought_up_to_date(store: Store) -> None:
    store.append([LAN])
    assert store.append([replace(LAN, name="Lan Anh")]) == Appended(0, 1)
    assert store.person("@lan").name == "Lan Anh"


def test_an_invalid_fact_refuses_the_whole_batch(store: Store) -> None:
    with pytest.raises(Problem, match="NUL"):
        store.append([FULL, Post("home:2", LAN.id, 0, "a\x00b")])
    assert store.counts().posts == 0


def test_a_deleted_post_is_erased_and_never_comes_back(store: Store) -> None:
    store.append([FULL, Deletion(FULL.id, "post", 5)])
    assert store.posts([FULL.id]) == {}
    assert store.posts_after(0) == store.posts_by(LAN.id) == []
    assert store.append([FULL]) == Appended(0, 1)
    assert store.posts([FULL.id]) == {}
    assert [d.id for d in store.deletions_after(0)] == [FULL.id]


def test_a_deletion_that_arrives_first_holds(store: Store) -> None:
    store.append([Deletion(FULL.id, "post", 5), Deletion(LAN.id, "person", 5)])
    assert store.append([FULL, LAN, Post("home:77", LAN.id, 6, "later")]).new <= 1  # a tombstone may be made
    assert store.posts([FULL.id, "home:77"]) == {}
    assert store.people([LAN.id]) == {}
    assert store.counts().posts == store.counts().people == 0


def test_a_deleted_person_takes_along_all_they_wrote_and_did(store: Store) -> None:
    log = DecisionLog(store)
    store.append([LAN, BO, FULL, Post("home:3", BO.id, 1, "mine")])
    store.append([Edge(LAN.id, BO.id, EdgeKind.FOLLOW, 1), Edge(BO.id, LAN.id, EdgeKind.FOLLOW, 1)])
    store.append(
        [Action("home:a", LAN.id, "home:3", ActionKind.LIKE, 1), Action("home:b", BO.id, "home:3", ActionKind.SEEN, 1)]
    )
    Records(store, "drafts").put("d1", {"text": "hers"}, owner=LAN.id)
    Records(store, "drafts").put("d2", {"text": "his"}, owner=BO.id)
    feed = log.write("feed", LAN.id, "recommend", {}, {"posts": []})
    his = log.write("feed", BO.id, "recommend", {}, {"posts": []})
    auction = log.write("auction", LAN.id, "ads", {"bids": [1]}, {"winner": 0})
    assert store.append([Deletion(LAN.id, "person", 9)]).new == 1
    assert store.people([LAN.id, BO.id]).keys() == {BO.id}
    assert store.posts([FULL.id, "home:3"]).keys() == {"home:3"}
    assert store.edges_of(LAN.id) == store.edges_to(LAN.id) == store.actions_by(LAN.id) == []
    assert [a.id for a in store.actions_on("home:3", ActionKind.SEEN)] == ["home:b"]
    assert Records(store, "drafts").all() == {"d2": {"text": "his"}}
    assert {d.id for d in store.deletions_after(0)} == {LAN.id, FULL.id}
    with pytest.raises(NotFound):
        log.get(feed)
    assert log.get(his).actor == BO.id
    assert log.get(auction).actor == ""  # the bill stays computable
    with pytest.raises(NotFound):
        store.person("@lan")


def test_nothing_of_a_deleted_person_is_taken_in_again(store: Store) -> None:
    store.append([LAN, BO, Deletion(LAN.id, "person", 9)])
    store.append([LAN, Post("home:5", LAN.id, 10, "again"), Edge(LAN.id, BO.id, EdgeKind.FOLLOW, 10)])
    store.append([Edge(BO.id, LAN.id, EdgeKind.FOLLOW, 10), Action("home:z", LAN.id, "home:5", ActionKind.LIKE, 10)])
    counts = store.counts()
    assert (counts.people, counts.posts, counts.edges, counts.actions) == (1, 0, 0, 0)


def test_another_open_store_knows_of_a_deletion_at_once(store: Store, database_url: str) -> None:
    other = Store(database_url)
    other.append([BO])
    store.append([Deletion(LAN.id, "person", 1)])
    other.append([LAN, Post("home:6", LAN.id, 2, "late")])
    assert other.posts(["home:6"]) == {} and other.people([LAN.id]) == {}
    other.close()


def test_the_newest_edge_of_a_pair_holds_whatever_order_it_came_in(store: Store) -> None:
    store.append([Edge(BO.id, LAN.id, EdgeKind.FOLLOW, 30, on=False), Edge(BO.id, LAN.id, EdgeKind.FOLLOW, 20)])
    assert store.edges_of(BO.id) == []
    store.append([Edge(BO.id, LAN.id, EdgeKind.FOLLOW, 40), Edge(BO.id, LAN.id, EdgeKind.MUTE, 1)])
    assert {edge.kind for edge in store.edges_of(BO.id)} == {EdgeKind.FOLLOW, EdgeKind.MUTE}


def test_posts_are_read_in_the_order_they_were_appended_in_pages(store: Store) -> None:
    store.append([Post(f"home:{n}", LAN.id, 100 - n, str(n)) for n in range(25)])
    store.append([Deletion("home:3", "post", 1)])
    seen: list[str] = []
    seq = 0
    while page := store.posts_after(seq, 10):
        seen += [post.id for post in page]
        seq = page[-1].seq
    assert seen == [f"home:{n}" for n in range(25) if n != 3]
    assert [post.id for post in store.posts_by(LAN.id, before=78, limit=2)] == ["home:23", "home:24"]


def test_replies_and_reposts_are_found_and_posts_without_one_are_not(store: Store) -> None:
    store.append([Post("home:1", LAN.id, 1, "root"), Post("home:2", BO.id, 2, "re", reply_to="home:1")])
    store.append([Post("home:3", BO.id, 3, "", repost_of="home:1")])
    assert [post.id for post in store.replies_to("home:1")] == ["home:2"]
    assert [post.id for post in store.reposts_of("home:1")] == ["home:3"]
    assert store.replies_to("") == store.reposts_of("") == []


def test_a_person_is_found_by_id_and_by_handle_in_any_case(store: Store) -> None:
    store.append([LAN, BO])
    assert store.person("home:p2") == store.person("@bo") == store.person("Bo") == store.person(" bo ")
    with pytest.raises(NotFound):
        store.person("@nobody")


@pytest.mark.parametrize("id", ["", "a\x00b", "\ud800:1", "'; DROP TABLE posts; --", "x" * 10_000])
def test_asking_for_an_id_that_cannot_be_finds_nothing(store: Store, id: str) -> None:
    store.append([LAN, FULL])
    assert store.posts([id]) == store.people([id]) == {}
    assert store.posts_by(id) == store.replies_to(id) == store.reposts_of(id) == []
    assert store.edges_of(id) == store.edges_to(id) == store.actions_by(id) == []
    assert store.actions_on(id, ActionKind.LIKE) == []
    assert Records(store, "drafts").get(id) is None
    for ask in (store.person, DecisionLog(store).get):
        with pytest.raises(NotFound):
            ask(id)


def test_many_ids_are_asked_for_at_once(store: Store) -> None:
    store.append([Post(f"home:{n}", LAN.id, n, "") for n in range(1700)])
    assert len(store.posts([f"home:{n}" for n in range(2000)])) == 1700


def test_threads_that_write_at_once_lose_nothing(store: Store) -> None:
    errors: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for n in range(20):
                store.append([Post(f"home:{writer}-{n}-{k}", LAN.id, n, "text") for k in range(5)])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    seq, seen = 0, []
    while any(thread.is_alive() for thread in threads) or store.last_seq()["posts"] > seq:
        for post in store.posts_after(seq, 7):
            assert post.seq > seq
            seq = post.seq
            seen.append(post.id)
    assert not errors
    assert len(seen) == len(set(seen)) == 600  # a reader that remembers the last seq has missed none
