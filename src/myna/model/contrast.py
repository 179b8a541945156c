"""Fitting the embedding to a network: what people put together comes together.

Pairs, all from the network itself: a reply or quote and what it answers, two posts that one person wrote one after the
other, two posts with a hashtag in common (the tag taken out), the two parts of a post cut at a random word. Of each
batch, every other's partner is a wrong answer (InfoNCE, van den Oord et al. 2018, arXiv 1807.03748), unless it is the
same post. The loss is summed over prefixes, so that a vector can be cut (Kusupati et al. 2022, arXiv 2205.13147). Rows
start as the language model's token embeddings: weighed by rarity, mean removed, whitened (Arora et al. 2017, "A simple
but tough-to-beat baseline for sentence embeddings").
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from myna.model.embedding import DIMENSIONS, PREFIXES, Embedder, Features, Unit, pooled
from myna.model.transformer import Transformer
from myna.model.types import Tokens
from myna.network import Progress, quiet

_RARITY = 1e-3
_TEMPERATURE = 0.1
_BATCH = 512
_STEPS = 250
_STEPS_LEAST = 20
_TIMED = 3
"""Steps that are timed before the number of steps is asked for."""
_RATE = 0.01
_FEWEST_WORDS = 6
_FEWEST_POSTS = 64
_MOST_POSTS = 400_000
_SHARES = {"answers": 0.5, "follows": 0.5, "tags": 0.15, "parts": 0.25}
"""Of a batch, before they are made to sum to one; a kind with few pairs gets less in proportion."""
_ENOUGH = {"answers": 2000, "follows": 5000, "tags": 500}
"""Pairs (groups for tags) from which a kind gets its full share: fewer would be learned by heart."""

Said = tuple[str, str, int]
"""A post's id, its cleaned text, and the number of the document it stands in: a reply follows what it answers."""
Pairs = Sequence[tuple[str, str]]
"""Ids of two posts each."""
Steps = Callable[[float, float], int]
"""How many steps at most, given the seconds that one takes and those that measuring takes afterwards."""


@dataclass(frozen=True)
class Texts:
    """Posts as units with their rows, and pairs of places in them."""

    units: list[list[Unit]]
    answers: list[tuple[int, int]]
    follows: list[tuple[int, int]]
    tags: list[list[int]]

    @property
    def divisible(self) -> list[int]:
        """Places of posts long enough to be cut in two."""
        return [place for place, units in enumerate(self.units) if len(units) >= _FEWEST_WORDS]


def fit_embedder(
    model: Transformer,
    tokenizer: Tokens,
    clean: Callable[[str], str],
    known: Iterable[Said],
    held_out: Iterable[Said],
    seed: int = 0,
    progress: Progress = quiet,
    answers: Pairs = (),
    follows: Pairs = (),
    steps: int | Steps = _STEPS,
) -> tuple[Embedder, dict[str, Any]]:
    """The embedding of a model, fitted to cleaned posts, and how it measures on posts held out.

    answers: replies and quotes with what they answer, beside those that stand in one document; follows: posts that one
    person wrote one after the other. Ids of posts that are not in `known` are passed over. steps: at most, or what
    says how many.

    Measured is the mean reciprocal rank of a post's second part, or the post replied to, among all others, given the
    first part or the reply; `start` before the pairs were learned, `mean_reciprocal_rank` after. The better is kept.
    """
    said = list(known)
    features = Features(tokenizer, _buckets(sum(len(text) for _, text, _ in said)), clean)
    texts, unseen = _texts(said[-_MOST_POSTS:], features, answers, follows), _texts(list(held_out), features)
    weights = _weights(texts, features)
    table = _start(model, texts, features, weights, seed)
    quality: dict[str, Any] = {"posts": len(texts.units), "dimensions": DIMENSIONS, "kept": "start"}
    embedder = Embedder(features, table * weights[:, None])
    questions = _questions(unseen, seed)
    quality["questions"] = len(questions)
    began = time.monotonic()
    if questions:
        quality["start"] = round(_reciprocal_rank(embedder.table, questions), 4)
    measured = time.monotonic() - began
    if len(texts.divisible) >= _FEWEST_POSTS:
        if not isinstance(steps, int):
            # Thrown away: only to know the pace.
            began = time.monotonic()
            _contrast(table, weights, texts, seed, _TIMED, _TIMED, quiet)
            steps = steps((time.monotonic() - began) / _TIMED, measured)
        drawn = Embedder(features, _contrast(table, weights, texts, seed, steps, _STEPS_LEAST, progress))
        if questions:
            quality["mean_reciprocal_rank"] = round(_reciprocal_rank(drawn.table, questions), 4)
        if not questions or quality["mean_reciprocal_rank"] >= quality["start"]:
            embedder, quality["kept"] = drawn, "contrast"
    progress(1, 1)
    return embedder, quality


def _buckets(characters: int) -> int:
    """Rows for hashed words: about the number of different words, which grows slower than the text (Heaps)."""
    return int(2 ** np.clip(np.ceil(np.log2(max(characters, 1) ** 0.6 * 4)), 12, 17))


def _texts(said: list[Said], features: Features, answers: Pairs = (), follows: Pairs = ()) -> Texts:
    posts = {id: text for id, text, _ in said}
    places = {id: place for place, id in enumerate(posts)}
    units = features.units(list(posts.values()))
    tags: dict[str, list[int]] = {}
    for place, found in enumerate(units):
        for tag in {word.lower() for word, _ in found if word.startswith("#") and len(word) > 2}:
            tags.setdefault(tag, []).append(place)
    together = [(b[0], a[0]) for a, b in pairwise(said) if a[2] == b[2] and a[0] != b[0]]
    alike = [found for found in tags.values() if 2 <= len(found) <= max(len(units) // 50, 4)]
    return Texts(units, _placed((*together, *answers), places), _placed(follows, places), alike)


def _placed(pairs: Pairs, places: dict[str, int]) -> list[tuple[int, int]]:
    """Each pair once, where both posts are there."""
    there = ((places.get(a, -1), places.get(b, -1)) for a, b in dict.fromkeys(pairs))
    return [(a, b) for a, b in there if a != b and min(a, b) >= 0]


def _weights(texts: Texts, features: Features) -> np.ndarray:
    """(rows,) float32: what is in every post says little. Rows of tokens and of words are counted apart."""
    counts = np.zeros(features.rows)
    flat = [row for units in texts.units for _, rows in units for row in rows]
    np.add.at(counts, np.asarray(flat, np.int64), 1.0)
    tokens = features.rows - features.buckets
    share = np.concatenate([part / max(part.sum(), 1.0) for part in (counts[:tokens], counts[tokens:])])
    return (_RARITY / (_RARITY + share)).astype(np.float32)


def _start(model: Transformer, texts: Texts, features: Features, weights: np.ndarray, seed: int) -> np.ndarray:
    """(rows, d) float32: the model's token embeddings, whitened over posts, in the first half of the dimensions;
    random directions in the rest, and in all of those of hashed words."""
    tokens = features.rows - features.buckets
    random = np.random.default_rng(seed)
    table = random.normal(0, 0.5, (features.rows, DIMENSIONS)).astype(np.float32)
    learned = model.model.embed_tokens.weight.detach().float().cpu().numpy()[:tokens]
    sample = texts.units[:: max(len(texts.units) // 20_000, 1)]
    means = np.zeros((len(sample), learned.shape[1]), np.float32)
    for place, units in enumerate(sample):
        rows = np.asarray([row for _, rows in units for row in rows if row < tokens], np.int64)
        if len(rows):
            means[place] = np.average(learned[rows], axis=0, weights=weights[rows])
    centre = means.mean(0) if len(means) else np.zeros(learned.shape[1], np.float32)
    covariance = (means - centre).T @ (means - centre) / max(len(means), 1)
    spread, directions = np.linalg.eigh(covariance.astype(np.float64))
    kept = min(DIMENSIONS // 2, learned.shape[1], max(len(means) // 4, 1))
    spread, directions = spread[::-1][:kept], directions[:, ::-1][:, :kept]
    white = (learned - centre) @ (directions / np.sqrt(spread + 1e-6 * max(spread[0], 1e-12)))
    table[:tokens, :kept] = white / max(float(white.std()), 1e-12)
    return table


def _contrast(
    table: np.ndarray, weights: np.ndarray, texts: Texts, seed: int, most: int, least: int, progress: Progress
) -> np.ndarray:
    """The table, weights multiplied in, after learning from pairs. (rows, d) float32."""
    rows = torch.from_numpy(table.copy()).requires_grad_()
    logs = torch.log(torch.from_numpy(weights) + 1e-6).requires_grad_()
    groups = [{"params": [rows], "lr": _RATE}, {"params": [logs], "lr": 2 * _RATE}]
    optimizer = torch.optim.Adam(groups, fused=True)
    draw = _Draw(texts, np.random.default_rng(seed + 1))
    batch = min(_BATCH, len(draw.divisible) // 2)
    steps = int(np.clip(len(draw.divisible) * 12 // batch, least, max(most, least)))
    for step in range(steps):
        pairs = [draw() for _ in range(batch)]
        # One lookup for both sides: its gradient is as large as the table, and costs more than all the rest.
        summed = _summed(rows, logs, [left for left, _, _ in pairs] + [right for _, right, _ in pairs])
        places = torch.tensor([pair[2] for pair in pairs])
        loss = torch.stack([_loss(summed[:, :length], places) for length in PREFIXES]).sum()
        for group, rate in zip(optimizer.param_groups, (_RATE, 2 * _RATE), strict=True):
            group["lr"] = rate * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress(step, steps)
    return (rows * logs.exp()[:, None]).detach().numpy()


def _loss(summed: Tensor, places: Tensor) -> Tensor:
    """InfoNCE both ways. summed: (2 batch, d), queries then answers; places: (batch, 2), of the posts they are of."""
    batch = len(places)
    unit = F.normalize(summed, dim=1)
    scores = unit[:batch] @ unit[batch:].T / _TEMPERATURE
    # A post that stands in two pairs of a batch is no wrong answer to itself.
    same = (places[:, None, :, None] == places[None, :, None, :]).any(-1).any(-1).fill_diagonal_(False)
    scores = scores.masked_fill(same, -1e4)
    truth = torch.arange(batch)
    return F.cross_entropy(scores, truth) + F.cross_entropy(scores.T, truth)


def _summed(table: Tensor, logs: Tensor, rows: list[list[int]]) -> Tensor:
    """(texts, d), of texts given as rows."""
    flat = torch.from_numpy(np.concatenate([np.asarray(found, np.int64) for found in rows]))
    starts = torch.from_numpy(np.cumsum([0, *(len(found) for found in rows[:-1])]))
    return F.embedding_bag(flat, table, starts, mode="sum", per_sample_weights=logs[flat].exp())


class _Draw:
    """Pairs at random: the rows of both sides, and the places of the posts they are of."""

    def __init__(self, texts: Texts, random: np.random.Generator) -> None:
        self._texts = texts
        self._random = random
        self.divisible = texts.divisible
        there = {name: len(getattr(texts, name)) / enough for name, enough in _ENOUGH.items()}
        shares = np.array([share * min(there.get(kind, 1.0), 1.0) for kind, share in _SHARES.items()])
        self._until = np.cumsum(shares / shares.sum())[:-1]

    def __call__(self) -> tuple[list[int], list[int], tuple[int, int]]:
        texts, random = self._texts, self._random
        kind = list(_SHARES)[int(np.searchsorted(self._until, random.random(), side="right"))]
        if kind == "parts":
            return self._parts()
        if kind == "tags":
            together = texts.tags[random.integers(len(texts.tags))]
            left, right = (together[place] for place in random.choice(len(together), 2, replace=False))
        else:
            pairs = texts.answers if kind == "answers" else texts.follows
            left, right = pairs[random.integers(len(pairs))]
        rows = _untagged if kind == "tags" else _rows
        sides = rows(texts.units[left]), rows(texts.units[right])
        return (*sides, (left, right)) if sides[0] and sides[1] else self._parts()

    def _parts(self) -> tuple[list[int], list[int], tuple[int, int]]:
        place = self.divisible[self._random.integers(len(self.divisible))]
        units = self._texts.units[place]
        cut = int(self._random.integers(2, len(units) - 1))
        return _rows(units[:cut]), _rows(units[cut:]), (place, place)


def _rows(units: list[Unit]) -> list[int]:
    return [row for _, rows in units for row in rows]


def _untagged(units: list[Unit]) -> list[int]:
    return [row for word, rows in units if not word.startswith("#") for row in rows]


def _questions(texts: Texts, seed: int, most: int = 1000) -> list[tuple[list[int], list[int]]]:
    """Pairs of held-out rows to be found again: halves of posts, and replies with what they answer."""
    random = np.random.default_rng(seed)
    divisible = texts.divisible
    chosen = random.permutation(len(divisible))[:most]
    halves = [texts.units[divisible[place]] for place in chosen]
    pairs = [(_rows(units[: len(units) // 2]), _rows(units[len(units) // 2 :])) for units in halves]
    pairs += [(_rows(texts.units[a]), _rows(texts.units[b])) for a, b in texts.answers[:most]]
    return [(left, right) for left, right in pairs if left and right]


def _reciprocal_rank(table: np.ndarray, questions: list[tuple[list[int], list[int]]]) -> float:
    left, right = (pooled(table, [pair[side] for pair in questions]) for side in (0, 1))
    scores = left @ right.T
    ranks = (scores > np.diag(scores)[:, None]).sum(1) + 1
    return float(np.mean(1 / ranks))
