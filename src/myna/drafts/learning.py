"""Learning the risk: from what readers of this network reported or asked to see less of, and from a labelled file."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from myna.drafts.circumstances import audience, heat, hours_of, lateness
from myna.drafts.logistic import READERS, Examples, Floats, auc, calibrate, fit, sigmoid, threshold
from myna.drafts.model import NAMES, PRIOR_HEAD, PROBES, Embed, Head, Model, scaled
from myna.drafts.morning import local, zone_of
from myna.drafts.ngrams import counted
from myna.drafts.signals import BASE, SIGNALS, read
from myna.gate import MYNA, Reader
from myna.network import Action, ActionKind, EdgeKind, Post, Problem, Progress, Purpose, part, quiet

HELD_SHARE = 0.02
"""At most this share of the network's posts would be held where everybody asked for it."""
WINDOW = 200_000
"""The newest posts that are looked at."""
SAMPLE = 20_000
"""Posts nobody minded that are learnt from, at most."""
ENOUGH = 30
"""Posts somebody minded, and as many nobody did, below which nothing is trained."""
FEWEST = 50
"""Posts below which two in a hundred cannot be told."""
_BATCH = 4096
_ACTIONS = 5_000_000


@dataclass(frozen=True, slots=True)
class Samples:
    """Texts with their signals' values (texts, signals), who minded, how many could, and how much each counts."""

    texts: list[str]
    signals: npt.NDArray[np.float32]
    y: Floats
    readers: Floats
    weight: Floats

    def __add__(self, other: "Samples") -> "Samples":
        return Samples(
            self.texts + other.texts,
            np.concatenate([self.signals, other.signals]),
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in ("y", "readers", "weight")),
        )


def samples(
    texts: Sequence[str], y: Sequence[float], more: Sequence[dict[str, float]] = (), progress: Progress = quiet
) -> Samples:
    """Texts with labels as examples: each as if twenty readers saw it. more: values of further signals of each."""
    signals = np.zeros((len(texts), len(NAMES)), np.float32)
    for row, text in enumerate(texts):
        values = read(text).values | (more[row] if more else {})
        signals[row] = [values.get(name, 0.0) for name in NAMES]
        if row % 1000 == 0:
            progress(row, len(texts))
    count = len(texts)
    return Samples(list(texts), signals, np.asarray(y, np.float64), np.full(count, float(READERS)), np.ones(count))


def labelled(path: Path) -> tuple[Samples, int]:
    """The texts of a JSONL or Parquet file with the columns text and label (0 or 1, or false and true), and how many
    rows were left out for want of one of the two. Raises Problem."""
    try:
        frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_ndjson(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Problem(f"{path} cannot be read as labelled texts (JSONL or Parquet): {error}") from error
    if not {"text", "label"} <= set(frame.columns):
        raise Problem(f"{path} needs the columns text and label; it has {', '.join(frame.columns)}.")
    if not (frame["label"].dtype.is_numeric() or frame["label"].dtype == pl.Boolean):
        raise Problem(f"The labels of {path} must be 0 and 1 (or false and true), not {frame['label'].dtype}.")
    rows = frame.height
    frame = frame.select(pl.col("text").cast(pl.String), pl.col("label").cast(pl.Float64)).drop_nulls()
    strange = frame.filter(~pl.col("label").is_in([0.0, 1.0])).height
    if strange:
        raise Problem(f"{strange} labels of {path} are neither 0 nor 1; map them to whether somebody would mind.")
    return samples(frame["text"].to_list(), frame["label"].to_list()), rows - frame.height


def network_samples(reader: Reader, seed: int = 0, progress: Progress = quiet) -> Samples:
    """The newest permitted posts that somebody saw, with who minded them; read for training."""
    posts: dict[str, Post] = {}
    answers: dict[str, list[Post]] = defaultdict(list)
    last = reader.last_seq()
    begin = seq = max(0, last["posts"] - WINDOW)
    shares = ((0, 10), (10, 50), (50, 60), (60, 100))
    reading, asking, looking, signals = (part(progress, *share, 100) for share in shares)
    while True:
        batch, after = reader.posts_after(MYNA, Purpose.TRAIN, seq)
        for post in batch:
            if post.text:
                posts[post.id] = post
            if post.reply_to:
                answers[post.reply_to].append(post)
        reading(after - begin, last["posts"] - begin)
        if after == seq:
            break
        seq = after
    seen, minded, minded_at = _reactions(reader, posts, last["actions"], asking)
    chosen = [id for id in posts if minded[id]]
    others = [id for id in posts if seen[id] and not minded[id]]
    if len(others) > SAMPLE:
        keep = np.random.default_rng(seed).choice(len(others), SAMPLE, replace=False)
        share, others = SAMPLE / len(others), [others[place] for place in np.sort(keep)]
    else:
        share = 1.0
    texts, more, y, readers, weight = [], [], [], [], []
    around = _Around(reader, posts, answers, minded_at)
    for done, id in enumerate(chosen + others):
        if done % 1000 == 0:
            looking(done, len(chosen) + len(others))
        count, exposed = minded[id], max(seen[id], minded[id])
        # k of n minded: k groups of n / k readers in each of which somebody did. A viral post counts for five at most.
        texts.append(posts[id].text)
        more.append(around.values(posts[id]))
        y.append(float(count > 0))
        readers.append(exposed / max(count, 1))
        weight.append(min(count, 5.0) if count else 1 / share)
    found = samples(texts, y, more, signals)
    return replace(found, readers=np.asarray(readers, np.float64), weight=np.asarray(weight, np.float64))


def _reactions(
    reader: Reader, posts: dict[str, Post], last: int, progress: Progress
) -> tuple[Counter[str], Counter[str], dict[str, list[int]]]:
    """How many people saw each post, how many minded it, and when. last: the newest action's number."""
    begin = seq = max(0, last - _ACTIONS)
    saw: set[tuple[str, str]] = set()
    minds: dict[tuple[str, str], Action] = {}
    while batch := reader.actions_after(seq):
        for action in batch:
            if action.post_id in posts and action.person_id != posts[action.post_id].author_id:
                pair = (action.post_id, action.person_id)
                if action.kind is ActionKind.SEEN:
                    saw.add(pair)
                elif action.kind in (ActionKind.REPORT, ActionKind.SHOW_LESS):
                    minds.setdefault(pair, action)
        seq = batch[-1].seq
        progress(seq - begin, last - begin)
    times: dict[str, list[int]] = defaultdict(list)
    for (id, _), action in minds.items():
        times[id].append(action.at)
    return Counter(id for id, _ in saw), Counter(id for id, _ in minds), times


class _Around:
    """The circumstances of past posts, as they were when each was written."""

    def __init__(
        self,
        reader: Reader,
        posts: dict[str, Post],
        answers: dict[str, list[Post]],
        minded_at: dict[str, list[int]],
    ) -> None:
        self._posts, self._answers, self._minded_at = posts, answers, minded_at
        times: dict[str, list[int]] = defaultdict(list)
        for post in posts.values():
            times[post.author_id].append(post.created_at)
        self._people = reader.people(times)
        self._followers: Counter[str] = Counter()
        seq = 0
        while batch := reader.edges_after(seq):
            for edge in batch:
                if edge.kind is EdgeKind.FOLLOW:
                    self._followers[edge.other_id] += 1 if edge.on else -1
            seq = batch[-1].seq
        self._hours = {id: hours_of(sorted(times[id])[-200:], self._zone(id)) for id in times}

    def _zone(self, id: str) -> str:
        return self._people[id].timezone if id in self._people else "UTC"

    def values(self, post: Post) -> dict[str, float]:
        now, author = post.created_at, post.author_id
        hour = local(now, zone_of(self._zone(author))[0]).hour
        found = {"late": lateness(self._hours[author], hour)}
        if post.reply_to:
            siblings = [other for other in self._answers.get(post.reply_to, ()) if other.id != post.id]
            before = sorted((s for s in siblings if s.created_at <= now), key=lambda s: s.created_at)
            minded = sum(1 for at in self._minded_at.get(post.reply_to, ()) if at < now)
            found["heat"] = heat(self._posts.get(post.reply_to), before, minded, now)
        person = self._people.get(author)
        counted_here = max(self._followers[author], 0)
        stated = person.follower_count if person else None
        found["audience"] = audience(counted_here if stated is None else stated)
        return found


def held_out(count: int, seed: int = 0) -> npt.NDArray[np.bool_]:
    """(count,) which of so many samples a model is not fitted to: a fifth. The first n are the same for any count."""
    chosen: npt.NDArray[np.bool_] = np.random.default_rng(seed).random(count) < 0.2
    return chosen


def train(found: Samples, embed: Embed | None, seed: int = 0, rounds: int = 100, progress: Progress = quiet) -> Model:
    """A model of these samples, calibrated on a fifth of them that it was not fitted to. Deterministic by seed.

    Where fewer than `ENOUGH` were minded, or not, the model is the prior's.
    """
    if min((found.y > 0).sum(), (found.y == 0).sum()) < ENOUGH:
        return Model()
    held = held_out(len(found.texts), seed)
    if min((found.y[held] > 0).sum(), (found.y[held] == 0).sum()) < 3:
        return Model()
    counts = _counted(found.texts, part(progress, 0, 20, 100))
    seen = np.bincount(counts[~held].indices, minlength=counts.shape[1])
    idf = np.log((1 + (~held).sum()) / (1 + seen)) + 1
    idf[seen < 2] = 0  # an n-gram of one text can only be learnt by heart
    idf = idf.astype(np.float16).astype(np.float32)  # as it is kept, so that a restart changes no probability
    words = scaled(counts, idf)
    words.eliminate_zeros()  # what is not used is not searched for: half of the weights
    vectors = probe = None
    dense = found.signals
    prior = np.array([signal.weight for signal in SIGNALS])
    penalty = np.full(len(NAMES), 2.0)
    if embed is not None:
        vectors = _vectors(found.texts, embed, part(progress, 20, 30, 100))
        probe = np.asarray(embed(PROBES), np.float32)
        dense = np.concatenate([dense, vectors.astype(np.float32)], axis=1)
        prior = np.concatenate([prior, np.zeros(vectors.shape[1])])
        penalty = np.concatenate([penalty, np.full(vectors.shape[1], 1.0)])
    examples = Examples(words, dense, found.y, found.readers, found.weight)
    fitted, kept = examples.take(~held), examples.take(held)
    # How strongly words are drawn to 0 is chosen on the held part; two values bracket what social posts need.
    tried = [
        fit(fitted, strength, penalty, prior, BASE, rounds, part(progress, *share, 100))
        for strength, share in ((0.3, (30, 65)), (1.0, (65, 100)))
    ]
    calibrated = [calibrate(weights.logits(kept), kept) for weights in tried]
    lost = [_lost(weights.logits(kept), pair, kept) for weights, pair in zip(tried, calibrated, strict=True)]
    best = int(np.argmin(lost))
    weights, (slope, shift) = tried[best], calibrated[best]
    scores = slope * weights.logits(kept) + shift
    head = Head(
        "",
        round(weights.base, 6),
        {name: round(float(weight), 6) for name, weight in zip(NAMES, weights.dense, strict=False)},
        round(slope, 6),
        round(shift, 6),
        PRIOR_HEAD.threshold,
        {
            "examples": float(len(found.texts)),
            "minded": float((found.y > 0).sum()),
            "auc": round(auc(scores, kept.y), 4),
            "loss": round(lost[best], 4),
        },
    )
    meaning = weights.dense[len(NAMES) :].astype(np.float32) if vectors is not None else None
    return Model(head, weights.words.astype(np.float32), idf, meaning, probe)


def _counted(texts: list[str], progress: Progress) -> sparse.csr_matrix:
    found = []
    for at in range(0, len(texts), _BATCH):
        found.append(counted(texts[at : at + _BATCH]))
        progress(at + _BATCH, len(texts))
    return sparse.vstack(found, format="csr")


def _vectors(texts: Sequence[str], embed: Embed, progress: Progress = quiet) -> npt.NDArray[np.float32]:
    found = []
    for at in range(0, len(texts), 256):
        found.append(embed(texts[at : at + 256]))
        progress(at + 256, len(texts))
    return np.concatenate(found)


def _lost(logits: Floats, pair: tuple[float, float], kept: Examples) -> float:
    from myna.drafts.logistic import loss

    return loss(pair[0] * logits + pair[1], kept)[0] / float(kept.weight.sum())


def probabilities(model: Model, found: Samples, embed: Embed | None) -> Floats:
    """(texts,) the probability of each sample."""
    parts = []
    for at in range(0, len(found.texts), _BATCH):
        texts = found.texts[at : at + _BATCH]
        total = model.head.base + model.word_scores(texts)
        total += found.signals[at : at + _BATCH] @ np.array([model.head.weights.get(name, 0.0) for name in NAMES])
        if model.meaning is not None and embed is not None:
            total += model.meaning_scores(_vectors(texts, embed))
        parts.append(sigmoid(model.head.slope * total + model.head.shift))
    return np.concatenate(parts) if parts else np.zeros(0)


def with_threshold(model: Model, network: Samples, embed: Embed | None, share: float = HELD_SHARE) -> Model:
    """The model with the threshold at which at most this share of the network's posts would be held."""
    rows = np.ones(len(network.texts), bool)
    if model.words is not None:  # posts it was fitted to score further out than those to come
        rows = held_out(len(network.texts))
    if rows.sum() < FEWEST:
        return model
    # Posts that were minded are all in the samples, the others by weight: draw them out to their share again.
    scores = np.round(probabilities(model, network, embed), 4)
    times = np.where(network.y > 0, 1, np.maximum(1, np.round(network.weight))).astype(int)
    found = threshold(np.repeat(scores[rows], times[rows]), share)
    return replace(model, head=replace(model.head, threshold=found))


def learn(
    reader: Reader, directory: Path, embed: Embed | None, progress: Progress = quiet
) -> tuple[list[Model], dict[str, Any]]:
    """The model without the embedding and, where there is one, the model with it; and the metrics of the better.

    A file `labelled.jsonl` or `labelled.parquet` in the directory is learnt from too.
    """
    begun = time.monotonic()
    # Both models are fitted in most of the time, the one with the embedding in most of that.
    shares = ((0, 40), (40, 60), (60, 92), (92, 100))
    collecting, first, second, last = (part(progress, *share, 100) for share in shares)
    network = network_samples(reader, progress=collecting)
    found, skipped = network, 0
    for path in sorted(directory.glob("labelled.*")):
        more, without = labelled(path)
        found, skipped = found + more, skipped + without
    models = [train(found, None, progress=first)]
    if embed is not None and models[0].words is not None:
        models.append(train(found, embed, progress=second))
    for place, model in enumerate(models):
        models[place] = with_threshold(model, network, embed)
        last(place + 1, len(models))
    best = models[-1].head
    metrics = dict(best.metrics) | {
        "threshold": round(best.threshold, 4),
        "network_posts": len(network.texts),
        "labelled_without_text_or_label": skipped,
        "trained": models[-1].words is not None,
        "seconds": round(time.monotonic() - begun, 1),
    }
    return models, json.loads(json.dumps(metrics))
