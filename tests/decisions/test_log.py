import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.decisions import Decision, DecisionLog, canonical, new_id
from myna.network import NotFound, Problem
from myna.network.store import Store

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), values, max_size=5)


def test_a_decision_comes_back_as_it_was_written(store: Store) -> None:
    log = DecisionLog(store)
    id = log.write(
        "feed", "home:1", "recommend", {"seed": 3, "posts": ["home:2"]}, {"reasons": [{"text": "x"}]}, "m1", at=5
    )
    assert log.get(id) == Decision(
        id, 5, "feed", "home:1", "recommend", "m1", {"seed": 3, "posts": ["home:2"]}, {"reasons": [{"text": "x"}]}
    )
    why = log.why(id)
    assert why["reasons"] == [{"text": "x"}] and why["model"] == "m1" and why["actor"] == "home:1"


@settings(max_examples=100, deadline=None)
@given(documents)
def test_the_canonical_form_depends_on_the_value_alone(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical(value) == canonical(turned)
    import orjson

    assert orjson.loads(canonical(value)) == value


def test_a_replay_gives_the_same_bytes_or_says_that_they_differ(store: Store) -> None:
    log = DecisionLog(store)
    log.replays("sum", lambda decision: {"sum": sum(decision.input["of"])})
    right = log.write("sum", "home:1", "read", {"of": [1, 2, 0.1]}, {"sum": 1 + 2 + 0.1})
    wrong = log.write("sum", "home:1", "read", {"of": [1, 2]}, {"sum": 4})
    assert log.replay(right).same and log.replay(right).logged == b'{"sum":3.1}'
    assert not log.replay(wrong).same and log.replay(wrong).again == b'{"sum":3}'


def test_what_cannot_be_replayed_or_found_says_so(store: Store) -> None:
    log = DecisionLog(store)
    with pytest.raises(Problem, match="not replayed"):
        log.replay(log.write("consent", "home:1", "read", {}, {}))
    for ask in (log.get, log.why, log.replay):
        with pytest.raises(NotFound):
            ask("d000")


def test_decisions_are_found_by_kind_actor_and_time_newest_first(store: Store) -> None:
    log = DecisionLog(store)
    ids = [
        log.write(kind, actor, "p", {}, {}, at=n)
        for n, (kind, actor) in enumerate([("a", "1"), ("b", "1"), ("a", "2"), ("a", "1")])
    ]
    assert [d.id for d in log.latest("a")] == [ids[3], ids[2], ids[0]]
    assert [d.id for d in log.latest(actor="1", since=1)] == [ids[3], ids[1]]
    assert [d.id for d in log.latest(limit=1)] == [ids[3]]
    assert (log.count(), log.count("a"), log.count("c")) == (4, 3, 0)
    first, seq = log.after(0, "a", limit=2)
    rest, end = log.after(seq, "a")
    assert [d.id for d in first + rest] == [ids[0], ids[2], ids[3]]
    assert log.after(end, "a") == ([], end)


def test_an_id_sorts_by_time_and_is_never_given_twice() -> None:
    ids = [new_id("d", at) for at in (1, 5, 2**40, 2**43) for _ in range(50)]
    assert len(set(ids)) == 200
    assert [id[:12] for id in ids] == sorted(id[:12] for id in ids)


def test_threads_and_other_stores_write_to_one_log(store: Store, database_url: str) -> None:
    other = Store(database_url)
    logs = [DecisionLog(store), DecisionLog(other)]
    threads = [
        threading.Thread(target=lambda n=n: [logs[n % 2].write("k", str(n), "p", {"n": k}, {}) for k in range(15)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert logs[0].count("k") == 60
    found, _ = logs[1].after(0, "k")
    for writer in range(4):
        assert [d.input["n"] for d in found if d.actor == str(writer)] == list(range(15))
    other.close()
