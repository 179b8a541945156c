import pytest

from myna.gate import Actor, ActorKind, Keys
from myna.network import Deletion, Person, Problem, Purpose, Records
from myna.network.store import Store


def test_a_key_is_known_by_its_secret_and_kept_as_a_hash_only(store: Store) -> None:
    records = Records(store, "key")
    secret, key = Keys(records).make("importer", [Purpose.READ, Purpose.TRAIN], on_behalf_of="home:1")
    assert Keys(records).actor(secret) == Actor(
        ActorKind.PROGRAM, f"key:{key.id}", frozenset({Purpose.READ, Purpose.TRAIN}), "home:1"
    )
    assert Keys(records).all() == [key]
    assert secret not in str(records.all()) and secret.rpartition("_")[2] not in str(records.all())


@pytest.mark.parametrize("change", ["", "myna_", "myna_000000000000_x", "x", "{0}x", "{1}", "\ud800", "myna_\x00_"])
def test_any_other_secret_is_unknown(store: Store, change: str) -> None:
    keys = Keys(Records(store, "key"))
    secret, _ = keys.make("a", [Purpose.READ])
    with pytest.raises(Problem) as raised:
        keys.actor(change.format(secret, secret[:-1]))
    assert raised.value.status == 401


def test_a_key_ends_when_it_expires_and_one_for_ever_does_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(Records(store, "key"))
    short, key = keys.make("short", [Purpose.READ], days=1)
    forever, _ = keys.make("forever", [Purpose.READ], days=0)
    keys.actor(short)
    monkeypatch.setattr("myna.gate.keys.now_ms", lambda: key.expires_at + 1)
    with pytest.raises(Problem, match="expired") as raised:
        keys.actor(short)
    assert raised.value.status == 401
    keys.actor(forever)


def test_a_revoked_key_is_over_at_once(store: Store) -> None:
    keys = Keys(Records(store, "key"))
    secret, key = keys.make("a", [Purpose.READ])
    keys.revoke(key.id)
    for ask in (lambda: keys.actor(secret), lambda: keys.revoke(key.id)):
        with pytest.raises(Problem):
            ask()


def test_a_key_goes_with_the_person_it_acts_for(store: Store) -> None:
    keys = Keys(Records(store, "key"))
    store.append([Person("home:1", "lan")])
    secret, _ = keys.make("a", [Purpose.READ], on_behalf_of="home:1")
    store.append([Deletion("home:1", "person", 1)])
    with pytest.raises(Problem):
        keys.actor(secret)


def test_a_key_for_nothing_or_of_negative_days_is_not_made(store: Store) -> None:
    keys = Keys(Records(store, "key"))
    for purposes, days in (([], 1), ([Purpose.READ], -1)):
        with pytest.raises(Problem):
            keys.make("a", purposes, days)
    assert keys.all() == []


def test_an_operators_key_asks_as_the_operator(store: Store) -> None:
    keys = Keys(Records(store, "key"))
    secret, _ = keys.make("ops", [Purpose.READ], operator=True)
    assert keys.actor(secret).kind is ActorKind.OPERATOR
