"""A simulated network: people who follow, write, answer, like and regret, with a truth that can be asked.

    from myna.world import generate

    world = generate(people=1000, posts=40_000, seed=1)
    for batch in world.batches():                       # people, edges, posts, actions, deletions
        store.append(batch)
    world.write(Path("world"))                          # the same in the neutral format, Parquet
    world.truth.probability("world:p7", "world:42", "like")

Everything in it is invented; whatever shows it says so. It imports `myna.network` and nothing else of Myna.
"""

from myna.world.truth import Truth
from myna.world.types import END, Cause, Question, Why
from myna.world.world import World, generate

__all__ = ["END", "Cause", "Question", "Truth", "Why", "World", "generate"]
