"""What surrounds a draft: the hour in its author's day, the conversation it answers, and how many will see it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from myna.drafts.morning import local, zone_of
from myna.drafts.signals import read
from myna.gate import Reader, person_actor
from myna.network import ActionKind, EdgeKind, Person, Post, Purpose

_HISTORY = 200
"""Posts from which an author's usual hours are known."""
_ENOUGH = 20
"""Posts needed to know them."""
_NIGHT = frozenset({22, 23, 0, 1, 2, 3, 4, 5})
_HOUR = 3_600_000
_SIBLINGS = 20


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Values of the signals `late`, `heat` and `audience`, and what their reasons tell."""

    values: dict[str, float]
    hour: int
    followers: int
    zone: str
    zone_known: bool


def lateness(hours: npt.NDArray[np.int64], hour: int) -> float:
    """How unusual this hour of the night is for who has posted so often at each hour: (24,) counts -> [0, 1].

    Somebody on night shifts is not late at 3; by day nobody is; of a newcomer nothing is known, so 0.
    """
    total = int(hours.sum())
    if total < _ENOUGH or hour not in _NIGHT:
        return 0.0
    around = (hours[hour - 1] + 2 * hours[hour] + hours[(hour + 1) % 24]) / 4
    return float(np.clip(1 - around * 24 / total / 0.5, 0, 1))


def hours_of(times: Iterable[int], zone_name: str) -> npt.NDArray[np.int64]:
    """How often each local hour occurs among these times: (24,)."""
    zone, _ = zone_of(zone_name)
    return np.bincount([local(at, zone).hour for at in times if at], minlength=24).astype(np.int64)


def heat(parent: Post | None, siblings: Iterable[Post], minded: int, now: int) -> float:
    """How heated a conversation is: insults in it, answers within the hour, readers who minded it -> [0, 1]."""
    before = [post for post in siblings if post.created_at <= now][-_SIBLINGS:]
    said = [post for post in [parent, *before] if post is not None]
    insults = sum(1 for post in said if read(post.text).values.keys() & {"attack", "insult", "threat"})
    quick = sum(1 for post in before if now - post.created_at < _HOUR)
    return min(1.0, insults / 3 + minded / 3 + max(0, quick - 5) / 15)


def audience(followers: int) -> float:
    """0 up to 100 followers, 1 at ten thousand, 2 at a million and more."""
    return float(np.clip(np.log10(1 + followers) / 2 - 1, 0, 2))


def circumstances(reader: Reader, person: Person, reply_to: str, now: int) -> Circumstances:
    """Those of a draft that the person writes now, read as that person."""
    actor = person_actor(person.id)
    zone, known = zone_of(person.timezone)
    written = reader.posts_by(actor, Purpose.READ, person.id, now, _HISTORY)
    hour = local(now, zone).hour
    values = {"late": lateness(hours_of((post.created_at for post in written), person.timezone), hour)}
    if reply_to:
        parent = reader.posts(actor, Purpose.READ, [reply_to]).get(reply_to)
        siblings = reader.replies_to(actor, Purpose.READ, reply_to)
        minded = sum(len(reader.actions_on(reply_to, kind, 10)) for kind in (ActionKind.REPORT, ActionKind.SHOW_LESS))
        values["heat"] = heat(parent, siblings, minded, now)
    followers = person.follower_count
    if followers is None:
        followers = sum(1 for edge in reader.edges_to(person.id) if edge.kind is EdgeKind.FOLLOW)
    values["audience"] = audience(followers)
    rounded = {name: round(value, 4) for name, value in values.items() if value}
    return Circumstances(rounded, hour, followers, person.timezone, known)
