import threading

from myna.network import Records
from myna.network.store import Store


def test_a_document_is_kept_replaced_and_deleted(store: Store) -> None:
    records = Records(store, "campaign")
    records.put("c1", {"budget": 5, "name": "ü"}, owner="home:1")
    records.put("c1", {"budget": 6})
    assert records.get("c1") == {"budget": 6}
    assert records.delete("c1") and not records.delete("c1")
    assert records.get("c1") is None


def test_kinds_and_owners_are_apart(store: Store) -> None:
    one, two = Records(store, "one"), Records(store, "one").of_kind("two")
    one.put("a", {"n": 1}, owner="home:1")
    one.put("b", {"n": 2}, owner="home:2")
    two.put("a", {"n": 3}, owner="home:1")
    assert one.all() == {"a": {"n": 1}, "b": {"n": 2}}
    assert one.all("home:1") == {"a": {"n": 1}}
    assert two.all() == {"a": {"n": 3}}


def test_of_many_who_take_a_document_one_gets_it(store: Store) -> None:
    records = Records(store, "drafts")
    for turn in range(5):
        records.put("d", {"turn": turn})
        got: list[object] = []
        threads = [threading.Thread(target=lambda got=got: got.append(records.take("d"))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got.count(None) == 5
        assert {"turn": turn} in got


def test_changes_made_at_once_are_all_kept(store: Store) -> None:
    records = Records(store, "count")
    records.put("n", {"n": 0}, owner="home:1")
    threads = [
        threading.Thread(target=lambda: [records.change("n", lambda old: {"n": old["n"] + 1}) for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert records.get("n") == {"n": 40}
    assert records.all("home:1") == {"n": {"n": 40}}  # the owner stays


def test_a_document_that_is_gone_is_not_brought_back_by_a_change(store: Store) -> None:
    records = Records(store, "drafts")
    assert records.change("gone", lambda old: {"n": 1}) is None
    assert records.all() == {}
