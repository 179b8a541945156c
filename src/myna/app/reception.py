"""The forecast of reactions, over the network: learned from what the gate admits, asked for an author's own draft.

    home/models/reception/current.safetensors    the forecast in use (myna.model.reception)
    home/models/reception/current.json           its version and how it measured

Nothing is kept of a person here: an author's past is read again each time, as the author may read it.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from myna.app.counts import standing
from myna.app.language import Language
from myna.app.types import Forecast
from myna.decisions import DecisionLog
from myna.gate import MYNA, Reader, person_actor
from myna.model.reception import FEWEST, REACTIONS, SETTLED, Floats, Reception, Written, fit_reception, history
from myna.network import Post, Progress, Purpose, now_ms, part, quiet
from myna.network.store import Store

_WINDOW = 100_000
"""The newest posts that are learned from."""
_OWN = 200
"""An author's newest posts that make up their past; the newest _COMPARED of them are what a draft is compared with."""
_COMPARED = 100
_FEWEST_OWN = 10
_UNSEEN = 0.15
"""Share of the newest posts on which a forecast that has not seen them is measured."""
_EMBEDDED = 512


class Forecaster:
    """Trains the forecast and gives it. Safe for many threads and processes."""

    def __init__(self, directory: Path, store: Store, reader: Reader, log: DecisionLog, language: Language) -> None:
        self._directory, self._store, self._reader, self._log = directory, store, reader, log
        self._language = language
        self._held: tuple[str, Reception] | None = None

    @property
    def _path(self) -> Path:
        return self._directory / "current.safetensors"

    def about(self) -> dict[str, Any]:
        """The version in use and how it measured; empty before there is one."""
        try:
            about: dict[str, Any] = json.loads(self._path.with_suffix(".json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return about

    # -- learning --------------------------------------------------------------------------------------------------

    def train(self, progress: Progress = quiet) -> dict[str, Any]:
        """Learns from the newest permitted posts and puts the forecast in use, for those reactions that it foresees
        better than each author's mean does; returns {"trained", "posts", "unseen", "language", and per reaction the
        rank correlation on unseen posts: ours and the author's mean}.
        """
        shares = ((0, 30), (30, 50), (50, 70), (70, 75), (75, 100))
        reading, embedding, first, measuring, second = (part(progress, *share, 100) for share in shares)
        posts, logs = _settled(self._reader, reading)
        metrics: dict[str, Any] = {"trained": False, "posts": len(posts), "language": self._language.version}
        border = len(posts) - int(len(posts) * _UNSEEN)
        if border >= FEWEST:
            vectors = self._vectors([post.text for post in posts], embedding)
            version = metrics["language"]
            before = None if vectors is None else vectors[:border]
            earlier = fit_reception(posts[:border], logs[:border], before, version, first)
            past = history(posts, logs, earlier.mean)[border:]
            found = earlier(posts[border:], past, None if vectors is None else vectors[border:])
            means = past[:, : logs.shape[1]]
            measuring(1, 1)
            metrics["unseen"] = len(posts) - border
            for place, kind in enumerate(REACTIONS):
                if earlier.measured[place]:
                    pair = (found[:, place], means[:, place])
                    ours, theirs = (_rank_correlation(each, logs[border:, place]) for each in pair)
                    metrics[kind] = {"ours": ours, "author's mean": theirs}
            known = [kind for kind in REACTIONS if kind in metrics]
            better = [metrics[kind]["ours"] - metrics[kind]["author's mean"] for kind in known]
            if better and max(better) > 0:
                fitted = fit_reception(posts, logs, vectors, version, second)
                kept = np.array([kind in metrics and better[known.index(kind)] > 0 for kind in REACTIONS])
                self._keep(replace(fitted, measured=fitted.measured * kept), metrics)
        self._log.write("train", str(MYNA), Purpose.TRAIN, {"part": "reception"}, metrics, metrics.get("version", ""))
        return metrics

    def _vectors(self, texts: list[str], progress: Progress = quiet) -> np.ndarray | None:
        if not self._language.ready:
            return None
        found = []
        for at in range(0, len(texts), _EMBEDDED):
            found.append(self._language.embed(texts[at : at + _EMBEDDED]))
            progress(at + _EMBEDDED, len(texts))
        return np.concatenate(found)

    def _keep(self, fitted: Reception, metrics: dict[str, Any]) -> None:
        from myna.training import write_atomically

        self._directory.mkdir(parents=True, exist_ok=True)
        fresh = self._directory / "fresh.safetensors"
        fitted.save(fresh)
        metrics["version"] = f"reception-{hashlib.sha256(fresh.read_bytes()).hexdigest()[:12]}"
        metrics["trained"] = True
        fresh.replace(self._path)
        write_atomically(self._path.with_suffix(".json"), json.dumps(metrics, indent=1).encode())

    # -- asking ----------------------------------------------------------------------------------------------------

    def forecast(
        self, author_id: str, text: str, reply_to: str = "", quote_of: str = "", now: int | None = None
    ) -> Forecast | None:
        """What this author's draft can expect if it is posted now; None where there is no forecast that fits the
        language model in use, or nothing to go on."""
        fitted = self._fitted()
        if fitted is None or not text.strip():
            return None
        now = now_ms() if now is None else now
        own = self._own(author_id)
        draft = Written(author_id, now, text, bool(reply_to), bool(quote_of))
        others = [_written_at(post, now) for post in own[-_COMPARED:]]
        found = self._found(fitted, [draft, *others], own)
        likes, reposts, replies = (
            float(np.expm1(found[0, place])) if fitted.measured[place] else None for place in range(len(REACTIONS))
        )
        told = 0 if likes is not None else 1
        around = found[0, told] + np.array([-1, 1]) * fitted.spread[told]
        low, high = np.expm1(np.maximum(around, 0)).tolist()
        better_than = None
        if len(others) >= _FEWEST_OWN:
            better_than = float(np.mean(found[1:, told] < found[0, told]))
        return Forecast(likes, reposts, replies, low, high, better_than, len(others), self.about().get("version", ""))

    def expected_likes(self, author_id: str, now: int | None = None) -> dict[str, float]:
        """By id, what the author's own newest posts could expect if they were written now: which of them to show
        others. Empty where no forecast of likes fits the language model in use."""
        fitted = self._fitted()
        if fitted is None or not fitted.measured[0] or not (own := self._own(author_id)[-_COMPARED:]):
            return {}
        now = now_ms() if now is None else now
        found = self._found(fitted, [_written_at(post, now) for post in own], own)
        return {post.id: float(likes) for post, likes in zip(own, np.expm1(found[:, 0]), strict=True)}

    def _own(self, author_id: str) -> list[Post]:
        """The author's newest posts that have words of their own, the oldest first."""
        found = self._reader.posts_by(person_actor(author_id), Purpose.READ, author_id, limit=_OWN)
        own = [post for post in found if post.text and not post.repost_of]
        return sorted(own, key=lambda post: post.created_at)

    def _found(self, fitted: Reception, drafts: list[Written], own: list[Post]) -> Floats:
        """(drafts, reactions): logarithms of one more than what each can expect, after the author's own posts. All
        drafts are of one time: only what they say and how differs."""
        counts = standing(self._store, drafts[0].author_id, own)
        reactions = [[counts[post.id].likes, counts[post.id].reposts, counts[post.id].replies] for post in own]
        logs = np.log1p(np.array([*reactions, [0] * len(REACTIONS)], np.float64))
        past = history([*map(_written, own), drafts[0]], logs, fitted.mean)[-1:]
        vectors = self._vectors([draft.text for draft in drafts]) if fitted.language else None
        return fitted(drafts, np.repeat(past, len(drafts), 0), vectors)

    def _fitted(self) -> Reception | None:
        version = self.about().get("version", "")
        if not version or not self._path.exists():
            return None
        held = self._held
        if held is None or held[0] != version:
            held = self._held = (version, Reception.load(self._path))
        fits = held[1].language in ("", self._language.version)
        return held[1] if fits else None


def _written(post: Post) -> Written:
    return Written(post.author_id, post.created_at, post.text, bool(post.reply_to), bool(post.quote_of), post.media)


def _written_at(post: Post, now: int) -> Written:
    return replace(_written(post), at=now)


def _settled(reader: Reader, progress: Progress) -> tuple[list[Written], Floats]:
    """The newest permitted posts in time order that reactions had a day to come to, and the logarithms of one more
    than their counts: those here, or those that the source reported where they are more."""
    from myna.corpus import with_reactions

    posts: list[Post] = []
    reposts: list[Post] = []
    last = reader.last_seq()
    begin = seq = max(0, last["posts"] - _WINDOW)
    reading, counting = part(progress, 0, 40, 100), part(progress, 40, 100, 100)
    while True:
        batch, after = reader.posts_after(MYNA, Purpose.TRAIN, seq)
        for post in batch:
            (posts if post.text.strip() and not post.repost_of else reposts).append(post)
        reading(after - begin, last["posts"] - begin)
        if after == seq:
            break
        seq = after
    posts.sort(key=lambda post: (post.created_at, post.seq))
    newest = posts[-1].created_at if posts else 0
    settled = [
        post
        for post in with_reactions(reader, posts, [*posts, *reposts], progress=counting)
        if post.created_at <= newest - SETTLED
    ]
    counts = [[post.like_count, post.repost_count, post.reply_count] for post in settled]
    logs = np.log1p(np.array(counts, np.float64).reshape(-1, len(REACTIONS)))
    return list(map(_written, settled)), logs


def _rank_correlation(found: Floats, truth: Floats) -> float:
    """Spearman's; 0 where one of the two is the same for all."""
    from scipy.stats import spearmanr

    if np.ptp(found) == 0 or np.ptp(truth) == 0:
        return 0.0
    return round(float(spearmanr(found, truth)[0]), 4)
