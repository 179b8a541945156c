"""What interruptions cost: mean time between them, how often to save, and the share of time that is not lost.

Young 1974 and Daly 2006: saving every sqrt(2 · save · MTTI) costs least. Rates are knobs, for they differ tenfold
between clusters: 3.79 a thousand node-days at Llama 3's (arXiv 2407.21783: 419 in 54 days on 16,384 H100), 6.5 and 2.3
at Meta's research clusters (arXiv 2410.21680), and far more on 100,000 (arXiv 2602.00277).
"""

import math

from myna.cluster.types import Failures

RATE = 3.79
"""Interruptions of a thousand node-days, where nothing else is known."""
NODE = 8
"""Devices of a node."""
RESTART = 600.0
"""Seconds from an interruption to the next step: seen, replaced, loaded."""
STORAGE = 2e12
"""Bytes a second that the storage takes at most, as at Llama 3's."""
NODE_STORAGE = 2e9
"""Bytes a second that one node writes."""


def failures(
    gpus: int,
    checkpoint: float,
    seconds: float,
    rate: float = RATE,
    restart: float = RESTART,
    save: float | None = None,
) -> Failures:
    """What they cost a run of so many productive seconds. checkpoint: its bytes, whence `save` if not given."""
    nodes = math.ceil(gpus / NODE)
    if save is None:
        save = checkpoint / min(STORAGE, nodes * NODE_STORAGE)
    mtti = 1000 / (rate * nodes) * 86400 if rate else math.inf
    every = max(math.sqrt(2 * save * mtti), save) if rate else math.inf
    # Of each stretch between saves: the save, and of each interruption half a stretch and the restart.
    waste = save / every + (every / 2 + restart) / mtti if rate else 0.0
    goodput = 1 / (1 + waste)
    return Failures(mtti, save, restart, every, goodput, seconds / goodput / mtti if rate else 0.0)
