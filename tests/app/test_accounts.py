from pathlib import Path

import pytest

from myna.app.accounts import Accounts
from myna.network import Deletion, Person, Problem
from myna.network.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(f"sqlite:///{tmp_path / 'myna.db'}")
    store.append([Person("home:1", "lan"), Person("home:2", "bo")])
    return store


def test_the_operator_account_is_made_once(store: Store) -> None:
    accounts = Accounts(store)
    assert not accounts.has_operator
    accounts.sign_up_operator("correct horse battery")
    assert accounts.check_operator("correct horse battery")
    assert not accounts.check_operator("wrong horse battery")
    with pytest.raises(Problem, match="already"):
        accounts.sign_up_operator("another password")


def test_a_person_signs_in_with_their_own_password_only(store: Store) -> None:
    accounts = Accounts(store)
    accounts.set_password("home:1", "correct horse battery")
    assert accounts.check_password("@lan", "correct horse battery").id == "home:1"
    for handle, password in (("lan", "wrong horse battery"), ("bo", "correct horse battery"), ("nobody", "x" * 12)):
        with pytest.raises(Problem, match="handle and password"):
            accounts.check_password(handle, password)


def test_a_short_password_is_refused(store: Store) -> None:
    with pytest.raises(Problem, match="at least 10"):
        Accounts(store).set_password("home:1", "short")


def test_a_deleted_person_cannot_sign_in(store: Store) -> None:
    accounts = Accounts(store)
    accounts.set_password("home:1", "correct horse battery")
    store.append([Deletion("home:1", "person", 1)])
    with pytest.raises(Problem):
        accounts.check_password("lan", "correct horse battery")
