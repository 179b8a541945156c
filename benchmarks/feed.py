"""The feed: how good its order is, how true its probabilities, and how long a page takes.

    myna bench feed [--data PATH] [--quick]

Quality is measured on a simulated network (with --data, the neutral format or an archive: then without the truth). The
last tenth of all views in time is held out: ours and its peers order the same views, sitting by sitting, by what was
known when they began. The oracle orders by the simulation's own probabilities, weighted as ours; nothing can do better
but by luck.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from result import Row

from myna.decisions import DecisionLog
from myna.feed import Feeds, Mode, Request
from myna.feed.ranking.examples import Examples, examples
from myna.feed.ranking.features import PLACE
from myna.feed.ranking.metrics import auc, calibration_error, ndcg
from myna.feed.ranking.model import ACTIONS
from myna.feed.ranking.training import FEWEST_VIEWS, fit_by_time
from myna.feed.scorers.weighted_sum import WEIGHTS, weight_vector
from myna.gate import Reader
from myna.network import Records
from myna.network.store import Store
from myna.people import Activity, Interests
from myna.sources import bring
from myna.world import World, generate
from myna.world.law import KINDS

_PEERS = {
    "newest first": ("age", -1),
    "popularity, faded by age": ("heat", 1),
    "like rate of the post": ("like_rate", 1),
    "like rate of the author": ("author_like_rate", 1),
    "user-kNN over likes": ("similar_taste", 1),
    "whom one follows": ("follows", 1),
}


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """All rows."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = Store(f"sqlite:///{home / 'facts.db'}")
        world = None
        if data is None:
            world = generate(300, 8_000, seed=5) if quick else generate(1_000, 40_000, seed=5)
            for batch in world.batches():
                store.append(batch, checked=True)
        else:
            bring(store, data)
        feeds = _open(home, store)
        begun = time.process_time()
        feeds.follow()
        yield Row(
            "state from the log, first time, with topics", "s of CPU", time.process_time() - begun, more_is_better=False
        )
        yield from ranking(feeds, world, 12_000 if quick else 40_000)
        store.close()
    yield from latency(20_000 if quick else 100_000, quick)


def _open(home: Path, store: Store) -> Feeds:
    reader = Reader(store)
    interests = Interests(home / "people", reader, Records(store, "interests"))
    return Feeds(home / "feed", reader, DecisionLog(store), interests)


# -- quality -------------------------------------------------------------------------------------------------------


def ranking(feeds: Feeds, world: World | None, most: int) -> Iterator[Row]:
    """AUC, calibration and nDCG@10 on the last tenth of time, with the peers, the item-kNN and the oracle."""
    activity = feeds.interests.activity
    begun = time.process_time()
    found = examples(activity.shadow(), feeds.interests.known, most)
    if len(found) < FEWEST_VIEWS:
        return
    second = int(0.9 * len(found))
    model = fit_by_time(found.take(np.arange(second)))
    yield Row("training on logged views", "s of CPU", time.process_time() - begun, {}, 60.0, more_is_better=False)
    test = found.take(np.arange(second, len(found)))
    p = model.probabilities(test.table)
    truth = _truth(world, test, activity) if world is not None else None
    for action in ("like", "reply", "repost", "click", "dwell", "show_less"):
        place = ACTIONS.index(action)
        labels = test.labels[:, place]
        if labels.sum() < 20:
            continue
        peers = {} if truth is None or action == "dwell" else {"oracle": auc(truth[:, place], labels)}
        yield Row(f"AUC of {action}, held-out views", "", auc(p[:, place], labels), peers)
        ratio = float(p[:, place].sum() / labels.sum())
        yield Row(f"predicted over actual, {action}", "", ratio)
    like = ACTIONS.index("like")
    yield Row(
        "calibration error of like", "", calibration_error(p[:, like], test.labels[:, like]),
        {} if truth is None else {"oracle": calibration_error(truth[:, like], test.labels[:, like])},
        0.01, more_is_better=False,
    )  # fmt: skip
    engaged = test.labels[:, [ACTIONS.index(a) for a in ("like", "reply", "repost")]].any(axis=1).astype(float)
    weights = weight_vector(WEIGHTS)
    peers = {
        name: ndcg(sign * test.table[:, PLACE[feature]], engaged, test.session)
        for name, (feature, sign) in _PEERS.items()
    }
    peers["item-kNN over likes"] = ndcg(_item_knn(found.take(np.arange(second)), test), engaged, test.session)
    if truth is not None:
        peers["oracle"] = ndcg(truth @ weights, engaged, test.session)
    ours = ndcg(p @ weights, engaged, test.session)
    yield Row("nDCG@10 of liked, answered, reposted, by sitting", "", ours, peers)
    yield Row("nDCG@10, lead over the best peer", "", ours - max(v for k, v in peers.items() if k != "oracle"), {}, 0.0)
    if truth is not None:
        # A sitting holds few views: even a random order reaches much. What was gained over it, of what could be.
        chance = float(
            np.mean([ndcg(np.random.default_rng(s).random(len(test)), engaged, test.session) for s in range(5)])
        )
        share = (ours - chance) / (peers["oracle"] - chance)
        yield Row(
            "nDCG@10, share of the oracle's", "", ours / peers["oracle"], {"random": chance / peers["oracle"]}, 0.9
        )
        yield Row("nDCG@10, share of the oracle's gain over chance", "", share)


def _truth(world: World, test: Examples, activity: Activity) -> np.ndarray:
    """(views, actions) the probabilities that the simulation drew from, at the same views."""
    n = len(world.people)
    seen = world.seen
    key = seen.post.astype(np.int64) * n + seen.reader
    order = np.argsort(key, kind="stable")
    # The simulation numbers its people and posts from one: world:p7, world:42.
    people = np.array([int(activity.people_ids.ids[row].split(":p")[1]) - 1 for row in test.people.tolist()], np.int64)
    posts = np.array([int(activity.post_ids.ids[row].split(":")[1]) - 1 for row in test.posts.tolist()], np.int64)
    wanted = posts * n + people
    rows = order[np.searchsorted(key[order], wanted)]
    assert (key[rows] == wanted).all()
    found = world.truth.probabilities(rows)
    table = np.zeros((len(test), len(ACTIONS)))
    for place, action in enumerate(ACTIONS):
        if action in KINDS:
            table[:, place] = found[:, KINDS.index(action)]
    return table


def _item_knn(train: Examples, test: Examples) -> np.ndarray:
    """How near each post is to what its viewer liked before: cosine over the likers, from the views trained on."""
    like = ACTIONS.index("like")
    liked = train.labels[:, like]
    by_person: dict[int, list[int]] = {}
    likers: dict[int, set[int]] = {}
    for person, post in zip(train.people[liked].tolist(), train.posts[liked].tolist(), strict=True):
        by_person.setdefault(person, []).append(post)
        likers.setdefault(post, set()).add(person)
    scores = np.zeros(len(test))
    for i, (person, post) in enumerate(zip(test.people.tolist(), test.posts.tolist(), strict=True)):
        mine = likers.get(post)
        if mine:
            scores[i] = sum(
                len(mine & likers[other]) / (len(mine) * len(likers[other])) ** 0.5
                for other in by_person.get(person, ())
            )
    return scores


# -- speed ---------------------------------------------------------------------------------------------------------


def latency(posts: int, quick: bool) -> Iterator[Row]:
    """What a page costs, all stages and the decision's write with it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = Store(f"sqlite:///{home / 'facts.db'}")
        for batch in generate(max(posts // 40, 50), posts, seed=6).batches():
            store.append(batch, checked=True)
        feeds = _open(home, store)
        feeds.follow()
        again = _open(home, store)
        begun = time.process_time()
        again.follow()
        yield Row(
            f"state of {posts:,} posts from its snapshot", "s of CPU", time.process_time() - begun, more_is_better=False
        )
        people = feeds.interests.activity.people_ids.ids
        rng = np.random.default_rng(0)
        now = int(feeds.interests.activity.posts["created"].max())
        for mode in Mode:
            taken: list[float] = []
            wall: list[float] = []
            for _ in range(40 if quick else 200):
                request = Request(people[int(rng.integers(len(people)))], now, mode=mode)
                begun_cpu, begun_wall = time.process_time(), time.perf_counter()
                feeds.feed(request)
                taken.append(1000 * (time.process_time() - begun_cpu))
                wall.append(1000 * (time.perf_counter() - begun_wall))
            asked: Any = 50.0 if mode is Mode.FOR_YOU else None
            for name, share in (("median", 0.5), ("99 of 100", 0.99)):
                yield Row(
                    f"page of {mode} over {posts:,} posts, {name}",
                    "ms of CPU",
                    float(np.quantile(taken, share)),
                    {"wall clock": float(np.quantile(wall, share))},
                    asked if share == 0.5 else None,
                    more_is_better=False,
                )
        store.close()
