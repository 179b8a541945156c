"""The draft guard on labelled posts: English (Davidson), German (GermEval 2018), Vietnamese (ViHSD).

The peers are measured in the same run on the same split: the signals without any training, logistic regression on words
alone (TF-IDF), and multinomial naive Bayes on words. Thresholds for macro-F1 are chosen on the held-out fifth of the
training part, never on the test part. Rows without a text are left out.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from result import Row
from scipy import optimize, sparse

from myna.drafts.learning import ENOUGH, Samples, probabilities, samples, train
from myna.drafts.logistic import auc
from myna.drafts.model import Model
from myna.network import Problem

_SETS = ("davidson_hate_offensive", "germeval2018_offensive", "vihsd_vietnamese_hate")


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """data: the folder that holds the sets, one set's folder, or a file with text and label (0 or 1)."""
    root = data or Path(os.environ.get("MYNA_DATA", Path(__file__).parents[1].parent / "shared" / "data"))
    found = 0
    for name, texts, labels, test in _sets(root):
        found += 1
        yield from _measure(name, texts, labels, test, quick)
    if not found:
        raise Problem(f"There are no labelled posts in {root}: give --data DIR with {', '.join(_SETS)}, or --file F.")


def _sets(root: Path) -> Iterator[tuple[str, list[str], np.ndarray, np.ndarray]]:
    """(name, texts, labels, whether each is of the test part)."""
    if root.is_file():
        frame = pl.read_parquet(root) if root.suffix == ".parquet" else pl.read_ndjson(root)
        frame = frame.drop_nulls(["text", "label"])
        yield root.stem, frame["text"].to_list(), frame["label"].to_numpy() > 0, _fifth(frame.height)
        return
    folders = [root] if root.name in _SETS else [root / name for name in _SETS]
    for folder in folders:
        if folder.name == _SETS[0] and (folder / "tweets.parquet").exists():
            frame = pl.read_parquet(folder / "tweets.parquet").drop_nulls("text")
            yield (
                folder.name,
                frame["text"].to_list(),
                (frame["label_name"] != "neither").to_numpy(),
                _fifth(frame.height),
            )
        elif folder.name == _SETS[1] and (folder / "tweets.parquet").exists():
            frame = pl.read_parquet(folder / "tweets.parquet").drop_nulls("text")
            test = (frame["split"] != "training").to_numpy()
            yield folder.name, frame["text"].to_list(), (frame["coarse"] != "OTHER").to_numpy(), test
        elif (folder / "train.parquet").exists():
            parts = [pl.read_parquet(folder / f"{part}.parquet").drop_nulls("text") for part in ("train", "dev")]
            known = set(parts[0]["text"].to_list())  # the README warns of texts that are in both
            parts[1] = parts[1].filter(~pl.col("text").is_in(known))
            frame = pl.concat(parts)
            test = np.arange(frame.height) >= parts[0].height
            yield folder.name, frame["text"].to_list(), frame["label"].to_numpy() > 0, test


def _fifth(count: int) -> np.ndarray:
    return np.random.default_rng(7).random(count) < 0.2


def _measure(name: str, texts: list[str], labels: np.ndarray, test: np.ndarray, quick: bool) -> Iterator[Row]:
    if quick:
        keep = np.random.default_rng(3).permutation(len(texts))[:6000]
        texts, labels, test = [texts[at] for at in keep], labels[keep], test[keep]
    whole = samples(texts, labels.astype(float))
    fitted, kept = _part(whole, ~test), _part(whole, test)
    if min(fitted.y.sum(), (1 - fitted.y).sum()) < ENOUGH:
        raise Problem(f"{name} has fewer than {ENOUGH} texts of a kind to train on.")
    begun = time.process_time()
    model = train(fitted, None)
    seconds = time.process_time() - begun
    begun = time.process_time()
    scores = {"ours": probabilities(model, samples(kept.texts, kept.y), None)}
    each = 1e3 * (time.process_time() - begun) / len(kept.texts)
    held = np.random.default_rng(0).random(len(fitted.texts)) < 0.2  # the fifth that `train` does not fit to
    tuned = {"ours": probabilities(model, _part(fitted, held), None)}
    for peer, of in (("signals alone", _prior), ("word LR", _words), ("word naive Bayes", _bayes)):
        tuned[peer], scores[peer] = of(_part(fitted, ~held), _part(fitted, held), kept)
    y, y_tuned = kept.y, fitted.y[held]
    at = {who: _best(tuned[who], y_tuned) for who in scores}
    yield _row(f"{name}: macro-F1", "", {who: _macro(scores[who] >= at[who], y) for who in scores})
    yield _row(f"{name}: AUC", "", {who: auc(scores[who], y) for who in scores})
    for rate in (0.01, 0.05):
        yield _row(
            f"{name}: recall at {rate:.0%} false alarms", "", {who: _recall(scores[who], y, rate) for who in scores}
        )
    yield Row(
        f"{name}: calibration error (ECE)", "", round(_ece(scores["ours"], y), 4), asked=0.03, more_is_better=False
    )
    yield Row(f"{name}: training", "CPU s", round(seconds, 1), more_is_better=False)
    yield Row(f"{name}: one text", "CPU ms", round(each, 3), asked=20, more_is_better=False)


def _row(what: str, unit: str, values: dict[str, float]) -> Row:
    return Row(what, unit, round(values["ours"], 4), {who: round(v, 4) for who, v in values.items() if who != "ours"})


def _part(found: Samples, rows: np.ndarray) -> Samples:
    texts = [text for text, keep in zip(found.texts, rows, strict=True) if keep]
    return Samples(texts, found.signals[rows], found.y[rows], found.readers[rows], found.weight[rows])


def _prior(_: Samples, tuned: Samples, kept: Samples) -> tuple[np.ndarray, np.ndarray]:
    return probabilities(Model(), tuned, None), probabilities(Model(), kept, None)


def _vocabulary(texts: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for text in texts:
        for word in set(text.lower().split()):
            counts[word] = counts.get(word, 0) + 1
    return {word: at for at, word in enumerate(word for word, count in counts.items() if count > 1)}


def _bag(texts: list[str], vocabulary: dict[str, int]) -> sparse.csr_matrix:
    rows, columns = [], []
    for row, text in enumerate(texts):
        for word in text.lower().split():
            if word in vocabulary:
                rows.append(row)
                columns.append(vocabulary[word])
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), (len(texts), len(vocabulary)))


def _words(fitted: Samples, tuned: Samples, kept: Samples) -> tuple[np.ndarray, np.ndarray]:
    vocabulary = _vocabulary(fitted.texts)
    bags = [_bag(part.texts, vocabulary) for part in (fitted, tuned, kept)]
    idf = np.log((1 + len(fitted.texts)) / (1 + (bags[0] > 0).sum(axis=0).A1)) + 1
    scaled = []
    for bag in bags:
        weighted = bag @ sparse.diags(idf)
        norm = np.sqrt(weighted.multiply(weighted).sum(axis=1).A1)
        scaled.append(sparse.diags(1 / np.maximum(norm, 1e-9)) @ weighted)
    x, sign = scaled[0], 2 * fitted.y - 1

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (x @ weights[:-1] + weights[-1])
        slope = -sign / (1 + np.exp(np.clip(margin, -500, 500)))
        value = np.logaddexp(0, -margin).sum() + 0.5 * weights[:-1] @ weights[:-1]
        return value, np.r_[x.T @ slope + weights[:-1], slope.sum()]

    found = optimize.minimize(
        objective, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 100}
    )
    return scaled[1] @ found.x[:-1] + found.x[-1], scaled[2] @ found.x[:-1] + found.x[-1]


def _bayes(fitted: Samples, tuned: Samples, kept: Samples) -> tuple[np.ndarray, np.ndarray]:
    vocabulary = _vocabulary(fitted.texts)
    bags = [_bag(part.texts, vocabulary) for part in (fitted, tuned, kept)]
    sums = [np.asarray(bags[0][fitted.y == label].sum(axis=0)).ravel() + 1 for label in (0, 1)]
    weights = np.log(sums[1] / sums[1].sum()) - np.log(sums[0] / sums[0].sum())
    return bags[1] @ weights, bags[2] @ weights


def _macro(said: np.ndarray, y: np.ndarray) -> float:
    scores = []
    for wanted in (False, True):
        hit = ((said == wanted) & ((y > 0) == wanted)).sum()
        scores.append(2 * hit / max((said == wanted).sum() + ((y > 0) == wanted).sum(), 1))
    return float(np.mean(scores))


def _best(scores: np.ndarray, y: np.ndarray) -> float:
    return float(
        max(np.unique(np.quantile(scores, np.linspace(0.01, 0.99, 99))), key=lambda at: _macro(scores >= at, y))
    )


def _recall(scores: np.ndarray, y: np.ndarray, rate: float) -> float:
    calm = np.sort(scores[y == 0])[::-1]
    return float((scores[y > 0] > calm[int(rate * len(calm))]).mean())


def _ece(scores: np.ndarray, y: np.ndarray) -> float:
    bins = np.minimum((scores * 10).astype(int), 9)
    return float(
        sum(abs(scores[bins == b].mean() - y[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist()))
    )
