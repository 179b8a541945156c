"""The feeds: a request in, a page with its reasons out, and the decision written."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from myna.decisions import DecisionLog, new_id
from myna.feed.asking import ask
from myna.feed.candidates import Candidates, Query
from myna.feed.chronology import timeline
from myna.feed.decision import FILTERED, decide, probabilities, ranked, replayer, why_not
from myna.feed.facts import chronological, facts
from myna.feed.pipeline import CHRONOLOGICAL, FOR_YOU, Dropped, collect, limited, sift
from myna.feed.ranking.features import features
from myna.feed.ranking.model import Model, load, save
from myna.feed.ranking.prior import prior
from myna.feed.reasons import as_shown
from myna.feed.scorers.show_less import unwanted
from myna.feed.scorers.weighted_sum import WEIGHTS
from myna.feed.slate import Slate, to_log
from myna.feed.types import AdSlot, Feed, Item, Mode, Request, WhyNot
from myna.gate import MYNA, Reader, person_actor
from myna.i18n import N_
from myna.network import Post, Problem, Progress, Purpose, now_ms, quiet
from myna.people import Interests
from myna.people.columns import Array
from myna.people.space import Embed
from myna.people.taste import evidence

Fill = Callable[[str, Sequence[Post]], AdSlot | None]
"""Asked for an ad: for whom, and the posts that stand before its place."""

_FIRST_AD, _AD_EVERY = 3, 6
_KEPT_OF_A_FILTER = 100
"""Ids of dropped posts kept in a decision, of each filter; the count is kept of all."""
_MOST = 100


class Feeds:
    """Everybody's feed. Safe for many threads; one person's page waits for another's only while it is computed."""

    def __init__(
        self,
        directory: Path,
        reader: Reader,
        log: DecisionLog,
        interests: Interests,
        embed: Embed | None = None,
        embed_version: str = "",
    ) -> None:
        self.directory = directory
        self._reader = reader
        self._log = log
        self.interests = interests
        if embed is not None:
            interests.set_embed(embed, embed_version)
        self._model: Model | None = load(directory)
        self._prior: tuple[int, Model] | None = None
        log.replays("feed", replayer)

    # -- keeping up ------------------------------------------------------------------------------------------------

    def follow(self, progress: Progress = quiet) -> int:
        """Catches up with the log; returns how many facts were new."""
        return self.interests.follow(progress)

    def rebuild(self, progress: Progress = quiet) -> None:
        """Forgets what was derived here. The state is the interests', whose own rebuild makes it anew; the trained
        model stays until `train` makes another."""
        self._prior = None
        self.follow(progress)

    def set_embed(self, embed: Embed | None, version: str) -> None:
        """Hands in another language model's embeddings; they take part from the next rebuild on."""
        self.interests.set_embed(embed, version)

    @property
    def model(self) -> Model:
        """The ranking model in use: the trained one, or the documented prior where none could be trained yet."""
        if self._model is not None:
            return self._model
        posts = len(self.interests.activity.posts)
        if self._prior is None or posts > 2 * self._prior[0]:
            self._prior = (posts, prior(self.interests.activity))
        return self._prior[1]

    def train(self, progress: Progress = quiet) -> dict[str, Any]:
        """Trains the ranking model on the logged views and what followed them; returns its metrics.

        With too few views to learn from, the prior stays and the metrics say so.
        """
        from myna.feed.ranking.training import train

        self.follow()
        with self.interests.following.lock:
            past = self.interests.activity.shadow()
            topics = self.interests.known
        model, metrics = train(past, topics, progress)
        if model is not None:
            save(self.directory, model)
            self._model = model
        version = self.model.version
        self._log.write("train", "", "", {"part": "feed"}, {"model": version, "metrics": metrics}, version)
        return {"version": version, **metrics}

    def check(self) -> dict[str, object]:
        """How the state stands: posts held, events, topics, how far behind the log it is, and the model."""
        following = self.interests.following
        with following.lock:
            activity = self.interests.activity
            last, at = self._reader.last_seq(), following.cursors
            return {
                "posts": int(np.count_nonzero(activity.posts["held"])),
                "recommendable": int(np.count_nonzero(activity.posts["alive"])),
                "people": len(activity.people_ids),
                "events": len(activity.events),
                "topics": len(self.interests.known),
                "behind": {name: last[name] - at.get(name, 0) for name in last if last[name] > at.get(name, 0)},
                "model": self.model.version,
                "trained": self._model is not None,
                "metrics": self.model.metrics,
            }

    # -- answering -------------------------------------------------------------------------------------------------

    def next_page(self, request: Request, cursor: str) -> Request:
        """The request for the page after the one that gave this cursor. Raises Problem for a cursor of another feed."""
        decision = self._log.get(cursor)
        if decision.kind != "feed" or decision.actor != request.person_id or decision.input["mode"] != request.mode:
            raise Problem(f"The cursor {cursor!r} is not of this feed; start again without one.", 422)
        shown = {*decision.input["shown"], *(item["post"] for item in decision.output["items"])}
        return replace(request, shown=frozenset(shown), before=decision.input["before"])

    def feed(self, request: Request, fill: Fill | None = None) -> Feed:
        """A page of a feed, and its decision written. fill: asked for ads, in FOR_YOU only."""
        if not 1 <= request.limit <= _MOST:
            raise Problem(f"A page holds from 1 to {_MOST} posts; {request.limit} were asked for.", 422)
        self.interests.following.follow_quickly()
        with self.interests.following.lock:
            query = self._ask(request)
            make = self._for_you if request.mode is Mode.FOR_YOU else self._chronological
            input, posts, more = make(query)
        model = self.model.version if request.mode is Mode.FOR_YOU else ""
        chosen = [item["post"] for item in decide(input, model)["items"]]
        slots = self._ads(request, [posts[id] for id in chosen], fill)
        input["ads"] = [{"after": after, "post": slot.post_id, "decision": slot.decision} for after, slot, _ in slots]
        output = decide(input, model)
        decision = new_id("d", now_ms())
        self._log.write("feed", request.person_id, Purpose.RECOMMEND, input, output, model, id=decision)
        items = self._items(input, output, posts)
        for after, slot, post in reversed(slots):
            items.insert(after, Item(post, 0.0, slot.reasons, {}, slot))
        return Feed(request.person_id, request.mode, tuple(items), decision, decision if more and chosen else "")

    def why_not(self, decision_id: str, post_id: str) -> WhyNot:
        """Why a post did not stand on a page. What the decision did not keep is asked of today's state."""
        decision = self._log.get(decision_id)
        found = why_not(decision, post_id)
        if found is not None:
            return found
        request = Request(decision.actor, now_ms(), mode=Mode(decision.input["mode"]))
        with self.interests.following.lock:
            activity = self.interests.activity
            row = activity.post_ids.row(post_id)
            if row < 0 or not activity.posts["held"][row]:
                return WhyNot(post_id, "deleted", N_("It was deleted, or is not held here."))
            query = self._ask(request)
            none = np.zeros((1, len(FOR_YOU.sources)), np.float32)
            candidates = Candidates(np.array([row]), none, np.array([-1]))
            stages = FOR_YOU.filters if request.mode is Mode.FOR_YOU else CHRONOLOGICAL
            candidates, _, dropped = self._permitted(query, *sift(query, candidates, stages))
        for name in dropped:
            return WhyNot(post_id, name, FILTERED[name])
        return WhyNot(post_id, "not found", N_("None of the sources found it among its best."))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _ask(self, request: Request) -> Query:
        activity, known = self.interests.activity, self.interests.known
        if request.mode is not Mode.FOR_YOU or not request.person_id:
            return ask(request, activity, known, evidence(activity, -1, request.now))
        hidden = self.interests.hidden(request.person_id)
        found = self.interests.evidence(request.person_id, activity.tick(request.now), hidden)
        return ask(request, activity, known, found, hidden)

    def _permitted(
        self, query: Query, candidates: Candidates, dropped: Dropped
    ) -> tuple[Candidates, dict[str, Post], Dropped]:
        """Asks the gate about every candidate; what it refuses is dropped by NotPermitted."""
        ids = query.activity.post_ids.ids
        # Whom one follows one reads; whom Myna puts before one, it recommends.
        purpose = Purpose.READ if query.request.mode is Mode.FOLLOWING else Purpose.RECOMMEND
        posts = self._reader.posts(query.actor, purpose, [ids[row] for row in candidates.rows.tolist()])
        asked = replace(candidates, posts=posts)
        kept, refused = sift(query, asked, (FOR_YOU.permission,))
        return kept, posts, dropped | refused

    def _for_you(self, query: Query) -> tuple[dict[str, Any], dict[str, Post], bool]:
        candidates, dropped = sift(query, collect(query), FOR_YOU.filters)
        candidates, posts, dropped = self._permitted(query, limited(candidates), dropped)
        model = self.model
        rows, activity = candidates.rows, query.activity
        authors = activity.posts["author"][rows]
        follows = np.fromiter(query.follows, np.int64, len(query.follows))
        slate = Slate(
            tuple(activity.post_ids.ids[row] for row in rows.tolist()),
            np.unique(authors, return_inverse=True)[1] if len(rows) else np.zeros(0, np.int64),
            np.isin(authors, follows) | (candidates.via >= 0),
            unwanted(query, rows),
            model.probabilities(features(query, rows, candidates.via)),
        )
        input = self._input(query, dropped) | {"weights": WEIGHTS, "slate": to_log(slate), "before": 0}
        order = FOR_YOU.selector.select(ranked(input), query.request.limit)
        input["facts"] = facts(query, candidates.take(order), model, WEIGHTS)
        return input, posts, len(slate) > query.request.limit

    def _chronological(self, query: Query) -> tuple[dict[str, Any], dict[str, Post], bool]:
        found, at = timeline(query)
        keep = np.ones(len(found), bool)
        dropped: Dropped = {}
        for stage in CHRONOLOGICAL:
            passed = stage.keep(query, found)
            if (out := keep & ~passed).any():
                dropped[stage.name] = found.rows[out]
            keep &= passed
        found, at = found.take(keep), at[keep]
        limit = query.request.limit
        posts: dict[str, Post] = {}
        chosen: list[int] = []
        # The gate may refuse some: ask about a page at a time until the page is full.
        for start in range(0, len(found), limit):
            part = found.take(np.arange(start, min(start + limit, len(found))))
            _, permitted, refused = self._permitted(query, part, {})
            posts |= permitted
            for name, rows in refused.items():
                dropped[name] = np.concatenate([dropped.get(name, rows[:0]), rows])
            ids = query.activity.post_ids.ids
            chosen += [start + i for i, row in enumerate(part.rows.tolist()) if ids[row] in permitted]
            if len(chosen) >= limit:
                break
        page = np.array(chosen[:limit], np.int64)
        kept = found.take(page)
        input = self._input(query, dropped) | {
            "chosen": [query.activity.post_ids.ids[row] for row in kept.rows.tolist()],
            "facts": chronological(query, kept),
            "before": int(at[page[-1]]) if len(page) else 0,
        }
        return input, posts, bool(len(page) == limit and page[-1] < len(found) - 1)

    @staticmethod
    def _input(query: Query, dropped: Dropped) -> dict[str, Any]:
        ids = query.activity.post_ids.ids
        return {
            "mode": str(query.request.mode),
            "limit": query.request.limit,
            "now": query.request.now,
            "clock": query.now,
            "shown": sorted(query.request.shown),
            "dropped": {name: _kept(ids, rows) for name, rows in dropped.items()},
            "ads": [],
        }

    def _ads(self, request: Request, page: list[Post], fill: Fill | None) -> list[tuple[int, AdSlot, Post]]:
        """The ads of a page: after how many posts each stands. None in the modes that use no profile."""
        if fill is None or request.mode is not Mode.FOR_YOU:
            return []
        actor = person_actor(request.person_id) if request.person_id else MYNA
        edges = self._reader.edges_of(request.person_id) if request.person_id else []
        refused = {edge.other_id for edge in edges if edge.kind != "follow"}
        slots: list[tuple[int, AdSlot, Post]] = []
        for after in range(_FIRST_AD, len(page) + 1, _AD_EVERY):
            slot = fill(request.person_id, page[max(after - _AD_EVERY, 0) : after])
            if slot is None:
                continue
            post = self._reader.posts(actor, Purpose.ADS, [slot.post_id]).get(slot.post_id)
            if post is not None and post.author_id not in refused:
                slots.append((after, slot, post))
        return slots

    def _items(self, input: dict[str, Any], output: dict[str, Any], posts: dict[str, Post]) -> list[Item]:
        shown = [item["post"] for item in output["items"]]
        named = {
            value
            for item in output["items"]
            for reason in item["reasons"]
            for name, value in reason["values"].items()
            if name in ("author", "reposter")
        }
        handles = {id: f"@{person.handle}" for id, person in self._reader.people(named).items()}
        likely = probabilities(input, shown) if input["mode"] == Mode.FOR_YOU else {}
        return [
            Item(
                posts[item["post"]],
                item["score"],
                as_shown(item["reasons"], handles),
                likely.get(item["post"], {}),
            )
            for item in output["items"]
        ]


def _kept(ids: list[str], rows: Array) -> dict[str, Any]:
    return {"count": len(rows), "ids": [ids[row] for row in rows[:_KEPT_OF_A_FILTER].tolist()]}
