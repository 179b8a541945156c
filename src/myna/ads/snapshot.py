"""The ledger on disk, so that opening the part reads only what the log got since. Derived; may be deleted any time."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from myna.ads.ledger import Account, Day, Ledger, Seen
from myna.ads.prediction import Clicks

FORMAT = 1
_NUMBERS = ("spent", "impressions", "clicks", "ghosts", "expected", "first_shown", "last_shown")


def save(path: Path, ledger: Ledger, marks: Mapping[str, Any]) -> None:
    """Writes the ledger and the marks (where in the logs it stands), atomically."""
    body = {
        "format": FORMAT,
        "marks": marks,
        "accounts": {id: _account(account) for id, account in ledger.accounts.items()},
        "seen": {
            person: {id: [s.day, s.times, s.last] for id, s in seen.items()} for person, seen in ledger.seen.items()
        },
        "clicks": [
            ledger.clicks.impressions,
            ledger.clicks.clicks,
            ledger.clicks.expected,
            ledger.clicks.observed,
        ],
        "clicked": ledger.clicked,
        "last_click": ledger.last_click,
        "known_clicks": sorted(ledger.known_clicks),
        "traffic": [[day, hours.tolist()] for day, hours in ledger.traffic.items()],
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(orjson.dumps(body))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path) -> tuple[Ledger, dict[str, Any]] | None:
    """The ledger and its marks; None where there is none of this format."""
    try:
        body = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    if body.get("format") != FORMAT:
        return None
    ledger = Ledger()
    ledger.accounts = {id: _from(kept) for id, kept in body["accounts"].items()}
    ledger.seen = {person: {id: Seen(*values) for id, values in seen.items()} for person, seen in body["seen"].items()}
    ledger.clicks = Clicks(*body["clicks"])
    ledger.clicked = body["clicked"]
    ledger.last_click = body["last_click"]
    ledger.known_clicks = set(body["known_clicks"])
    ledger.traffic = {day: np.array(hours, np.int64) for day, hours in body["traffic"]}
    return ledger, body["marks"]


def _account(account: Account) -> dict[str, Any]:
    return {
        "numbers": [getattr(account, name) for name in _NUMBERS],
        "days": [[day, d.impressions, d.clicks, d.spend] for day, d in account.days.items()],
        "charges": account.charges,
        "filtered": account.filtered,
        "reserved": account.reserved,
        "exposed": account.exposed,
    }


def _from(kept: dict[str, Any]) -> Account:
    account = Account(
        **dict(zip(_NUMBERS, kept["numbers"], strict=True)),
        days={day: Day(*figures) for day, *figures in kept["days"]},
        charges=[(at, amount) for at, amount in kept["charges"]],
        filtered=Counter(kept["filtered"]),
        exposed={person: (at, ghost) for person, (at, ghost) in kept["exposed"].items()},
    )
    for auction, (at, amount) in kept["reserved"].items():
        account.reserve(auction, at, amount)
    return account
