"""Control tokens: what is known of a document's last post beside its words, put before them to be asked for.

    <|endoftext|> <|lang:de|> <|register:1|> <|reaction:4|> <|topic:tram|> the words

(Keskar et al. 2019, "CTRL", arXiv 1909.05858.) All is computed from the facts: the language; the author's style so far,
as a quartile of all authors'; the reactions, as a quintile of how they compare with that author's own earlier ones;
and a word or hashtag that many people use (topics.py).
"""

import re
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import log1p

import numpy as np

from myna.corpus.topics import find_topics, topics_of
from myna.network import Post

REGISTERS, REACTIONS = 4, 5
_MOST_LANGUAGES = 16
_FEWEST = 20
"""Documents that a control stands in at least; of fewer nothing is learned."""
_EARLIER = 5
"""Posts of an author from which on there is a style, and a usual reaction."""
_SETTLED = 86_400_000
"""Milliseconds that reactions have to come in; younger posts have no level."""
_SHORT = 80
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_CLOSED = frozenset(".?…。？!！|\"'”»)")
_CONTROL = re.compile(r"<\|(?:lang|register|reaction|topic):[^|]*\|>")
_BARE = 64
"""Of 256 documents have no controls at all; of the others a third lack each, so that each is left out of half."""


def lang_token(lang: str) -> str:
    """The control of a language, regions not told apart; empty for none."""
    primary = lang.replace("_", "-").partition("-")[0].lower()
    return f"<|lang:{primary}|>" if primary.isalpha() and primary != "und" else ""


def register_token(register: int) -> str:
    """The control of a style: 0 the most formal quarter of authors, 3 the most informal."""
    return f"<|register:{register}|>"


def reaction_token(reaction: int) -> str:
    """The control of a reception: 0 the fifth that did worst for their author, 4 the one that did best."""
    return f"<|reaction:{reaction}|>"


def topic_token(topic: str) -> str:
    """The control of a topic, with or without `#`; empty for none."""
    name = topic.strip().lstrip("#").lower()
    return f"<|topic:{name}|>" if name else ""


def is_control(name: str) -> bool:
    """Whether a special token is a control."""
    return _CONTROL.fullmatch(name) is not None


def without_controls(text: str) -> str:
    """Text without the names of controls."""
    return _CONTROL.sub("", text) if "<|" in text else text


def informality(cleaned: str) -> int:
    """How many of four signs of an informal style a cleaned text has: under 80 characters; a small letter to begin
    with; an exclamation mark, dots in a row or an emoji; no mark (nor link) at its end."""
    marked = "!" in cleaned or ".." in cleaned or (not cleaned.isascii() and _EMOJI.search(cleaned) is not None)
    return (len(cleaned) < _SHORT) + cleaned[:1].islower() + marked + (cleaned[-1:] not in _CLOSED)


def register_of(cleaned: Sequence[str], edges: Sequence[float]) -> int | None:
    """The register of somebody who wrote these texts; None for too few of them. edges: a corpus's quartiles."""
    if len(cleaned) < _EARLIER or len(edges) != REGISTERS - 1:
        return None
    return int(np.searchsorted(edges, sum(map(informality, cleaned)) / len(cleaned), side="right"))


def controls_of(
    posts: Sequence[Post], texts: Sequence[str], languages: Sequence[str]
) -> tuple[list[tuple[str, ...]], tuple[float, ...]]:
    """The controls that stand before each post's document, and the quartiles of style. posts: in the order of time;
    texts: cleaned."""
    styles, receptions = _styles(posts, texts), _receptions(posts)
    edges = tuple(np.nanquantile(styles, (0.25, 0.5, 0.75)).tolist()) if not np.isnan(styles).all() else ()
    registers = _levels(styles, edges)
    quintiles = np.nanquantile(receptions, (0.2, 0.4, 0.6, 0.8)) if not np.isnan(receptions).all() else ()
    reactions = _levels(receptions, quintiles)
    lang_names = {lang: lang_token(lang) for lang in set(languages)}
    register_names = ["", *map(register_token, range(REGISTERS))]
    reaction_names = ["", *map(reaction_token, range(REACTIONS))]
    topics = find_topics(posts, texts, languages)
    about = map(topic_token, topics_of(texts, topics))
    found = [
        kept(post.id, (lang_names[lang], register_names[register + 1], reaction_names[reaction + 1], topic))
        for post, lang, register, reaction, topic in zip(posts, languages, registers, reactions, about, strict=True)
    ]
    return found, edges


def kept(post_id: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those of these controls (at most four; empty names for none) that are not left out of this post's document.

    A model must write without them too: a quarter of documents have none, and each is in half of all. By the id, so
    that the same posts make the same corpus.
    """
    chance = blake2b(post_id.encode(), digest_size=5).digest()
    if chance[0] < _BARE:
        return ()
    return tuple(name for name, drawn in zip(names, chance[1:], strict=False) if name and drawn % 3)


def vocabulary_of(controls: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The controls a tokenizer should have for documents with these: the most written languages, then the levels."""
    counts = Counter(name for names in controls for name in names)
    often = [name for name, count in counts.items() if count >= _FEWEST]
    languages = sorted((n for n in often if n.startswith("<|lang:")), key=lambda name: (-counts[name], name))
    return (*languages[:_MOST_LANGUAGES], *sorted(n for n in often if not n.startswith("<|lang:")))


def _styles(posts: Sequence[Post], texts: Sequence[str]) -> np.ndarray:
    """(posts,) the mean informality of the author's posts before each; NaN where they are too few."""
    sums: dict[str, list[int]] = {}
    found = []
    for post, text in zip(posts, texts, strict=True):
        so_far = sums.get(post.author_id)
        if so_far is None:
            so_far = sums[post.author_id] = [0, 0]
        found.append(so_far[1] / so_far[0] if so_far[0] >= _EARLIER else np.nan)
        so_far[0] += 1
        so_far[1] += informality(text)
    return np.array(found, float)


def _receptions(posts: Sequence[Post]) -> np.ndarray:
    """(posts,) the logarithm of how many times the author's usual reactions each post had; NaN where not known.

    A count of 0 may mean that a source does not tell; it is taken at its word where it told of any post. Reactions
    are likes, reposts twice, and replies; usual is the median of the author's earlier posts.
    """
    totals = [post.like_count + 2 * post.repost_count + post.reply_count for post in posts]
    telling = {post.source for post, total in zip(posts, totals, strict=True) if total}
    newest = posts[-1].created_at if posts else 0
    earlier: dict[str, list[int]] = defaultdict(list)
    found = []
    for post, total in zip(posts, totals, strict=True):
        if (not total and post.source not in telling) or post.created_at > newest - _SETTLED:
            found.append(np.nan)
            continue
        own = earlier[post.author_id]
        found.append(log1p(total) - log1p(own[len(own) // 2]) if len(own) >= _EARLIER else np.nan)
        insort(own, total)
    return np.array(found, float)


def _levels(values: np.ndarray, edges: Sequence[float] | np.ndarray) -> list[int]:
    """Which part each value is in; -1 for NaN. Values equal to several edges go to the middle of these parts."""
    low, high = np.searchsorted(edges, values, "left"), np.searchsorted(edges, values, "right")
    levels: list[int] = np.where(np.isnan(values), -1, (low + high + 1) // 2).tolist()
    return levels
