"""Who may read, search, answer from, train on or export which post: one function asked by everything.

    reader = Reader(store)
    reader.decide(actor, Purpose.TRAIN, post)        # -> Ruling(allow, reason)
    reader.posts(person_actor("home:1"), Purpose.READ, ids)

`Policy` holds the rules, `Reader` is how every part reads posts, `Keys` are the programs' API keys.
"""

from myna.gate.keys import Keys
from myna.gate.policy import OWN_SOURCES, Policy, Scope, is_own, relations
from myna.gate.reader import Reader
from myna.gate.types import ANYONE, MYNA, OPERATOR, Actor, ActorKind, Key, Ruling, person_actor

__all__ = [
    "ANYONE",
    "MYNA",
    "OPERATOR",
    "OWN_SOURCES",
    "Actor",
    "ActorKind",
    "Key",
    "Keys",
    "Policy",
    "Reader",
    "Ruling",
    "Scope",
    "is_own",
    "person_actor",
    "relations",
]
