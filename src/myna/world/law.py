"""The law by which readers act: one table, used to draw the actions and to answer what their probabilities were.

The probability of each kind is the logistic function of a weighted sum of features (McFadden's conditional choice, one
kind at a time), given that the post was seen. Kinds are independent given the features. Bots act by BOT instead.
"""

from collections.abc import Mapping

import numpy as np

from myna.world.types import Floats

KINDS = ("like", "click", "show_less", "report", "reply", "repost", "quote", "block", "mute", "follow", "unfollow")
FEATURES = (
    "one",  # 1
    "interest",  # the reader's interest in the topic over their strongest, in [0, 1]
    "quality",  # of the post: standard normal, its author's skill and its own luck
    "follows",  # the reader follows the author
    "mutual",  # and the author follows the reader
    "foreign",  # the reader does not read the language
    "age",  # log2(1 + hours since it was written)
    "fatigue",  # posts already seen in this session, over 10
    "to_me",  # it answers or quotes the reader
    "asks",  # it is a question
    "opinion",  # it praises or blames
    "hot",  # heat of the event it is about
    "insult",  # heated
    "private",  # overshares
    "spam",  # a bot's
    "link",  # it has a link
    "media",  # it has a picture
    "late",  # between 23:00 and 5:00 where the reader lives
    "warm",  # how readily the reader likes
    "talk",  # how readily the reader answers
)
TABLE: Mapping[str, Mapping[str, float]] = {
    "like": {
        "one": -3.75,
        "interest": 2.0,
        "quality": 0.55,
        "follows": 0.55,
        "mutual": 0.5,
        "foreign": -2.2,
        "age": -0.12,
        "fatigue": -0.45,
        "to_me": 0.8,
        "asks": -0.7,
        "hot": 0.12,
        "insult": -1.1,
        "private": -0.8,
        "spam": -3.0,
        "media": 0.35,
        "late": 0.15,
        "warm": 0.8,
    },
    "click": {
        "one": -3.1,
        "interest": 1.8,
        "quality": 0.4,
        "follows": 0.2,
        "foreign": -1.5,
        "age": -0.1,
        "fatigue": -0.35,
        "hot": 0.2,
        "spam": -1.6,
        "media": 0.2,
        "late": -0.2,
    },
    "show_less": {
        "one": -5.6,
        "interest": -1.6,
        "quality": -0.35,
        "follows": -0.5,
        "foreign": 1.6,
        "fatigue": 0.2,
        "insult": 1.4,
        "private": 0.4,
        "spam": 2.6,
    },
    "report": {
        "one": -7.9,
        "quality": -0.15,
        "follows": -0.5,
        "foreign": -0.8,
        "to_me": 1.0,
        "insult": 4.3,
        "private": 2.6,
        "spam": 4.6,
    },
    "reply": {
        "one": -4.75,
        "interest": 1.4,
        "quality": 0.2,
        "follows": 0.4,
        "mutual": 0.8,
        "foreign": -3.5,
        "age": -0.2,
        "fatigue": -0.5,
        "to_me": 2.3,
        "asks": 1.5,
        "opinion": 0.3,
        "hot": 0.15,
        "insult": 0.9,
        "private": 0.9,
        "spam": -3.0,
        "late": -0.2,
        "talk": 0.7,
    },
    "repost": {
        "one": -5.3,
        "interest": 1.9,
        "quality": 0.8,
        "follows": 0.3,
        "foreign": -3.0,
        "age": -0.15,
        "fatigue": -0.4,
        "asks": -0.6,
        "hot": 0.2,
        "insult": -0.6,
        "private": -2.0,
        "spam": -3.0,
        "link": 0.3,
        "media": 0.3,
        "warm": 0.3,
    },
    "quote": {
        "one": -5.9,
        "interest": 1.5,
        "quality": 0.4,
        "foreign": -3.0,
        "age": -0.2,
        "fatigue": -0.4,
        "opinion": 0.5,
        "hot": 0.2,
        "insult": 0.8,
        "spam": -2.0,
        "talk": 0.6,
    },
    "block": {"one": -9.2, "follows": -0.5, "to_me": 1.6, "insult": 3.8, "private": 0.8, "spam": 4.2},
    "mute": {"one": -7.6, "interest": -0.8, "follows": 0.3, "foreign": 1.0, "insult": 2.2, "spam": 2.8},
    "follow": {
        "one": -5.2,
        "interest": 1.6,
        "quality": 0.7,
        "foreign": -2.5,
        "fatigue": -0.3,
        "insult": -1.0,
        "spam": -2.0,
    },
    "unfollow": {
        "one": -7.2,
        "interest": -1.2,
        "quality": -0.3,
        "mutual": -1.0,
        "foreign": 0.8,
        "insult": 1.8,
        "spam": 1.5,
    },
}
BOT: Mapping[str, float] = {"like": 0.30, "repost": 0.04, "follow": 0.05, "click": 0.02}
"""Bots like whatever they see; kinds not named they never do."""

WEIGHTS = np.array([[TABLE[kind].get(feature, 0.0) for kind in KINDS] for feature in FEATURES])
_BOT = np.array([BOT.get(kind, 0.0) for kind in KINDS])
_F = {name: number for number, name in enumerate(FEATURES)}
_K = {name: number for number, name in enumerate(KINDS)}


def probabilities(features: Floats, bot: Floats) -> Floats:
    """features: (seen, FEATURES); bot: (seen,) 1 where the reader is one. Returns (seen, KINDS).

    einsum and not a matrix product: its sums run in a fixed order, so the same seed draws the same on any thread count.
    """
    with np.errstate(over="ignore"):
        p = 1.0 / (1.0 + np.exp(-np.einsum("sf,fk->sk", features, WEIGHTS, optimize=False)))
    p = np.where(bot[:, None] > 0, _BOT, p)
    p[:, _K["click"]] *= features[:, _F["link"]]
    p[:, _K["follow"]] *= 1 - features[:, _F["follows"]]
    p[:, _K["unfollow"]] *= features[:, _F["follows"]]
    return p


def dwell_scale(features: Floats, length: Floats) -> Floats:
    """The median seconds a reader stays, for posts of so many sentences; the draw is log-normal about it, sigma 0.7."""
    pull = 0.9 * features[:, _F["interest"]] + 0.25 * features[:, _F["quality"]] - 0.3 * features[:, _F["fatigue"]]
    return np.asarray(1.8 * np.exp(pull - 1.2 * features[:, _F["foreign"]]) * (0.7 + 0.35 * length))


def regret(heated: Floats, private: Floats, late: Floats, mood: Floats) -> Floats:
    """The probability that an author regrets a post, by what it is and in what state it was written."""
    z = -4.6 + 4.4 * heated + 5.2 * private + (0.9 * late - 0.4 * mood) * np.maximum(heated, private)
    return np.asarray(1.0 / (1.0 + np.exp(-z)))


def loses_it(temper: Floats, late: Floats, mood: Floats, provoked: Floats) -> Floats:
    """The probability that what an author writes now is heated (and, at a third of it, that it overshares)."""
    z = -4.9 + 0.9 * temper + 1.5 * late - 0.8 * mood + 1.6 * provoked
    return np.asarray(1.0 / (1.0 + np.exp(-z)))
