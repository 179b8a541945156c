"""How a post will be received: ridge regression on what it says and on how its author's earlier posts fared.

Predicted is the logarithm of one more than the likes, reposts and replies: reactions multiply, they do not add up
(Bakshy et al. 2011, "Everyone's an influencer"). A post is described by

    its vector          of the language model's embedding, where there is one
    its words           hashed, weighed by rarity
    its form            reply, quote, link, mentions, hashtags, media, length, punctuation, hour and weekday
    its author's past   means of the earlier posts' reactions over long, middling and short spans, how many there were

and of a post's past only what was settled a day before it was written counts: nobody forecasts from what is to come.
All of it is solved at once in closed form; how strongly is smoothed is chosen on the newest posts.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg
import xxhash
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix

from myna.network import Problem, Progress, part, quiet

REACTIONS = ("likes", "reposts", "replies")
SETTLED = 86_400_000
"""Milliseconds until most of a post's reactions have come; younger posts neither teach nor stand for the past."""
FEWEST = 200
"""Posts below which nothing is fitted."""

Floats = npt.NDArray[np.float64]
Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORDS = re.compile(rf"[{_UNSPACED}]{{1,2}}|[#@]?[^\W{_UNSPACED}]+")
_TAGS, _LINKS = re.compile(r"#\w"), re.compile(r"https?://", re.IGNORECASE)
_SPANS = (200, 30, 8)
"""Posts over which the author's past is averaged."""
_VECTOR_SCALE = 3.0
"""What a vector of unit length counts for beside columns of unit variance."""
_LEAST_SPREAD, _FURTHEST = 0.05, 4.0
"""A column that hardly varied in training, or is far from all that was seen, must not carry the forecast away."""
_PENALTIES = (1.0, 3.0, 10.0, 40.0, 200.0)
"""Of vector and words, to choose from for each reaction; form and past are few, and smoothed as if by three posts."""
_PLAIN_PENALTY = 3.0
_CHOOSING = 0.15
"""Share of the newest posts on which the penalty is chosen."""
_HOUR, _DAY = 3_600_000, 86_400_000
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Written:
    """A post as the forecast looks at it. at: milliseconds, UTC."""

    author_id: str
    at: int
    text: str
    reply: bool = False
    quote: bool = False
    media: bool = False


@dataclass(frozen=True, slots=True)
class Reception:
    """A fitted forecast. Each row of weights is a column of the description, each column a reaction.

    idf: (buckets,); centre, scale: (dense,), of form and past; weights: (vector + dense + buckets, reactions);
    mean: (reactions,), also what an author without a past is taken for; spread: (reactions,), the root mean square
    error, in logarithms, on the newest posts before they were learned; measured: (reactions,), 0 where nothing was.
    """

    language: str
    idf: Floats
    centre: Floats
    scale: Floats
    weights: Floats
    mean: Floats
    spread: Floats
    measured: Floats

    def __call__(self, posts: Sequence[Written], past: Floats, vectors: npt.NDArray[np.float32] | None) -> Floats:
        """(posts, reactions) expected logarithms of one more than each count. past: from `history`; vectors: of the
        language model it was fitted with, None where there was none."""
        dense, words = _described(posts, past, vectors, self.idf, self.centre, self.scale)
        found: Floats = dense @ self.weights[: dense.shape[1]] + words @ self.weights[dense.shape[1] :] + self.mean
        return np.maximum(found, 0.0)

    def save(self, path: Path) -> None:
        """Writes one safetensors file."""
        arrays = {name: getattr(self, name).astype(np.float32) for name in self.__slots__ if name != "language"}
        save_file(arrays, path, {"language": self.language})

    @classmethod
    def load(cls, path: Path) -> "Reception":
        """Reads what `save` wrote. Raises Problem where it cannot."""
        from safetensors import safe_open

        try:
            with safe_open(path, "np") as file:
                language = (file.metadata() or {})["language"]
            arrays = {name: array.astype(np.float64) for name, array in load_file(path).items()}
            return cls(language, **arrays)
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise Problem(f"The forecast {path} cannot be read: {error}. Train again with `myna train`.") from error


def history(posts: Sequence[Written], logs: Floats, typical: Floats) -> Floats:
    """(posts, 3 * reactions + 2) what was known of each author's past when each post was written.

    posts: in time order; logs: (posts, reactions), of one more than each count; typical: (reactions,), where means
    begin. Columns: means over long, middling and short spans, the logarithms of how many posts and of hours since the
    last one.
    """
    kinds = logs.shape[1]
    found = np.zeros((len(posts), len(_SPANS) * kinds + 2))
    by_author: dict[str, list[int]] = defaultdict(list)
    for place, post in enumerate(posts):
        by_author[post.author_id].append(place)
    for places in by_author.values():
        means = np.tile(typical, (len(_SPANS), 1))
        settled, before = 0, 0
        for place in places:
            at = posts[place].at
            while posts[places[settled]].at <= at - SETTLED:
                settled += 1
                # Begun as if one post had been received as is typical.
                steps = 1 / np.minimum(settled + 1, _SPANS)
                means += steps[:, None] * (logs[places[settled - 1]] - means)
            found[place, :-2] = means.ravel()
            found[place, -2:] = np.log1p(settled), np.log1p(max(at - before, 0) / _HOUR) if before else 6.0
            before = at
    return found


def fit_reception(
    posts: Sequence[Written],
    logs: Floats,
    vectors: npt.NDArray[np.float32] | None = None,
    language: str = "",
    progress: Progress = quiet,
) -> Reception:
    """A forecast from posts in time order and the logarithms (posts, reactions) of one more than their counts.

    vectors: (posts, d) of unit length, by the model named `language`. Raises Problem for too few posts.
    """
    if len(posts) < FEWEST:
        raise Problem(
            f"A forecast of reactions needs at least {FEWEST} posts with counts; there are {len(posts)}.", 422
        )
    mean = logs.mean(0)
    past = history(posts, logs, mean)
    buckets = int(2 ** np.clip(np.round(np.log2(len(posts) / 4)), 8, 12))
    idf = _rarity(posts, buckets)
    plain = np.concatenate([_form(posts), past], axis=1)
    centre, scale = plain.mean(0), np.maximum(plain.std(0), _LEAST_SPREAD)
    progress(20, 100)
    border = len(posts) - int(len(posts) * _CHOOSING)
    answers = logs - mean
    halves = (slice(0, border), slice(border, None))
    seen = [None if vectors is None else vectors[half] for half in halves]
    shares = (part(progress, 20, 60, 100), part(progress, 60, 70, 100))
    older, newer = (
        _moments(posts[half], past[half], some, answers[half], idf, centre, scale, share)
        for half, some, share in zip(halves, seen, shares, strict=True)
    )
    plain_from = 0 if vectors is None else vectors.shape[1]
    is_plain = slice(plain_from, plain_from + len(centre))
    tried, solving = [], part(progress, 70, 100, 100)
    for done, penalty in enumerate(_PENALTIES, 1):
        tried.append(_squared_error(newer, _solved(older, penalty, is_plain)))
        solving(done, len(_PENALTIES) + 1)
    errors = np.array(tried)
    best = errors.argmin(0)
    whole = _Moments(*(a + b for a, b in zip(older, newer, strict=True)))
    solved = {place: _solved(whole, _PENALTIES[place], is_plain) for place in set(best.tolist())}
    weights = np.stack([solved[place][:, kind] for kind, place in enumerate(best.tolist())], 1)
    spread = np.sqrt(np.maximum(errors.min(0), 0) / max(len(posts) - border, 1))
    progress(1, 1)
    return Reception(language, idf, centre, scale, weights, mean, spread, (logs.max(0) > 0).astype(np.float64))


class _Moments(NamedTuple):
    """Sums over posts of x xᵀ (columns, columns), x yᵀ (columns, reactions) and y² (reactions,)."""

    products: Floats
    answers: Floats
    squares: Floats


def _moments(
    posts: Sequence[Written],
    past: Floats,
    vectors: npt.NDArray[np.float32] | None,
    answers: Floats,
    idf: Floats,
    centre: Floats,
    scale: Floats,
    progress: Progress = quiet,
) -> _Moments:
    dense_columns = len(centre) + (0 if vectors is None else vectors.shape[1])
    columns = dense_columns + len(idf)
    products, sums = np.zeros((columns, columns)), np.zeros((columns, answers.shape[1]))
    for begin in range(0, len(posts), _BATCH):
        rows = slice(begin, begin + _BATCH)
        some = None if vectors is None else vectors[rows]
        dense, words = _described(posts[rows], past[rows], some, idf, centre, scale)
        products[:dense_columns, :dense_columns] += dense.T @ dense
        products[dense_columns:, :dense_columns] += words.T @ dense
        own = (words.T @ words).tocoo()
        products[dense_columns + own.row, dense_columns + own.col] += own.data
        sums[:dense_columns] += dense.T @ answers[rows]
        sums[dense_columns:] += words.T @ answers[rows]
        progress(begin + _BATCH, len(posts))
    products[:dense_columns, dense_columns:] = products[dense_columns:, :dense_columns].T
    return _Moments(products, sums, (answers**2).sum(0))


def _solved(moments: _Moments, penalty: float, plain: slice) -> Floats:
    products, answers, _ = moments
    penalties = np.full(len(products), penalty)
    penalties[plain] = _PLAIN_PENALTY
    damped = products + np.diag(penalties)
    weights: Floats = scipy.linalg.solve(damped, answers, assume_a="pos", overwrite_a=True)
    return weights


def _squared_error(moments: _Moments, weights: Floats) -> Floats:
    products, answers, squares = moments
    error: Floats = squares - 2 * (weights * answers).sum(0) + (weights * (products @ weights)).sum(0)
    return error


def _described(
    posts: Sequence[Written],
    past: Floats,
    vectors: npt.NDArray[np.float32] | None,
    idf: Floats,
    centre: Floats,
    scale: Floats,
) -> tuple[Floats, csr_matrix]:
    """The dense columns (posts, vector + form + past) and the words (posts, buckets) of unit length."""
    plain = np.concatenate([_form(posts), past], axis=1)
    plain = np.clip((plain - centre) / scale, -_FURTHEST, _FURTHEST)
    dense = plain if vectors is None else np.concatenate([vectors.astype(np.float64) * _VECTOR_SCALE, plain], axis=1)
    counts = _counted(posts, len(idf))
    counts.data = np.log1p(counts.data) * idf[counts.indices]
    lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(1))).ravel()
    return dense, csr_matrix(counts.multiply(1 / np.maximum(lengths, 1e-9)[:, None]))


def _counted(posts: Sequence[Written], buckets: int) -> csr_matrix:
    known: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for post in posts:
        for word in _WORDS.findall(post.text.lower()):
            if word not in known:
                known[word] = xxhash.xxh3_64_intdigest(word.encode()) % buckets
            columns.append(known[word])
        ends.append(len(columns))
    found = csr_matrix((np.ones(len(columns)), np.asarray(columns, np.int64), ends), (len(posts), buckets))
    found.sum_duplicates()
    return found


def _rarity(posts: Sequence[Written], buckets: int) -> Floats:
    counts = _counted(posts, buckets)
    seen = np.bincount(counts.indices, minlength=buckets)
    rarity: Floats = np.where(seen >= 2, np.log(len(posts) / np.maximum(seen, 1)) + 0.1, 0.0)
    return rarity


def _form(posts: Sequence[Written]) -> Floats:
    """(posts, columns) what shows of a post without reading it."""
    return np.array([list(_form_of(post)) for post in posts])


def _form_of(post: Written) -> Iterator[float]:
    text = post.text
    yield from (post.reply, post.quote, post.media, bool(_LINKS.search(text)))
    yield from (text.startswith("@"), text.startswith((".@", '"@')), len(_TAGS.findall(text)), text.count("@"))
    yield from (text.count("!"), text.count("?"), np.log1p(len(text)), any(char.isdigit() for char in text))
    yield sum(char.isupper() for char in text) / max(len(text), 1)
    turn = 2 * np.pi * (post.at % _DAY) / _DAY
    yield from (np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn))
    yield from (float(post.at // _DAY % 7 == day) for day in range(7))
