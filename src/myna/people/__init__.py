"""What Myna understands of a person: interests with their evidence, open to that person's edits.

    interests = Interests(home / "people", reader, Records(store, "interests"), embed, version)
    interests.follow()                       # catches up with the log
    interests.of("home:1")                   # -> [Interest(id, topic, weight, evidence)], the strongest first
    interests.hide("home:1", "t1f0c9a2b")    # "not me": used for nothing from now on

Topics are learnt from the network's own words, without a model; `docs/people.md` says how. `Activity` is the state
in memory that interests and feeds are computed from.
"""

from myna.people.activity import Activity, Event
from myna.people.interests import Interests
from myna.people.types import Interest, Reason

__all__ = ["Activity", "Event", "Interest", "Interests", "Reason"]
