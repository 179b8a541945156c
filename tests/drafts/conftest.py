"""A network with a guard on it; the store on each kind of database where a test asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from myna.decisions import DecisionLog
from myna.drafts import Drafts
from myna.gate import Reader
from myna.network import Person, Records
from myna.network.store import Store

HANOI = Person("home:lan", "lan", timezone="Asia/Ho_Chi_Minh")
BERLIN = Person("home:bo", "bo", timezone="Europe/Berlin")
JUNK = Person("home:ju", "ju", timezone="Mars/Olympus")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store(database_url)
    opened.append([HANOI, BERLIN, JUNK])
    yield opened
    opened.close()


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/small.db")
    opened.append([HANOI, BERLIN, JUNK])
    yield opened
    opened.close()


def open_drafts(store: Store, folder: Path, embed: object = None) -> Drafts:
    return Drafts(folder, Reader(store), DecisionLog(store), Records(store, "drafts"), embed)  # type: ignore[arg-type]


@pytest.fixture
def drafts(store: Store, tmp_path: Path) -> Drafts:
    return open_drafts(store, tmp_path / "drafts")


@pytest.fixture
def make_drafts():  # type: ignore[no-untyped-def]
    return open_drafts
