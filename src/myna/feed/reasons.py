"""Why a post stands in a feed, in words, each with its part of the score; the parts sum to the score.

The words say only what is so: a reason stands where its fact holds and it adds to the score. What no words stand for
is the last reason's part.
"""

from functools import cache
from typing import Any

from myna.feed.ranking.features import GROUPS
from myna.i18n import N_
from myna.people.types import Reason

FOLLOWS = N_("You follow {author}.")
REPOSTED = N_("{reposter}, whom you follow, reposted this.")
OFTEN = N_("You often like what {author} posts.")
ANSWERS = N_("{author} answers you.")
TASTE = N_("People who like what you like liked this.")
INTEREST = N_("You often like posts about {topic}.")
TRENDING = N_("Trending in {language}.")
TRENDING_ANY = N_("Trending on this network.")
LIKED_BY = N_("Liked here by {count}.")
FRESH = N_("It is new.")
REST = N_("Everything else about it.")
OWN = N_("You wrote this.")
EVERYBODY = N_("Everybody's posts, newest first.")

DIGITS = 9
"""Of a contribution in the log."""


def reasons(score: float, base: float, fact: dict[str, Any]) -> list[dict[str, Any]]:
    """The reasons of one post, as the log keeps them, the strongest first and the rest last.

    score: final; base: before the factors, that which the parts sum to. fact: what was so (`feeds.py` writes it):
    "parts": one number for what any post starts with, then one for each of GROUPS.
    """
    parts = dict(zip(("start", *GROUPS), fact["parts"], strict=True))
    scale = score / base if base else 0.0
    stated: list[dict[str, Any]] = []

    def state(text: str, part: float, evidence: list[str] | None = None, **values: str) -> None:
        contribution = round(part * scale, DIGITS)
        if contribution > 0:
            stated.append(
                {"text": text, "values": values, "evidence": evidence or [], "contribution": contribution}
            )  # fmt: skip

    relation = parts["relation"]
    if "reposter" in fact:
        state(REPOSTED, relation, reposter=fact["reposter"])
    elif fact["answers"]:
        state(ANSWERS, relation, author=fact["author"])
    elif fact["follows"]:
        state(FOLLOWS, relation, fact["theirs"], author=fact["author"])
    elif fact["theirs"]:
        state(OFTEN, relation, fact["theirs"], author=fact["author"])
    if fact["alike"]:
        state(TASTE, parts["taste"], fact["alike"])
    if fact["topic"]:
        state(INTEREST, parts["interest"], fact["about"], topic=fact["topic"])
    if fact["trending"]:
        if fact["language"]:
            state(TRENDING, parts["popularity"], language=fact["language"])
        else:
            state(TRENDING_ANY, parts["popularity"])
    elif fact["likes"]:
        state(LIKED_BY, parts["popularity"], count=str(fact["likes"]))
    state(FRESH, parts["recency"])
    stated.sort(key=lambda reason: -reason["contribution"])
    rest = score - sum(reason["contribution"] for reason in stated)
    return [*stated, {"text": REST, "values": {}, "evidence": [], "contribution": rest}]


def as_shown(logged: list[dict[str, Any]], handles: dict[str, str]) -> tuple[Reason, ...]:
    """The reasons as a person reads them: with handles where the log holds ids."""
    return tuple(
        Reason(
            reason["text"],
            {name: _readable(name, value, handles) for name, value in reason["values"].items()},
            tuple(reason["evidence"]),
            reason["contribution"],
        )
        for reason in logged
    )


def _readable(name: str, value: str, handles: dict[str, str]) -> str:
    return language_name(value) if name == "language" else handles.get(value, value)


@cache
def language_name(code: str) -> str:
    """`Vietnamese` for `vi`; the code itself where it is unknown."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(code.replace("-", "_")).get_language_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code
