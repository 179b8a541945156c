"""About how many people an audience has: told so that nobody can be found out by asking.

A threshold alone protects nobody: asking with and without one person shows whether they belong. So the count gets
Laplace noise of scale 1 / EPSILON, the answer is kept and given again to whoever asks the same in the same month
(asking again averages nothing out), is rounded to tens, and is 0 where it is less than FLOOR. What one month's answer
to one question tells about any one person is bounded: EPSILON-differential privacy (Dwork, McSherry, Nissim, Smith
2006). Different questions add up, so an advertiser has a number of them a month.
"""

import json
import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from myna.ads.audience import InterestsOf, base
from myna.ads.types import Reach
from myna.gate import Reader
from myna.network import Problem, now_ms

EPSILON = 0.1
FLOOR = 50
QUESTIONS = 100
"""Different questions an advertiser may ask in a month."""


class Reaches:
    """The answers given, kept in reach.json."""

    def __init__(self, directory: Path, reader: Reader, interests: InterestsOf) -> None:
        self._path = directory / "reach.json"
        self._reader = reader
        self._interests = interests

    def estimate(self, owner_id: str, interests: Iterable[str], langs: Iterable[str]) -> Reach:
        """About how many people have one of these interests (all: none given) and read one of these languages.

        Words do not enter: they choose posts, not people. Raises Problem (429) when the month's questions are used up.
        """
        topics = tuple(sorted({" ".join(topic.casefold().split()) for topic in interests}))
        spoken = tuple(sorted({base(lang) for lang in langs}))
        month = datetime.fromtimestamp(now_ms() / 1000, UTC).strftime("%Y-%m")
        question = json.dumps([topics, spoken])
        kept = self._kept(month)
        asked = kept["asked"].setdefault(owner_id, [])
        if question not in asked:
            if len(asked) >= QUESTIONS:
                raise Problem(f"An advertiser may ask about {QUESTIONS} audiences a month; ask again next month.", 429)
            asked.append(question)
        if question not in kept["answers"]:
            noisy = self._count(topics, spoken) + _laplace(1 / EPSILON)
            kept["answers"][question] = round(noisy / 10) * 10 if noisy >= FLOOR else 0
        self._keep(kept)
        return Reach(kept["answers"][question], FLOOR)

    def _count(self, topics: tuple[str, ...], langs: tuple[str, ...]) -> int:
        count = seq = 0
        while people := self._reader.people_after(seq):
            seq = people[-1].seq
            for person in people:
                speaks = not langs or base(person.lang) in langs
                if speaks and not person.bot and (not topics or self._interests(person.id, topics)):
                    count += 1
        return count

    def _kept(self, month: str) -> dict[str, Any]:
        if self._path.exists():
            kept: dict[str, Any] = json.loads(self._path.read_text())
            if kept["month"] == month:
                return kept
        return {"month": month, "answers": {}, "asked": {}}

    def _keep(self, kept: dict[str, Any]) -> None:
        temporary = self._path.with_name(f".reach.json.{os.getpid()}")
        with temporary.open("w") as file:
            json.dump(kept, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)


def _laplace(scale: float) -> float:
    """Noise nobody can foretell: from the system's randomness, so that no seed can be guessed."""
    generator = np.random.default_rng(secrets.randbits(128))
    return float(generator.laplace(0.0, scale))
