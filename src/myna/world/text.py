"""The texts: what each post says, in its language, in its author's manner."""

import re
from dataclasses import dataclass

import numpy as np

from myna.world.columns import Columns
from myna.world.content import INSULT, REPLY, REPOST, STANCE, Posts
from myna.world.grammar import LANGS, Language, language, topics
from myna.world.graph import Graph
from myna.world.people import People, ascii_of
from myna.world.streams import stream
from myna.world.topics import Subjects
from myna.world.types import HOUR, Act, Ints, Texts

_TAG = re.compile(r"(?<!\S)#(\w+)")
CHUNK = 50_000
"""Posts of a language written at once; it bounds the memory that columns need."""


@dataclass(frozen=True, slots=True)
class Written:
    """(posts,) columns. mention: a person named beside whom it answers, -1 for nobody. url: "" for none."""

    text: Texts
    mention: Ints
    url: Texts


def write(people: People, subjects: Subjects, graph: Graph, posts: Posts, start: int, seed: int) -> Written:
    """The texts of these posts; reposts have none. start: where the history begins, milliseconds."""
    text = np.full(len(posts), "", dtype=object)
    url = np.full(len(posts), "", dtype=object)
    mention = _mentioned(graph, posts, stream(seed, "mentions"))
    for lang, code in enumerate(LANGS):
        rows = np.flatnonzero((posts.lang == lang) & (posts.how != REPOST))
        for number, first in enumerate(range(0, len(rows), CHUNK)):
            some = rows[first : first + CHUNK]
            rng = stream(seed, "text", code, number)
            said = _say(language(code), people, subjects, posts.take(some), start, rng)
            url[some] = _urls(posts.take(some), rng)
            # Whom it answers and where it links are written by the author's client, so style does not touch them.
            to = np.where(posts.how[some] == REPLY, posts.author[np.maximum(posts.parent[some], 0)], -1)
            text[some] = _style(
                language(code), said, people, subjects, posts.take(some), to, mention[some], url[some], rng
            )
    return Written(text, mention, url)


def _mentioned(graph: Graph, posts: Posts, rng: np.random.Generator) -> Ints:
    """Somebody the author follows, in one root of twenty."""
    n = graph.n
    author = posts.author.astype(np.int64)
    first, last = np.searchsorted(graph.keys, author * n), np.searchsorted(graph.keys, (author + 1) * n)
    drawn = rng.random((2, len(posts)))
    some = (drawn[0] < 0.05) & (last > first) & (posts.parent < 0)
    place = first + (drawn[1] * (last - first)).astype(np.int64)
    other = (
        graph.keys[np.minimum(place, max(len(graph.keys) - 1, 0))] % n if len(graph.keys) else np.full(len(posts), -1)
    )
    return np.where(some, other, -1)


def _say(
    grammar: Language, people: People, subjects: Subjects, posts: Posts, start: int, rng: np.random.Generator
) -> Texts:
    n = len(posts)
    topic = posts.topic.astype(np.int64)
    day = (posts.created_at - start) // (24 * HOUR)
    fact = posts.fact.astype(np.int64)
    news = np.full(n, "", dtype=object)
    hot = np.flatnonzero(posts.event >= 0)
    news[hot] = subjects.event_text[posts.event[hot]]
    given = {
        "E": subjects.names[posts.entity],
        "V": subjects.values[posts.entity, fact],
        "here": people.home[posts.author],
        "topic": np.array(grammar.names, dtype=object)[topic],
    }
    columns = Columns(grammar, rng, given, {"news": news}, topic, day, fact)
    said = np.empty(n, dtype=object)
    for act in Act:
        rows = np.flatnonzero(posts.act == act)
        if len(rows):
            said[rows] = columns.say(act.name.lower(), rows)
    # What is said besides is about another fact, or a question would hold its own answer.
    facts = np.maximum(subjects.facts[LANGS.index(grammar.code), topic], 1)
    other = (fact + 1) % facts
    beside = Columns(
        grammar, rng, {**given, "V": subjects.values[posts.entity, other]}, {"news": news}, topic, day, other
    )
    # Whoever praises goes on to praise; the rest may go either way.
    stance = STANCE[posts.act]
    stance = np.where(stance == 0, np.where(rng.random(n) < 0.5, 1, -1), stance)
    stop = "." if grammar.between else "。"
    for more in range(1, int(posts.extra.max(initial=0)) + 1):
        rows = np.flatnonzero(posts.extra >= more)
        added = beside.say("aside", rows)
        judging = np.flatnonzero(rng.random(len(rows)) < 0.3)
        for symbol, stands in (("good", 1), ("bad", -1)):
            some = judging[stance[rows[judging]] == stands]
            added[some] = [text[:1].upper() + text[1:] for text in beside.say(symbol, rows[some])]
        # Nobody says the same thing twice in a post.
        said[rows] = [
            a if b[:10] in a else f"{a}{grammar.between}{b}{stop}" for a, b in zip(said[rows], added, strict=True)
        ]
    return said


def _urls(posts: Posts, rng: np.random.Generator) -> Texts:
    shared = topics()
    url = np.full(len(posts), "", dtype=object)
    rows = np.flatnonzero(posts.link)
    drawn = rng.integers(1 << 30, size=len(rows)).tolist()
    spam = (posts.act[rows] == Act.SPAM).tolist()
    about = zip(rows.tolist(), posts.topic[rows].tolist(), posts.entity[rows].tolist(), spam, drawn, strict=True)
    for row, number, entity, is_spam, draw in about:
        topic = shared[number]
        path = topic.paths[draw % len(topic.paths)]
        if is_spam:
            url[row] = f"https://prize{draw % 40}.example.com/{path}/{draw % 9973}"
        else:
            # Few pages about each entity, so that links are shared by many.
            url[row] = f"https://{topic.host}/{path}/{entity * 10 + (draw >> 8) % 10}"
    return url


def _style(
    grammar: Language, said: Texts, people: People, subjects: Subjects, posts: Posts, to: Ints, mention: Ints,
    url: Texts, rng: np.random.Generator,
) -> list[str]:  # fmt: skip
    author = posts.author
    drawn = rng.random((7, len(posts)))
    latin = grammar.between != ""
    insult = INSULT[posts.act] & (drawn[0] < 0.3) & latin
    lower = people.lower[author] & latin & (grammar.code != "de")
    slip = (drawn[1] < people.typos[author] * 5) & latin
    tagged = drawn[2] < people.tags[author] * 0.8 + 0.25 * (posts.event >= 0)
    smile = (drawn[3] < people.emoji[author] * 0.8) & ~insult
    named = (to >= 0) & (drawn[4] < 0.75)
    emoji = [topic.emoji for topic in topics()]
    names = subjects.names[posts.entity]
    texts: list[str] = []
    rows = zip(
        said, author.tolist(), posts.topic.tolist(), insult.tolist(), lower.tolist(), people.bang[author].tolist(),
        people.bare[author].tolist(), people.plain[author].tolist(), slip.tolist(), tagged.tolist(), smile.tolist(),
        named.tolist(), to.tolist(), mention.tolist(), url, (posts.event >= 0).tolist(), names, drawn[5].tolist(),
        drawn[6].tolist(), strict=True,
    )  # fmt: skip
    for (
        text, who, topic, shouts, low, bang, bare, plain, slips, tags, smiles, names_it, other, third, link, hot, name,
        a, b,
    ) in rows:  # fmt: skip
        if shouts:
            text = text.upper()
        elif low:
            text = text.lower()
        if plain:
            text = ascii_of(text)
        if bang and text[-1] in ".。":
            text = text[:-1] + ("!!" if a < 0.4 else "!")
        elif bare and text[-1] in ".。":
            text = text[:-1]
        if slips:
            text = _slip(text, b)
        if smiles:
            # Everybody has a favourite among a topic's emoji.
            own = emoji[topic]
            text = f"{text} {own[who % len(own)] if a < 0.7 else own[int(b * len(own))]}"
        if tags:
            choice = grammar.tags[topic]
            tag = tag_of(name) if hot and a < 0.6 else choice[int(b * b * len(choice))]
            text = f"{text} #{tag}"
            if a > 0.8 and choice[-1] != tag:
                text = f"{text} #{choice[-1]}"
        if third >= 0:
            text = f"{text} @{people.handle[third]}"
        if names_it:
            text = f"@{people.handle[other]} {text}"
        if link:
            text = f"{text} {link}"
        texts.append(text)
    return texts


def tag_of(name: str) -> str:
    """An entity's hashtag: Heron Rovers is #HeronRovers."""
    return "".join(char for word in name.split() for char in word[:1].upper() + word[1:] if char.isalnum())


def hashtags(text: str) -> list[str]:
    """The hashtags of a text, without their sign."""
    return _TAG.findall(text)


def _slip(text: str, drawn: float) -> str:
    """Two neighbouring letters change places, or one is left out."""
    at = 1 + int(drawn * max(len(text) - 3, 0))
    if not text[at : at + 2].isalpha() or len(text) < 8:
        return text
    if int(drawn * 7919) % 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]
