"""What there is to talk about: entities with facts about them, topics that drift, events that come and go."""

from dataclasses import dataclass

import numpy as np

from myna.world.columns import Columns
from myna.world.grammar import LANGS, Language, language, topics
from myna.world.streams import stream
from myna.world.types import DAYS, Floats, Ints, Texts

ENTITIES = 14
"""Entities of each topic in each language."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Entity number = (lang * topics + topic) * ENTITIES + rank.

    names: (entities,). values: (entities, facts) what is true of each. facts: (langs, topics) how many a topic has.
    weight: (DAYS + 1, langs, topics) how much a topic is talked about that day.
    event_text, event_entity, event_start (hour): (events,). trending: (hours, langs, topics) the hottest event,
    -1 for none; heat: (hours, langs, topics) how hot it is then, 0 for none.
    """

    names: Texts
    values: Texts
    facts: Ints
    weight: Floats
    event_text: Texts
    event_entity: Ints
    event_start: Ints
    trending: Ints
    heat: Floats


def make(seed: int) -> Subjects:
    """The subjects of a seed; they do not depend on how many people and posts there are."""
    shared = topics()
    rng = stream(seed, "subjects")
    names: list[str] = []
    values: list[list[str]] = []
    facts = np.zeros((len(LANGS), len(shared)), np.int64)
    for lang, code in enumerate(LANGS):
        grammar = language(code)
        for topic in range(len(shared)):
            facts[lang, topic] = len(grammar.facts[topic])
            pairs = [(head, tail) for tail in grammar.tails[topic] for head in grammar.heads]
            for choice in rng.permutation(len(pairs))[:ENTITIES].tolist():
                head, tail = pairs[choice]
                names.append(grammar.entity.format(head=head, tail=tail))
                values.append(_values(grammar, topic, rng))
    share = np.array([topic.share for topic in shared])
    walk = np.zeros((DAYS + 1, len(LANGS), len(shared)))
    for day in range(1, DAYS + 1):
        walk[day] = 0.8 * walk[day - 1] + 0.25 * rng.standard_normal(walk.shape[1:])
    weight = share * np.exp(walk)
    named = np.array(names, dtype=object)
    return Subjects(named, np.array(values, dtype=object), facts, weight, *_events(seed, named))


def _values(grammar: Language, topic: int, rng: np.random.Generator) -> list[str]:
    kinds = grammar.facts[topic]
    return [_value(grammar, kinds[i], rng) if i < len(kinds) else "" for i in range(3)]


def _value(grammar: Language, kind: str, rng: np.random.Generator) -> str:
    def one(pool: str) -> str:
        texts = grammar.pools[pool].literal
        return str(texts[rng.integers(len(texts))])

    match kind:
        case "daytime":
            return grammar.daytime.format(day=one("day"), time=one("time"))
        case "score":
            return f"{rng.integers(5)}–{rng.integers(4)}"
        case _:
            return one(kind)


def _events(seed: int, names: Texts) -> tuple[Texts, Ints, Ints, Ints, Floats]:
    """Events begin anywhere in the month, rise within hours and fade with a half-life of six hours to two days."""
    rng = stream(seed, "events")
    kinds = len(topics())
    hours = DAYS * 24
    trending = np.full((hours + 1, len(LANGS), kinds), -1, np.int64)
    heat = np.zeros((hours + 1, len(LANGS), kinds))
    text: list[str] = []
    entity: list[int] = []
    start: list[int] = []
    clock = np.arange(hours + 1)
    for lang, code in enumerate(LANGS):
        about = np.repeat(np.arange(kinds), rng.poisson(5.0, kinds))
        n = len(about)
        begins = rng.integers(hours, size=n)
        who = (lang * kinds + about) * ENTITIES + rng.integers(ENTITIES, size=n)
        strength = np.minimum(rng.pareto(1.5, n) + 0.5, 6.0)
        half_life = rng.uniform(6, 48, n)
        since = np.maximum(clock[:, None] - begins, 0)
        hot = strength * (1 - np.exp(-(since + 1) / 3)) * 0.5 ** (since / half_life)
        hot = np.where((clock[:, None] < begins) | (hot < 0.05), 0, hot)
        for event, topic in enumerate(about.tolist()):
            hotter = hot[:, event] > heat[:, lang, topic]
            heat[hotter, lang, topic] = hot[hotter, event]
            trending[hotter, lang, topic] = len(entity) + event
        said = Columns(language(code), rng, {"E": names[who]}, {}, about, begins // 24, np.zeros(n, np.int64))
        text.extend(said.say("news", np.arange(n)))
        entity.extend(who.tolist())
        start.extend(begins.tolist())
    return (
        np.array(text, dtype=object),
        np.array(entity, np.int64),
        np.array(start, np.int64),
        trending,
        heat,
    )
