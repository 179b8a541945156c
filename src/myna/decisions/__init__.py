"""The decision log: what Myna did. Every answer carries its decision's id.

log.write("feed", actor, "recommend", input, output, model) -> id
log.why(id)      # the reasons
log.replay(id)   # the same bytes, computed again
"""

from myna.decisions.log import DecisionLog, Replayer, canonical, new_id
from myna.decisions.types import Decision, Replay

__all__ = ["Decision", "DecisionLog", "Replay", "Replayer", "canonical", "new_id"]
