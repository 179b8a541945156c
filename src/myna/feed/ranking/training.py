"""Training the ranking model: on the first 80 % of time, judged on the last 10 %.

The probabilities are corrected on what lies between 40 and 90 %: half of it was trained on, which a model this small
can bear, and a tenth alone holds too few likes to tell a drift from luck (measured: 12 % nearer to the truth).
"""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from myna.feed.ranking.examples import Examples, examples, views
from myna.feed.ranking.features import PLACE
from myna.feed.ranking.metrics import auc, calibration_error, ndcg
from myna.feed.ranking.model import ACTIONS, Model, sigmoid
from myna.feed.scorers.weighted_sum import WEIGHTS, weight_vector
from myna.network import Progress, quiet
from myna.people.activity import Activity
from myna.people.columns import Array
from myna.people.topics import Topics

FEWEST_VIEWS = 500
FEWEST_LIKES = 30
_FEWEST_POSITIVES = 25
"""Of an action in the training data, for more than its rate to be learnt."""
_UNITS = 8
_EPOCHS = 8
_BATCH = 1024
_PRIOR = 30.0
"""Half the precision of the normal prior on every weight."""
_MOST = 60_000


def train(
    past: Activity, topics: Topics, progress: Progress = quiet, most: int = _MOST, seed: int = 0
) -> tuple[Model | None, dict[str, Any]]:
    """A model and how it does; None, and why, where there is too little to learn from.

    past: a `shadow()` of the activity; filled as this goes on.
    """
    started = time.monotonic()
    _, _, _, labels = views(past)
    likes = int(labels[:, ACTIONS.index("like")].sum()) if len(labels) else 0
    if len(labels) < FEWEST_VIEWS or likes < FEWEST_LIKES:
        return None, {
            "trained": False, "views": len(labels), "likes": likes,
            "note": f"{FEWEST_VIEWS} views and {FEWEST_LIKES} likes after a view are needed; the prior ranks",
        }  # fmt: skip
    found = examples(past, topics, most, seed, progress)
    second = int(0.9 * len(found))
    model = fit_by_time(found.take(np.arange(second)), seed)
    metrics = judge(model, found.take(np.arange(second, len(found))))
    metrics |= {"trained": True, "views": len(labels), "examples": len(found), "seconds": time.monotonic() - started}
    return replace(model, metrics=metrics), metrics


def fit_by_time(found: Examples, seed: int = 0) -> Model:
    """Fits on the first eight ninths of these, corrects on the last five."""
    first, later = int(len(found) * 8 / 9), int(len(found) * 4 / 9)
    return fit(found.take(np.arange(first)), found.take(np.arange(later, len(found))), seed)


def fit(train: Examples, calibrate: Examples, seed: int = 0) -> Model:
    """Fits the two parts by Adam on the sum of the actions' log losses, then each action's scale and shift."""
    import torch  # here: serving needs none of it

    torch.manual_seed(seed)
    mean = train.table.mean(axis=0)
    scale = train.table.std(axis=0)
    scale = np.where(scale > 1e-4, scale, 1).astype(np.float32)
    x = torch.from_numpy(np.clip((train.table - mean) / scale, -6, 6).astype(np.float32))
    y = torch.from_numpy(train.labels.astype(np.float32))
    rate = np.clip(train.labels.mean(axis=0), 1e-5, 1 - 1e-5)
    learnt = torch.from_numpy((train.labels.sum(axis=0) >= _FEWEST_POSITIVES).astype(np.float32))
    features, actions = train.table.shape[1], len(ACTIONS)
    linear = torch.zeros(features, actions, requires_grad=True)
    hidden = (torch.randn(features, _UNITS) / features**0.5).requires_grad_()
    hidden_bias = torch.zeros(_UNITS, requires_grad=True)
    out = torch.zeros(_UNITS, actions, requires_grad=True)
    bias = torch.tensor(np.log(rate / (1 - rate)), dtype=torch.float32, requires_grad=True)
    weights = [linear, hidden, hidden_bias, out, bias]
    steps = _EPOCHS * max(len(x) // _BATCH, 4)
    optimizer = torch.optim.Adam(weights, lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = torch.Generator().manual_seed(seed)
    step = 0
    while step < steps:
        for batch in torch.randperm(len(x), generator=order).split(_BATCH):  # type: ignore[no-untyped-call]
            logits = x[batch] @ (linear * learnt)
            logits = logits + torch.relu(x[batch] @ hidden + hidden_bias) @ (out * learnt) + bias
            losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, y[batch], reduction="none")
            # The same prior for each action, so that the rarer it is, the less its few cases can say.
            prior = (linear * learnt).square().sum() + (out * learnt).square().sum() + hidden.square().sum()
            loss = losses.mean(dim=0).sum() + _PRIOR * prior / len(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step >= steps:
                break
    raw = Model(
        mean, scale, (linear * learnt).detach().numpy(), hidden.detach().numpy(), hidden_bias.detach().numpy(),
        (out * learnt).detach().numpy(), bias.detach().numpy(), np.ones(actions), np.zeros(actions), {},
    )  # fmt: skip
    fits = [platt(raw.logits(calibrate.table)[:, a], calibrate.labels[:, a]) for a in range(actions)]
    corrections = np.array(fits) if len(calibrate) else np.tile([1.0, 0.0], (actions, 1))
    return Model(
        raw.mean, raw.scale, raw.linear, raw.hidden, raw.hidden_bias, raw.out, raw.bias,
        corrections[:, 0], corrections[:, 1], {},
    )  # fmt: skip


def platt(logits: Array, labels: Array) -> tuple[float, float]:
    """(scale, shift) of the logits that best explain the labels (Platt 1999), drawn to (1, 0) where they are few."""
    drawn = np.array([20.0, 2.0])
    solution = np.array([1.0, 0.0])
    table = np.stack([logits, np.ones(len(logits))], axis=1)
    for _ in range(30):
        p = sigmoid(table @ solution)
        gradient = table.T @ (p - labels) + drawn * (solution - np.array([1.0, 0.0]))
        curvature = (table * (p * (1 - p))[:, None]).T @ table + np.diag(drawn)
        step = np.linalg.solve(curvature, gradient)
        solution = solution - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return float(np.clip(solution[0], 0.2, 3)), float(solution[1])


def judge(model: Model, test: Examples) -> dict[str, Any]:
    """How the model does on views it has not seen, beside simpler orders of the same views."""
    p = model.probabilities(test.table)
    engaged = test.labels[:, [ACTIONS.index(a) for a in ("like", "reply", "repost")]].any(axis=1).astype(float)
    orders = {
        "ours": p @ weight_vector(WEIGHTS),
        "recency": -test.table[:, PLACE["age"]],
        "popularity": test.table[:, PLACE["heat"]],
        "like_rate": test.table[:, PLACE["like_rate"]],
        "similar_taste": test.table[:, PLACE["similar_taste"]],
    }
    like = ACTIONS.index("like")
    result: dict[str, Any] = {
        "test": len(test),
        "auc": {a: auc(p[:, i], test.labels[:, i]) for i, a in enumerate(ACTIONS) if test.labels[:, i].sum() >= 10},
        "ece_like": calibration_error(p[:, like], test.labels[:, like]),
        "predicted_over_actual": {
            a: float(p[:, i].sum() / test.labels[:, i].sum()) for i, a in enumerate(ACTIONS) if test.labels[:, i].any()
        },
        "ndcg@10": {name: ndcg(order, engaged, test.session) for name, order in orders.items()},
    }
    return result
