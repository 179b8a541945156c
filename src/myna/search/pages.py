"""A page of results as a decision: what it was computed from, and computing it. Pure, so that it can be replayed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from myna.i18n import N_
from myna.search.answers import choose
from myna.search.ranking import Candidate, order

Entry = tuple[str, int, float]
"""(post id, seq, score) of a candidate already in order."""


@dataclass(slots=True)
class Window:
    """The candidates that a page is taken from, and what was seen before it.

    rest: in order already, left over by the page before; batches: scored since, each in its own order after the rest;
    seen: seqs shown or passed over on pages before; snapshot: the newest seq when the first page was made.
    """

    text: str
    sort: str
    limit: int
    now: int
    snapshot: int
    weight: float
    phase: str = "strict"
    relaxed: bool = False
    exhausted: bool = True
    near_asked: bool = False
    total: int = 0
    found: int = 0
    rest: list[Entry] = field(default_factory=list)
    batches: list[list[Candidate]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Posts ready to be shown."""
        return len(self.rest) + len(self.candidates)

    @property
    def candidates(self) -> list[Candidate]:
        """All scored for this page."""
        return [candidate for batch in self.batches for candidate in batch]

    def add(self, batch: list[Candidate]) -> None:
        """Adds candidates after those there are; the strict and the relaxed of the first page are ordered as one."""
        if self.relaxed and self.batches and not any(not c.strict for c in self.batches[-1]):
            self.batches[-1] = [*self.batches[-1], *batch]
        else:
            self.batches.append(batch)

    def all_seqs(self) -> list[int]:
        """Every seq there is no need to find again."""
        return [*self.seen, *(seq for _, seq, _ in self.rest), *(c.seq for c in self.candidates)]

    def resume(self, input: Mapping[str, Any], output: Mapping[str, Any]) -> None:
        """Begins where the page of this decision ended."""
        ordered = ordered_entries(input)
        shown = len(output["hits"])
        self.seen = [*input["seen"], *(seq for _, seq, _ in ordered[:shown])]
        self.rest = ordered[shown:]
        self.phase, self.relaxed = input["phase"], input["relaxed"]
        self.exhausted, self.near_asked = input["exhausted"], input["near_asked"]
        self.total = input["total"]

    def to_input(self) -> dict[str, Any]:
        """What is logged: ids and numbers, and the asker's own words."""
        return {
            "text": self.text,
            "sort": self.sort,
            "limit": self.limit,
            "now": self.now,
            "snapshot": self.snapshot,
            "weight": self.weight,
            "phase": self.phase,
            "relaxed": self.relaxed,
            "exhausted": self.exhausted,
            "near_asked": self.near_asked,
            "total": self.total,
            "rest": [list(entry) for entry in self.rest],
            "batches": [
                [[c.id, c.seq, c.at, c.words, c.tie, c.meaning, c.strict] for c in batch] for batch in self.batches
            ],
            "seen": self.seen,
        }


def ordered_entries(input: Mapping[str, Any]) -> list[Entry]:
    """All candidates of a logged page in order."""
    entries: list[Entry] = [(id, seq, score) for id, seq, score in input["rest"]]
    for batch in input["batches"]:
        ordered = order((Candidate(*row) for row in batch), input["sort"], input["weight"])
        entries += [(candidate.id, candidate.seq, score) for candidate, score in ordered]
    return entries


def page_output(input: Mapping[str, Any]) -> dict[str, Any]:
    """The page that these candidates make."""
    shown = ordered_entries(input)[: input["limit"]]
    text = (
        N_("Too few posts hold all the words, so these hold some of them or are near in meaning")
        if input["relaxed"]
        else N_("These posts hold all that was asked for")
    )
    return {
        "hits": [id for id, _, _ in shown],
        "scores": [score for _, _, score in shown],
        "relaxed": input["relaxed"],
        "total": input["total"],
        "reasons": [{"text": text, "values": {}, "evidence": _first(id for id, _, _ in shown)}],
    }


def answer_output(input: Mapping[str, Any]) -> dict[str, Any]:
    """The citations that these spans make, or the closest posts."""
    spans = input["spans"]
    chosen = choose([span[3] for span in spans], input["alike"], input["enough"])
    closest = [] if chosen else _first(row[0] for row in input["candidates"])
    text = N_("Cited word for word from posts") if chosen else N_("No post answers this; these come closest")
    return {
        "citations": [spans[place] for place in chosen],
        "closest": closest,
        "reasons": [{"text": text, "values": {}, "evidence": [spans[place][0] for place in chosen] or closest}],
    }


def _first(ids: Iterable[str]) -> list[str]:
    return list(ids)[:5]
