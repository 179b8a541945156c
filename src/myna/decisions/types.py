"""What Myna did, and why."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `output` is what was answered, `input` all that it was computed from: ids and numbers, no text
    of posts, so that a deletion leaves nothing behind here. `actor` is who it was for; `input` does not repeat it.

    kind: feed, search, answer, generate, auction, access, draft, train, consent, import … model: the versions it used.
    output["reasons"], where present, is a list of {"text", "values", "evidence"} that `why` shows.
    """

    id: str
    at: int
    kind: str
    actor: str
    purpose: str
    model: str
    input: dict[str, Any]
    output: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replay:
    """A decision computed again from its logged input: the bytes logged, the bytes now, and whether they are equal."""

    id: str
    logged: bytes
    again: bytes

    @property
    def same(self) -> bool:
        """Whether the same bytes came out."""
        return self.logged == self.again
