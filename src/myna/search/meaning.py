"""Whether meaning takes part: measured on this network's own posts, a little at a time, and kept."""

from pathlib import Path

import orjson

from myna.gate import MYNA, Reader
from myna.network import Post, Purpose
from myna.search.follower import Follower
from myna.search.fusion import WEIGHTS, Fusion, Probe, judge, probes
from myna.search.index import write_atomically
from myna.search.pages import Window
from myna.search.ranking import order
from myna.search.retrieval import Retriever


class Meaning:
    """What meaning is worth here, for the embedding in use. `path` keeps it over restarts."""

    def __init__(self, path: Path, follower: Follower, retriever: Retriever, reader: Reader) -> None:
        self._path = path
        self._follower = follower
        self._retriever = retriever
        self._reader = reader
        self._asked: list[Probe] | None = None
        self._places: dict[Probe, dict[float, int | None]] = {}
        self.version = ""
        self.fusion = Fusion("")

    def use(self, version: str, again: bool = False) -> None:
        """Begins with an embedding: with what was measured for it before, unless again."""
        self.version = version
        self.fusion = Fusion("") if again else self._kept()
        self._asked, self._places = None, {}
        self._retriever.weight = self.fusion.weight

    def _kept(self) -> Fusion:
        path, version = self._path, self.version
        if not version or not path.exists():
            return Fusion("")
        try:
            kept = orjson.loads(path.read_bytes())
            if kept["version"] != version:
                return Fusion("")
            return Fusion(version, kept["weight"], kept["queries"], tuple((k, a, b) for k, a, b in kept["ndcg"]))
        except (ValueError, KeyError, TypeError):
            # Measured again as if it had never been.
            return Fusion("")

    def judge(self, most: int | None) -> None:
        """Measures what meaning is worth, some probes at a time; None for all at once."""
        version = self.version
        if not version or self.fusion.version == version or not self._follower.index.is_writer:
            return
        if not self._follower.vectors_complete:
            return
        if self._asked is None:
            self._asked, self._places = self._probes(), {}
        waiting = [probe for probe in self._asked if probe not in self._places]
        for probe in waiting[:most]:
            self._places[probe] = self._probe(probe)
        if most is not None and len(waiting) > most:
            return
        places = self._places
        self.fusion = judge(self._asked, lambda probe, weight: places[probe][weight], version)
        kept = {"version": version, "weight": self.fusion.weight, "queries": self.fusion.queries}
        write_atomically(self._path, orjson.dumps({**kept, "ndcg": self.fusion.ndcg}))
        self._retriever.weight = self.fusion.weight
        if self._follower.vectors is not None:
            self._follower.vectors.remove_others()
        self._asked, self._places = None, {}

    def _probes(self) -> list[Probe]:
        posts: list[Post] = []
        last = self._follower.index.cursor().posts
        # From the whole log: equal strides of it.
        for start in range(0, last, max(1, last // 20)):
            found, _ = self._reader.posts_after(MYNA, Purpose.SEARCH, start, 400)
            posts += [post for post in found if post.seq <= last]
        posts = list({post.id: post for post in posts}.values())
        parents = self._reader.posts(MYNA, Purpose.SEARCH, {post.reply_to for post in posts if post.reply_to})
        return probes(posts, {post.id: parents[post.reply_to] for post in posts if post.reply_to in parents})

    def _probe(self, probe: Probe) -> dict[float, int | None]:
        """weight -> the place of the probe's answer, None where it is not found."""
        request = self._retriever.request(MYNA, Purpose.SEARCH, probe.text)
        request.weight = 1.0
        window = Window(probe.text, "top", 20, request.now, 0, 1.0)
        self._retriever.first(request, window)
        found: dict[float, int | None] = {}
        for weight in WEIGHTS:
            # Without meaning, what only meaning found is not there.
            held = [c for c in window.candidates if c.id != probe.asker and (weight > 0 or c.words > 0)]
            places = (place for place, (c, _) in enumerate(order(held, "top", weight)) if c.id == probe.answer)
            found[weight] = next(places, None)
        return found
