"""The parts, put together.

myna = Myna(Settings(home="myna-home"))
myna.feed("world:p1")
myna.search_posts(person_actor("world:p1"), "bridge from:lan")
"""

from myna.app.myna import Myna
from myna.app.types import Check, Overview, Standing, Thread

__all__ = ["Check", "Myna", "Overview", "Standing", "Thread"]
