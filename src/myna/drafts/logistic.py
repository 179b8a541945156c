"""Fitting the risk: a logistic model whose examples say how many readers had the chance to mind.

An example is a text that `readers` people saw; y = 1 if at least one of them minded. The model gives q, the probability
that at least one of `READERS` (20) minds; so the chance that at least one of n does is 1 - (1 - q)^(n / 20). With
n = 20 that is ordinary logistic regression, which is how a labelled example (offensive or not) enters.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from myna.network import Progress, quiet

READERS = 20
"""The probability is about so many readers."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Examples:
    """words: (examples, buckets) sparse; dense: (examples, columns) signals and embedding; the rest (examples,)."""

    words: sparse.csr_matrix
    dense: npt.NDArray[np.float32]
    y: Floats
    readers: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: npt.NDArray[np.bool_]) -> "Examples":
        """Some of them."""
        return Examples(self.words[rows], self.dense[rows], self.y[rows], self.readers[rows], self.weight[rows])


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the words (buckets,), of the dense columns (columns,), and the base."""

    words: Floats
    dense: Floats
    base: float

    def logits(self, examples: Examples) -> Floats:
        """(examples,) the logit of each."""
        found: Floats = examples.words @ self.words + examples.dense @ self.dense + self.base
        return found


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(np.where(logits >= 0, 1, np.exp(-np.abs(logits))) / (1 + np.exp(-np.abs(logits))))


def loss(logits: Floats, examples: Examples) -> tuple[float, Floats]:
    """The weighted negative log likelihood and its gradient by the logits (examples,)."""
    chance = examples.readers / READERS
    missed = np.maximum(chance * np.logaddexp(0, logits), 1e-12)  # -ln of the chance that nobody minds
    each = np.where(examples.y > 0, -np.log(-np.expm1(-missed)), missed)
    slope = chance * sigmoid(logits)
    gradient = np.where(examples.y > 0, -slope / np.expm1(np.minimum(missed, 500)), slope)
    return float(examples.weight @ each), examples.weight * gradient


def fit(
    examples: Examples,
    penalty: float,
    dense_penalty: Floats,
    prior: Floats,
    base: float,
    rounds: int,
    progress: Progress = quiet,
) -> Weights:
    """The maximum a posteriori weights under Gaussian priors, by L-BFGS.

    penalty: of the words' weights, towards 0. dense_penalty, prior: (columns,) of the dense weights, towards `prior`,
    so that a signal without evidence keeps the weight it had. base: where the base begins; it is not penalised.
    """
    columns = examples.words.shape[1]
    used = np.unique(examples.words.indices)  # weights of unseen buckets are 0: leave them out of the search
    lookup = np.zeros(columns, np.int64)
    lookup[used] = np.arange(len(used))
    words = sparse.csr_matrix(
        (examples.words.data, lookup[examples.words.indices], examples.words.indptr), (len(examples), len(used))
    )
    turned = words.T.tocsr()
    dense = examples.dense.astype(np.float64)

    def objective(weights: Floats) -> tuple[float, Floats]:
        inner, outer, start = weights[: len(used)], weights[len(used) : -1], weights[-1]
        value, by_logit = loss(words @ inner + dense @ outer + start, examples)
        away = outer - prior
        value += 0.5 * penalty * float(inner @ inner) + 0.5 * float(dense_penalty @ (away * away))
        gradient = np.concatenate(
            [turned @ by_logit + penalty * inner, dense.T @ by_logit + dense_penalty * away, [by_logit.sum()]]
        )
        return value, gradient

    done = 0

    def told(_: Floats) -> None:
        nonlocal done
        done += 1
        progress(done, rounds)

    begin = np.concatenate([np.zeros(len(used)), prior, [base]])
    found = optimize.minimize(
        *(objective, begin), jac=True, method="L-BFGS-B", callback=told, options={"maxiter": rounds, "maxcor": 8}
    )
    progress(1, 1)
    full = np.zeros(columns)
    full[used] = found.x[: len(used)]
    return Weights(full, found.x[len(used) : -1], float(found.x[-1]))


def calibrate(logits: Floats, examples: Examples) -> tuple[float, float]:
    """(slope, shift) so that slope * logit + shift is calibrated on examples not fitted on (Platt 1999).

    The slope is drawn lightly towards 1, and never turns the order round.
    """

    def objective(pair: Floats) -> tuple[float, Floats]:
        value, by_logit = loss(pair[0] * logits + pair[1], examples)
        return value + 0.5 * (pair[0] - 1) ** 2, np.array([by_logit @ logits + pair[0] - 1, by_logit.sum()])

    found = optimize.minimize(
        objective, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.05, 5), (-20, 20)]
    )
    return float(found.x[0]), float(found.x[1])


def auc(scores: Floats, y: Floats) -> float:
    """The chance that a random positive scores above a random negative, ties half; nan without both."""
    from scipy.stats import rankdata

    positive = y > 0
    many, few = int(positive.sum()), int((~positive).sum())
    if not many or not few:
        return float("nan")
    return float((rankdata(scores)[positive].sum() - many * (many + 1) / 2) / (many * few))


def threshold(scores: Floats, share: float) -> float:
    """The lowest score such that at most `share` of these reach it."""
    if not len(scores):
        return 0.5
    ordered = np.sort(scores)[::-1]
    return float(np.nextafter(ordered[min(int(share * len(scores)), len(scores) - 1)], np.inf))
