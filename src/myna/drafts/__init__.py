"""Drafts: how likely a text is to be regretted, why, and texts that wait for a calmer morning.

    drafts = Drafts(home / "drafts", reader, log, Records(store, "drafts"), language.embed)
    risk = drafts.check("home:1", "You IDIOT, call me at +1 555 010 9999!!!")
    risk.probability, [reason.text for reason in risk.reasons], risk.spans, risk.hold
    draft = drafts.hold("home:1", text)          # until nine in the morning in the author's zone
    drafts.take("home:1", draft.id)              # back, to be posted now; it never posts itself

A draft waits only where its author set the guard to `hold`, and can be posted at once all the same.
"""

from myna.drafts.drafts import Drafts
from myna.drafts.learning import labelled, train
from myna.drafts.morning import next_morning, zone_of
from myna.drafts.signals import read
from myna.drafts.types import Draft, Guard, Risk

__all__ = ["Draft", "Drafts", "Guard", "Risk", "labelled", "next_morning", "read", "train", "zone_of"]
