"""How well probabilities and orders do: AUC, calibration error, nDCG."""

import numpy as np

from myna.people.columns import Array


def auc(scores: Array, labels: Array) -> float:
    """The chance that a positive stands above a negative: ties count half. nan without both."""
    positive = labels > 0
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    _, places, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(places, ranks) / sizes)[places]
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def calibration_error(probabilities: Array, labels: Array, bins: int = 15) -> float:
    """Expected calibration error over bins of equal size: the mean distance between what was said and what came."""
    order = np.argsort(probabilities, kind="stable")
    error = 0.0
    for part in np.array_split(order, bins):
        if len(part):
            error += len(part) * abs(float(probabilities[part].mean()) - float(labels[part].mean()))
    return error / max(len(order), 1)


def ndcg(scores: Array, gains: Array, groups: Array, k: int = 10) -> float:
    """Mean nDCG@k over the groups (a person's posts of a day, say) that hold something gained. nan without any."""
    values = []
    discounts = 1 / np.log2(np.arange(2, k + 2))
    order = np.argsort(groups, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        best = np.sort(gains[part])[::-1][:k]
        if best.sum() <= 0 or len(part) < 2:
            continue
        # Ties are broken by position, which knows nothing: averaging over them would favour constants.
        chosen = gains[part][np.argsort(-scores[part], kind="stable")][:k]
        values.append(float((chosen * discounts[: len(chosen)]).sum() / (best * discounts[: len(best)]).sum()))
    return float(np.mean(values)) if values else float("nan")
