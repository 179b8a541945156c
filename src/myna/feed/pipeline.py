"""The feed: this list is all of it, top to bottom.

A request goes through the sources, whose finds are put together; through the filters, each of which may drop; to the
gate, which is asked about every post that is left; to the ranking model, which gives each its probabilities; through
the scorers, in this order; and to the selector. What was decided is then written to the decision log.
"""

from dataclasses import dataclass, replace

import numpy as np

from myna.feed.candidates import Candidates, Filter, Query, Source
from myna.feed.filters.blocked import Blocked
from myna.feed.filters.blocked_by import BlockedBy
from myna.feed.filters.closed import Closed
from myna.feed.filters.deleted import Deleted
from myna.feed.filters.direct import Direct
from myna.feed.filters.duplicate import Duplicate
from myna.feed.filters.muted import Muted
from myna.feed.filters.not_permitted import NotPermitted
from myna.feed.filters.other_language import OtherLanguage
from myna.feed.filters.own import Own
from myna.feed.filters.seen import Seen
from myna.feed.filters.shown import Shown
from myna.feed.filters.shown_less import ShownLess
from myna.feed.filters.stray_reply import StrayReply
from myna.feed.filters.too_old import TooOld
from myna.feed.scorers.author_diversity import AuthorDiversity
from myna.feed.scorers.out_of_network import OutOfNetwork
from myna.feed.scorers.show_less import ShowLess
from myna.feed.scorers.weighted_sum import WeightedSum
from myna.feed.selector import Top
from myna.feed.slate import Scorer, Slate
from myna.feed.sources.in_network import InNetwork
from myna.feed.sources.newest import Newest
from myna.feed.sources.similar_taste import SimilarTaste
from myna.feed.sources.topical import Topical
from myna.feed.sources.trending import Trending
from myna.people.columns import Array


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages of a feed. sources: each with how many of its finds, after filtering, may be ranked."""

    sources: tuple[tuple[Source, int], ...]
    filters: tuple[Filter, ...]
    permission: NotPermitted
    scorers: tuple[Scorer, ...]
    selector: Top


FOR_YOU = Pipeline(
    sources=(
        (InNetwork(), 180),
        (SimilarTaste(), 110),
        (Topical(), 70),
        (Trending(), 60),
        (Newest(), 50),
    ),
    filters=(
        Deleted(),
        Closed(),
        Direct(),
        Own(),
        Shown(),
        Blocked(),
        BlockedBy(),
        Muted(),
        ShownLess(),
        Seen(),
        TooOld(),
        OtherLanguage(),
        StrayReply(),
        Duplicate(),
    ),
    permission=NotPermitted(),
    scorers=(WeightedSum(), ShowLess(), OutOfNetwork(), AuthorDiversity()),
    selector=Top(),
)

CHRONOLOGICAL: tuple[Filter, ...] = (Deleted(), Direct(), Shown(), Blocked(), BlockedBy(), Muted())
"""What the chronological modes drop (see `chronology.py`); the gate is asked there too."""

Dropped = dict[str, Array]
"""By filter, the rows it dropped."""


def collect(query: Query, pipeline: Pipeline = FOR_YOU) -> Candidates:
    """What the sources find, put together: each post once, at the place of the first source that found it."""
    finds = [source.find(query) for source, _ in pipeline.sources]
    rows = np.concatenate([found[0] for found in finds])
    found = np.zeros((len(rows), len(finds)), np.float32)
    start = 0
    for place, (mine, measures, _) in enumerate(finds):
        found[start : start + len(mine), place] = np.maximum(measures, 1e-6)
        start += len(mine)
    via = np.concatenate([found_[2] for found_ in finds])
    unique, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    merged = np.zeros((len(unique), len(finds)), np.float32)
    np.maximum.at(merged, inverse, found)
    order = np.argsort(first, kind="stable")
    return Candidates(unique[order].astype(np.int64), merged[order], via[first][order])


def sift(query: Query, candidates: Candidates, filters: tuple[Filter, ...]) -> tuple[Candidates, Dropped]:
    """What passes the filters, and what each dropped."""
    dropped: Dropped = {}
    for stage in filters:
        keep = stage.keep(query, candidates)
        if not keep.all():
            dropped[stage.name] = candidates.rows[~keep]
            candidates = candidates.take(keep)
    return candidates, dropped


def limited(candidates: Candidates, pipeline: Pipeline = FOR_YOU) -> Candidates:
    """Each source's best finds, as many as it may have ranked."""
    chosen = np.zeros(len(candidates), bool)
    for place, (_, most) in enumerate(pipeline.sources):
        measures = candidates.found[:, place]
        best = np.argsort(-measures, kind="stable")[:most]
        chosen[best[measures[best] > 0]] = True
    return candidates.take(chosen)


def score(slate: Slate, scorers: tuple[Scorer, ...] = FOR_YOU.scorers) -> Slate:
    """The slate with its scores after all steps."""
    for step in scorers:
        slate = replace(slate, scores=step.score(slate))
    return slate
