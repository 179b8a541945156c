"""From nothing to a network that can be served: the steps of `myna demo` and of `myna rebuild`.

Each step does nothing twice: what it made is either found by the part itself (facts, checkpoints, index) or marked in
the home folder when it is finished, so a start after a kill anywhere goes on.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from myna.ads.types import Status
from myna.app.myna import Myna
from myna.gate import MYNA
from myna.model.reception import REACTIONS
from myna.network import ActionKind, Problem, Progress, Purpose, Records, now_ms
from myna.settings import Settings

_HOUR = 3_600_000
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Made:
    """What a step made, in words, and how long it took."""

    step: str
    note: str
    seconds: float


Step = Callable[[Progress], Made]


def demo_home(home: Path | None, source: Path | None) -> Path | None:
    """Where a demo lives: as told, else ./myna-home, and ./myna-home-NAME for real posts, kept apart from simulated."""
    if home is not None or source is None:
        return home
    if not source.exists():
        raise Problem(f"There is nothing at {source}. Give a file, folder or archive of posts.", 404)
    name = re.sub(r"[^a-z0-9]+", "-", source.resolve().stem.removesuffix(".tar").lower()).strip("-")
    return Path(f"{Settings().home}-{name}")


def of_ranking(metrics: Mapping[str, Any]) -> str:
    """What the ranking model learned, in words."""
    if not metrics["trained"]:
        return f"too few views to learn from, {metrics['views']:,} of them: {metrics['note']}"
    found = metrics["ndcg@10"]
    return (
        f"learned from {metrics['views']:,} views; nDCG@10 {found['ours']:.3f} on later ones, "
        f"newest first {found['recency']:.3f}"
    )


def of_drafts(metrics: Mapping[str, Any]) -> str:
    """What the draft guard learned, in words."""
    if not metrics["trained"]:
        return "too few posts that readers minded to learn from: the guard goes by its signals alone"
    return (
        f"learned from {metrics['examples']:,.0f} posts, {metrics['minded']:,.0f} of them minded; "
        f"AUC {metrics['auc']:.2f} on others"
    )


def of_reception(metrics: Mapping[str, Any]) -> str:
    """What training the forecast of reactions came to, in words."""
    if not metrics["trained"]:
        return f"{metrics['posts']:,} posts with reactions; no forecast is better than the author's mean"
    mean = "author's mean"
    measured = ", ".join(
        f"{kind} {metrics[kind]['ours']:.2f} (author's mean {metrics[kind][mean]:.2f})"
        for kind in REACTIONS
        if kind in metrics
    )
    return f"learned from {metrics['posts']:,} posts; rank correlation on unseen ones: {measured}"


class Maker:
    """Makes one network."""

    def __init__(self, myna: Myna, source: Path | None, people: int, posts: int, seed: int, minutes: float) -> None:
        self.myna = myna
        self.source = source
        self.people, self.posts, self.seed, self.minutes = people, posts, seed, minutes
        self._records = Records(myna.store, "made")

    def steps(self) -> Iterator[tuple[str, Step]]:
        """All steps in order, each with its title."""
        self._check_origin()
        yield ("Importing posts", self.bring) if self.source else ("Simulating a network", self.simulate)
        yield from self.derived()
        if not self.source:
            yield "Making three campaigns", self.advertise

    def derived(self, anew: bool = False) -> Iterator[tuple[str, Step]]:
        """The steps that make derived state from the logs. anew: from nothing, though something may stand there."""
        self._anew = anew
        yield "Training the language model", self.learn_language
        yield "Learning interests", self.learn_interests
        yield "Building the index", self.build_index
        yield "Training the ranking model", self.learn_ranking
        yield "Training the draft guard", self.learn_drafts
        yield "Training the forecast of reactions", self.learn_reception
        if anew:
            yield "Adding up the auctions", self.add_up_auctions

    def done(self, step: Step) -> bool:
        """Whether a step was finished before."""
        return self._records.get(step.__name__) is not None

    def finish(self, step: Step, made: Made) -> None:
        """Marks a step as finished."""
        self._records.put(step.__name__, {"note": made.note, "seconds": made.seconds, "at": now_ms()})

    def _check_origin(self) -> None:
        """A home holds one network: simulated and real people are not mixed unasked."""
        origin = {"from": str(self.source.resolve()) if self.source else "", "people": self.people, "posts": self.posts}
        origin["seed"] = self.seed
        if self.source and not self.source.exists():
            raise Problem(f"There is nothing at {self.source}. Give a file, folder or archive of posts.", 404)
        held = self._records.get("origin")
        if held is None:
            if self.myna.store.counts().posts:
                raise Problem(
                    f"{self.myna.settings.home} holds a network that was not made by `myna demo`. Serve it with "
                    "`myna serve`, or make the demo elsewhere: --home OTHER."
                )
            # The end of the simulated month is fixed here, so that a start after a kill simulates the same network.
            self._records.put("origin", {**origin, "end": now_ms() // _HOUR * _HOUR})
        elif held["from"] != origin["from"]:
            was = held["from"] or "a simulated network"
            raise Problem(f"{self.myna.settings.home} holds {was}. Make this one elsewhere: --home OTHER (MYNA_HOME).")

    def _made(self, step: Step, begun: float, note: str) -> Made:
        return Made(step.__name__, note, round(time.monotonic() - begun, 1))

    def simulate(self, progress: Progress) -> Made:
        """A simulated network, into the log."""
        from myna.world import generate

        begun = time.monotonic()
        origin = self._records.get("origin") or {}
        world = generate(origin["people"], origin["posts"], origin["seed"], end=origin["end"])
        new = 0
        written = 0
        total = sum(world.counts().values())
        for batch in world.batches():
            new += self.myna.store.append(batch).new
            written += len(batch)
            progress(written, total)
        counts = self.myna.store.counts()
        note = f"{counts.people:,} people, {counts.posts:,} posts and {counts.actions:,} actions, all simulated"
        return self._made(self.simulate, begun, note)

    def bring(self, progress: Progress) -> Made:
        """Real posts, into the log, with the operator's yes to train on them."""
        from myna.sources import bring

        begun = time.monotonic()
        assert self.source is not None
        brought = bring(self.myna.store, self.source, progress=progress, allow=(Purpose.TRAIN,))
        found = brought.to_dict()
        self.myna.log.write("import", "operator", "", {"path": self.source.name}, found)
        counts = self.myna.store.counts()
        problems = " ".join(brought.problems)
        if not counts.posts:
            raise Problem(f"{self.source} holds no posts that could be kept. {problems}".strip())
        skipped = sum(sum(file["skipped"].values()) for file in found["files"])
        note = (
            f"{counts.people:,} people and {counts.posts:,} posts from {self.source.name}; {skipped:,} records left out"
        ) + (" (`myna import` again shows why)" if skipped else "")
        return self._made(self.bring, begun, note + (f". {problems}" if problems else ""))

    def learn_language(self, progress: Progress) -> Made:
        """The network's own language model."""
        begun = time.monotonic()
        if not self._anew or not self.myna.language.ready:
            self.myna.language.train(self.minutes, progress)
        bits = [point["bits_per_byte"] for point in self.myna.language.curve() if point.get("bits_per_byte")]
        note = f"model {self.myna.language.version}" + (
            f", {bits[-1]:.3f} bits per byte on unseen posts" if bits else ""
        )
        return self._made(self.learn_language, begun, note)

    def learn_interests(self, progress: Progress) -> Made:
        """Topics and interests."""
        begun = time.monotonic()
        self.myna.interests.rebuild(progress)
        return self._made(self.learn_interests, begun, f"{len(self.myna.interests.topics()):,} topics")

    def build_index(self, progress: Progress) -> Made:
        """The search index, words and vectors."""
        begun = time.monotonic()
        if self._anew:
            self.myna.search.rebuild(progress)
        else:
            self.myna.search.follow(progress)
        found = self.myna.search.check()
        return self._made(self.build_index, begun, f"{found.get('indexed', 0):,} posts findable")

    def learn_ranking(self, progress: Progress) -> Made:
        """The model that ranks feeds."""
        begun = time.monotonic()
        if self._anew:
            self.myna.feeds.rebuild(progress)
        metrics = self.myna.feeds.train(progress)
        return self._made(self.learn_ranking, begun, of_ranking(metrics))

    def learn_drafts(self, progress: Progress) -> Made:
        """The classifier of the draft guard."""
        begun = time.monotonic()
        metrics = self.myna.drafts.train(progress)
        return self._made(self.learn_drafts, begun, of_drafts(metrics))

    def learn_reception(self, progress: Progress) -> Made:
        """The forecast of how a draft would be received."""
        begun = time.monotonic()
        metrics = self.myna.reception.train(progress)
        return self._made(self.learn_reception, begun, of_reception(metrics))

    def add_up_auctions(self, progress: Progress) -> Made:
        """Spending, reach and frequency of ads, from the decisions."""
        begun = time.monotonic()
        read = self.myna.ads.rebuild(progress)
        return self._made(self.add_up_auctions, begun, f"{read:,} decisions read")

    def advertise(self, progress: Progress) -> Made:
        """Three simulated campaigns, so that the demo shows ads and their reports."""
        begun = time.monotonic()
        now = now_ms()
        topics = self.myna.interests.topics()
        people = self.myna.people(limit=400)
        made = 0
        for person in people:
            posts = [
                post
                for post in self.myna.reader.posts_by(MYNA, Purpose.ADS, person.id)
                if not (post.reply_to or post.repost_of) and self.myna.reader.actions_on(post.id, ActionKind.LIKE, 5)
            ]
            if person.bot or not posts:
                continue
            campaign = self.myna.create_campaign(
                owner_id=person.id,
                payer=f"{person.name or person.handle} (simulated)",
                name=f"Simulated campaign {made + 1}",
                post_id=posts[0].id,
                url="",
                bid=(made + 2) * 100_000,
                budget=200_000_000,
                day_budget=20_000_000,
                starts_at=now,
                ends_at=now + 30 * _DAY,
                interests=tuple(topics[made : made + 1]) if made else (),
            )
            self.myna.set_campaign_status(campaign.id, Status.ACTIVE)
            made += 1
            progress(made, 3)
            if made == 3:
                break
        until = datetime.fromtimestamp(now / 1000 + 30 * 86_400, UTC).date()
        return self._made(self.advertise, begun, f"{made} simulated campaigns, until {until}")
