"""Examples to learn from: each first view of a post, as it was then, and what followed it.

The log is gone through again in the order of time. Whenever a sampled session of views begins, the features of its
posts are computed by the very code that serves requests, from a state that holds only what came before: nothing that
happened later can leak in, and nothing is different at serving.
"""

from dataclasses import dataclass

import numpy as np

from myna.feed.asking import ask
from myna.feed.ranking.features import NAMES, features
from myna.feed.ranking.model import ACTIONS
from myna.feed.types import Request
from myna.network import Progress, quiet
from myna.people.activity import DAY, DWELT, Activity, Event
from myna.people.columns import Array
from myna.people.taste import evidence
from myna.people.topics import Topics

_SESSION = DAY // 48
_LABEL = {
    "like": Event.LIKE,
    "reply": Event.REPLY,
    "repost": Event.REPOST,
    "click": Event.CLICK,
    "dwell": Event.DWELL,
    "show_less": Event.SHOW_LESS,
    "report": Event.REPORT,
}
_MOST_SESSIONS = 12_000
"""A session costs about a millisecond, however few its views."""
_WARM_UP = 0.05
"""Of the views, the first: of them nothing was known yet."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Views in the order of time. table: (n, features) float32. labels: (n, actions) bool. at: (n,) milliseconds.
    people, posts: (n,) rows. session: (n,) the views of one sitting share it."""

    table: Array
    labels: Array
    at: Array
    people: Array
    posts: Array
    session: Array

    def __len__(self) -> int:
        return len(self.at)

    def take(self, kept: Array) -> "Examples":
        """Those at these places."""
        return Examples(
            self.table[kept], self.labels[kept], self.at[kept], self.people[kept], self.posts[kept], self.session[kept]
        )


def views(activity: Activity) -> tuple[Array, Array, Array, Array]:
    """First views of posts that stand: (person, post, at), each (n,), in the order of time, and their labels."""
    events = activity.events
    rows = np.flatnonzero((events["kind"] == Event.SEEN) & activity.posts["alive"][events["post"]])
    rows = rows[np.argsort(events["at"][rows], kind="stable")]
    size = max(len(activity.post_ids), len(activity.posts), 1)
    key = events["person"].astype(np.int64) * size + events["post"]
    rows = np.sort(rows[np.unique(key[rows], return_index=True)[1]])
    rows = rows[np.argsort(events["at"][rows], kind="stable")]
    labels = np.zeros((len(rows), len(ACTIONS)), bool)
    for place, action in enumerate(ACTIONS):
        done = events["kind"] == _LABEL[action]
        if action == "dwell":
            done = done & (events["value"] >= DWELT)
        # The last time each was done decides: what a person did before they were shown it is no answer to it.
        theirs, at = key[done], events["at"][done]
        order = np.lexsort((at, theirs))
        theirs, at = theirs[order], at[order]
        found = np.searchsorted(theirs, key[rows], side="right") - 1
        hit = found >= 0
        labels[hit, place] = (theirs[found[hit]] == key[rows][hit]) & (at[found[hit]] >= events["at"][rows][hit])
    return events["person"][rows], events["post"][rows], events["at"][rows], labels


def examples(past: Activity, topics: Topics, most: int = 60_000, seed: int = 0, progress: Progress = quiet) -> Examples:
    """At most `most` views with their features, by whole sessions, sampled over all time.

    past: a `shadow()`: a state in which nothing has been done yet; it is filled as this goes on.
    """
    person, post, at, labels = views(past)
    n = len(person)
    session = person.astype(np.int64) * (2**31) + at // _SESSION
    names, member = np.unique(session, return_inverse=True)
    begins = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(begins, member, at)
    sizes = np.bincount(member, minlength=len(names))
    warm = begins >= (at[int(n * _WARM_UP)] if n else 0)
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(warm))
    order = order[: int(np.searchsorted(np.cumsum(sizes[order]), most, side="right")) or 1]
    order = order[:_MOST_SESSIONS]
    order = order[np.argsort(begins[order], kind="stable")]
    by_member = np.argsort(member, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])

    events = past.events
    sequence = np.argsort(events["at"], kind="stable").tolist()
    times = events["at"][sequence].tolist() if sequence else []
    columns = [events[name].tolist() for name in ("person", "post", "kind")]
    columns += [past.clock(events["at"]).tolist(), events["value"].tolist()]
    edge_order = np.argsort(past.edges["at"], kind="stable").tolist()
    edges = list(zip(*(past.edges[name].tolist() for name in ("person", "other", "kind", "at", "on")), strict=True))
    next_event = next_edge = 0
    tables: list[Array] = []
    kept: list[Array] = []
    for count, name in enumerate(order.tolist()):
        now = int(begins[name])
        while next_event < len(sequence) and times[next_event] < now:
            row = sequence[next_event]
            past.apply(row, *(column[row] for column in columns))
            next_event += 1
        while next_edge < len(edge_order) and edges[edge_order[next_edge]][3] < now:
            past.relations.set(*edges[edge_order[next_edge]])
            next_edge += 1
        views_ = by_member[starts[name] : starts[name + 1]]
        who = int(person[views_[0]])
        request = Request(past.people_ids.ids[who], now)
        tick = past.tick(now)
        query = ask(request, past, topics, evidence(past, who, tick), clock=(tick, 0))
        rows = post[views_].astype(np.int64)
        tables.append(features(query, rows, _reposters(past, query.follows, rows)))
        kept.append(views_)
        if count % 500 == 0:
            progress(count, len(order))
    progress(len(order), len(order))
    if not kept:
        none = np.zeros(0, np.int64)
        return Examples(np.zeros((0, len(NAMES)), np.float32), labels[:0], none, none, none, none)
    places = np.concatenate(kept)
    by_time = np.argsort(at[places], kind="stable")
    places = places[by_time]
    return Examples(
        np.concatenate(tables)[by_time], labels[places], at[places], person[places], post[places], member[places]
    )


def _reposters(past: Activity, follows: frozenset[int], rows: Array) -> Array:
    """Who, of those followed, had reposted each post; -1 for nobody."""
    via = np.full(len(rows), -1)
    for place, row in enumerate(rows.tolist()):
        if past.counts["reposts"][row]:
            via[place] = next(
                (person for person in past.likers.get(row, ()) if person in follows and _did(past, person, row)), -1
            )
    return via


def _did(past: Activity, person: int, row: int) -> bool:
    kinds, posts = past.events["kind"], past.events["post"]
    return any(posts[event] == row and kinds[event] == Event.REPOST for event in past.history.get(person, ()))
