"""Who asks, and what they are answered."""

from dataclasses import dataclass
from enum import StrEnum

from myna.network import Purpose


class ActorKind(StrEnum):
    """What kind of asker."""

    ANYONE = "anyone"
    PERSON = "person"
    PROGRAM = "program"
    OPERATOR = "operator"
    MYNA = "myna"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person (id = person id), a program with a key (id = key id), the operator, Myna itself, or anyone.

    purposes: what a program's key is scoped to; empty means all that its kind may. on_behalf_of: the person for whom
    a program asks, whose blocks and follows then hold; empty for none. write: whether a program may also act for them.
    """

    kind: ActorKind
    id: str = ""
    purposes: frozenset[Purpose] = frozenset()
    on_behalf_of: str = ""
    write: bool = False

    @property
    def person_id(self) -> str:
        """The person whose eyes the answer is for; empty for none."""
        return self.id if self.kind is ActorKind.PERSON else self.on_behalf_of

    @property
    def answered(self) -> str:
        """Whom an answer is for, as decisions name it: the person, whoever asked for them; else who asks."""
        return self.person_id or str(self)

    def may(self, purpose: Purpose) -> bool:
        """Whether who asks may ask for this purpose at all: a program's key is for those it was made for."""
        return self.kind is not ActorKind.PROGRAM or purpose in self.purposes

    @property
    def may_act(self) -> bool:
        """Whether who asks may change anything: a program only with a key made to write."""
        return self.kind is not ActorKind.PROGRAM or self.write

    def __str__(self) -> str:
        return self.id or str(self.kind)


ANYONE = Actor(ActorKind.ANYONE)
OPERATOR = Actor(ActorKind.OPERATOR)
MYNA = Actor(ActorKind.MYNA)
"""Ourselves: what our own training and index run as. There is no back door."""


def person_actor(person_id: str) -> Actor:
    """The actor for a person."""
    return Actor(ActorKind.PERSON, person_id)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The gate's answer. reason: one rule's name, e.g. `author said no`, `deleted`, `own network`."""

    allow: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as kept: only its hash. expires_at in milliseconds, 0 for never."""

    id: str
    name: str
    hash: str
    purposes: frozenset[Purpose]
    on_behalf_of: str
    created_at: int
    expires_at: int
    operator: bool = False
    write: bool = False
