"""A feed as a decision: its output is a pure function of its logged input, at serving and at replay alike."""

from typing import Any

from myna.decisions import Decision
from myna.feed.pipeline import FOR_YOU, score
from myna.feed.ranking.model import ACTIONS
from myna.feed.reasons import reasons
from myna.feed.scorers.weighted_sum import WeightedSum
from myna.feed.slate import Slate, from_log
from myna.feed.types import Mode, WhyNot
from myna.i18n import N_
from myna.network import Problem

GENERAL = {
    Mode.FOR_YOU: N_("Ranked by how likely you are to like, answer or pass on each post, as {model} sees it."),
    Mode.FOLLOWING: N_("Posts of those you follow, newest first. No profile of you is used."),
    Mode.LATEST: N_("Everybody's posts, newest first. No profile of you is used."),
}

FILTERED = {
    "deleted": N_("It was deleted, or is not held here."),
    "closed": N_("Its author or the operator does not let it be recommended."),
    "direct": N_("It is a direct message."),
    "own": N_("You wrote it."),
    "shown": N_("It stood on an earlier page."),
    "blocked": N_("You blocked its author."),
    "blocked_by": N_("Its author does not show posts to you."),
    "muted": N_("You muted its author, or who reposted it."),
    "seen": N_("You had seen it."),
    "shown_less": N_("You asked to see less of it."),
    "too_old": N_("It was too old."),
    "other_language": N_("It is in a language that is not among yours."),
    "stray_reply": N_("It is a reply in a talk you are no part of."),
    "duplicate": N_("Another post says the same words."),
    "not_permitted": N_("You may not see it, or it may not be recommended to you."),
}


def decide(input: dict[str, Any], model: str) -> dict[str, Any]:
    """The output of a feed decision: which posts, in what order, with what scores and why."""
    mode = Mode(input["mode"])
    general = {"text": GENERAL[mode], "values": {"model": model} if mode is Mode.FOR_YOU else {}, "evidence": []}
    output: dict[str, Any] = {"reasons": [general], "ads": input["ads"]}
    if mode is not Mode.FOR_YOU:
        items = [{"post": id, "score": 0.0, "reasons": [input["facts"][id]]} for id in input["chosen"]]
        return output | {"items": items}
    slate = ranked(input)
    base = WeightedSum(input["weights"]).score(slate)
    items = []
    for place in FOR_YOU.selector.select(slate, input["limit"]).tolist():
        id, final = slate.ids[place], float(slate.scores[place])
        fact = input["facts"].get(id)
        items.append({"post": id, "score": final, "reasons": reasons(final, float(base[place]), fact) if fact else []})
    return output | {"items": items}


def ranked(input: dict[str, Any]) -> Slate:
    """The slate of a decision's input with its scores."""
    first, *others = FOR_YOU.scorers
    assert isinstance(first, WeightedSum)
    return score(from_log(input["slate"]), (WeightedSum(input["weights"]), *others))


def replayer(decision: Decision) -> dict[str, Any]:
    """Computes a feed again."""
    return decide(decision.input, decision.model)


def probabilities(input: dict[str, Any], chosen: list[str]) -> dict[str, dict[str, float]]:
    """By post, the probability of each action."""
    slate = from_log(input["slate"])
    place = {id: place for place, id in enumerate(slate.ids)}
    return {
        id: dict(zip(ACTIONS, slate.probabilities[place[id]].tolist(), strict=True)) for id in chosen if id in place
    }


def why_not(decision: Decision, post_id: str) -> WhyNot | None:
    """Why a post was not on the page of a decision, as far as the decision knows; None if it did not consider it."""
    if decision.kind != "feed":
        raise Problem(f"Decision {decision.id} is no feed but of kind {decision.kind!r}; give the id of a feed.", 422)
    items = decision.output["items"]
    if any(item["post"] == post_id for item in items):
        return WhyNot(post_id, "shown", N_("It is on this page."))
    for name, dropped in decision.input["dropped"].items():
        if post_id in dropped["ids"]:
            return WhyNot(post_id, name, FILTERED[name])
    if decision.input["mode"] != Mode.FOR_YOU or post_id not in decision.input["slate"]["ids"]:
        return None
    slate = ranked(decision.input)
    order = FOR_YOU.selector.select(slate, len(slate)).tolist()
    place = slate.ids.index(post_id)
    last = items[-1]["score"] if items else 0.0
    gap = last - float(slate.scores[place])
    values = {
        "rank": str(order.index(place) + 1), "count": str(len(slate)), "gap": f"{gap:.4f}", "limit": str(len(items)),
    }  # fmt: skip
    text = N_("It came {rank} of {count}; the page holds {limit}. Its score was {gap} below the last one shown.")
    return WhyNot(post_id, "score", text, values, gap)
