"""Random numbers by name: each use has its own counter-based stream, so no use disturbs another.

Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), keyed by a hash of the seed and the
names; nothing depends on the process, on hashing of objects or on the order in which parts run.
"""

from hashlib import blake2b

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of this seed and these names."""
    key = blake2b("|".join(map(str, (seed, *names))).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
