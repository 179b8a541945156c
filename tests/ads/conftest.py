"""A small network with ads, for the tests of this part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from myna.ads import Ads, Campaign, Status
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.network import Person, Post, Records, now_ms
from myna.network.store import Store
from myna.people.types import Interest

DAY = 86_400_000


@dataclass
class Net:
    """People home:p0…, each with one post home:q0…; p with an even number is interested in tea."""

    directory: Path
    store: Store
    reader: Reader
    log: DecisionLog
    interested: dict[str, set[str]] = field(default_factory=dict)
    ads: Ads = field(init=False)

    def __post_init__(self) -> None:
        self.ads = self.open()

    def open(self) -> Ads:
        """The part, opened (again)."""
        return Ads(
            self.directory / "ads",
            self.reader,
            self.log,
            Records(self.store, "campaign"),
            self.interests,
            "http://links.test",
            "http://pages.test",
        )

    def interests(self, person_id: str, topics: Sequence[str]) -> list[Interest]:
        """The interests planted."""
        found = self.interested.get(person_id, set()) & set(topics)
        return [Interest(f"i-{topic}", topic, 0.5, ("home:q1",)) for topic in sorted(found)]

    def campaign(self, number: int = 0, start: bool = True, **fields: Any) -> Campaign:
        """A campaign by person `number` for their post, running."""
        given: dict[str, Any] = {
            "owner_id": f"home:p{number}",
            "payer": "Tea & Co",
            "name": f"Campaign {number}",
            "post_id": f"home:q{number}",
            "bid": 100_000,
            "budget": 50_000_000,
            "starts_at": 0,
            "ends_at": now_ms() + 5 * DAY,
            "holdout": 0.0,
        }
        campaign = self.ads.create(**(given | fields))
        return self.ads.set_status(campaign.id, Status.ACTIVE) if start else campaign

    def post(self, text: str, lang: str = "en", number: int = 900) -> Post:
        """A post to stand near an ad (in no store)."""
        return Post(f"home:near{number}", "home:p99", now_ms(), text, lang)


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    store = Store(f"sqlite:///{tmp_path}/myna.db")
    then = now_ms() - DAY
    store.append([Person(f"home:p{n}", f"p{n}", f"Person {n}", lang="en") for n in range(100)])
    store.append([Post(f"home:q{n}", f"home:p{n}", then, f"post number {n}", "en") for n in range(100)])
    yield Net(tmp_path, store, Reader(store), DecisionLog(store))
    store.close()
