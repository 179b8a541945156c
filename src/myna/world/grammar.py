"""The grammars, read from `grammar/*.toml` and made ready to be filled in columns.

A pool is a list of alternatives. An alternative is a text with {slots}; each slot is filled from another pool. Pools of
a language (`rules`) hold for all topics, pools of a topic (`good`, `thing`, …) lie one after the other with offsets.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from myna.world.types import Bools, Ints, Texts

LANGS = ("en", "vi", "es", "de", "ja")
_SLOT = re.compile(r"\{(\w+)\}")
_STARTS = (". ", "! ", "? ", "。", "！")
_TOPIC_LISTS = {"things": "thing", "did": "did", "good": "good", "bad": "bad", "news": "news"}


@dataclass(frozen=True, slots=True)
class Template:
    """An alternative with slots: a %-format and, for each %s, the pool it is filled from and whether to capitalise."""

    form: str
    slots: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """Alternatives. literal: (n,) texts of those without slots. offset, count: (topics,) or (topics, facts) or ()."""

    literal: Texts
    templates: tuple[Template | None, ...]
    slotted: Bools
    offset: Ints
    count: Ints
    skew: float
    drifts: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """One language's pools, and what is drawn from once: names, facts and hashtags.

    facts: (topics) of (kind of value, …). tags: (topics) of lists. heads, tails: what entities are named from.
    """

    code: str
    between: str
    entity: str
    daytime: str
    pools: dict[str, Pool]
    facts: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[str, ...], ...]
    heads: tuple[str, ...]
    tails: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    given: tuple[str, ...]
    family: tuple[str, ...]
    person: str


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic has in common in all languages."""

    key: str
    share: float
    emoji: tuple[str, ...]
    host: str
    paths: tuple[str, ...]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("myna.world") / "grammar" / f"{name}.toml").read_text("utf-8"))


@cache
def topics() -> tuple[Topic, ...]:
    """All topics, in the order of their numbers."""
    return tuple(
        Topic(key, row["share"], tuple(row["emoji"].split()), row["host"], tuple(row["path"].split()))
        for key, row in _read("topics").items()
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for line in text.splitlines() for part in line.split(" | ") if part.strip()]


def _lines(text: str) -> list[str]:
    """A rule's alternatives: one a line, or on one line between bars."""
    return [line.strip() for line in text.splitlines() if line.strip()] if "\n" in text else _listed(text)


def _template(text: str, sentence: bool) -> Template | None:
    slots: list[tuple[str, bool]] = []
    form, last = "", 0
    for match in _SLOT.finditer(text):
        before = text[last : match.start()]
        start = (match.start() == 0 and sentence) or (form + before).endswith(_STARTS) or (form + before) in ("¡", "¿")
        slots.append((match.group(1), start))
        form += before.replace("%", "%%") + "%s"
        last = match.end()
    return Template(form + text[last:].replace("%", "%%"), tuple(slots)) if slots else None


def _pool(
    groups: list[list[str]], shape: tuple[int, ...], skew: float, sentence: bool = False, drifts: bool = False
) -> Pool:
    texts = [text for group in groups for text in group]
    counts = [len(group) for group in groups]
    literal = np.array(texts, dtype=object)
    templates = tuple(_template(text, sentence) for text in texts)
    slotted = np.array([template is not None for template in templates])
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return Pool(
        literal,
        templates,
        slotted,
        offsets.astype(np.int64).reshape(shape),
        np.array(counts, np.int64).reshape(shape),
        skew,
        drifts,
    )


def _clock(style: str) -> list[str]:
    """Times of day, the likeliest first."""
    likely = [19, 20, 18, 9, 10, 17, 14, 8, 21, 11, 15, 7, 16, 12, 13, 22, 6]
    times = [(hour, minute) for minute in (0, 30, 15, 45) for hour in likely]
    match style:
        case "12":
            return [f"{(h - 1) % 12 + 1}{f':{m:02d}' if m else ''} {'am' if h < 12 else 'pm'}" for h, m in times]
        case "vi":
            return [f"{h} giờ{f' {m:02d}' if m else ''}" for h, m in times]
        case "es":
            return [f"a las {h}:{m:02d}" for h, m in times]
        case "de":
            return [f"{h}{f'.{m:02d}' if m else ''} Uhr" for h, m in times]
        case _:
            return [
                f"{'午前' if h < 12 else '午後'}{h if h <= 12 else h - 12}時{f'{m}分' if m else ''}" for h, m in times
            ]


def _named(language: dict[str, Any]) -> dict[str, list[str]]:
    """The pools that are combined from parts: people, places, numbers, prices, times, telephone numbers."""
    given, family = _listed(language["given"]), _listed(language["family"])
    a, b = _listed(language["place_a"]), _listed(language["place_b"])
    # Walking both lists at steps without a common divisor, so that neighbours in the pool share neither part.
    people = [
        language["person"].format(given=given[i % len(given)], family=family[(i * 7 + i // len(given)) % len(family)])
        for i in range(len(given) * len(family))
    ]
    places = [
        language["place"].format(a=a[i % len(a)], b=b[(i * 5 + i // len(a)) % len(b)]) for i in range(len(a) * len(b))
    ]
    numbers = [str(n) for n in sorted(range(2, 100), key=lambda n: (n % 10 != 0 and n > 12, n))]
    prices = [language["price"] % n for n in sorted(range(2, 200), key=lambda n: (n % 5 != 0, n))]
    return {
        "person": list(dict.fromkeys(people)),
        "place": list(dict.fromkeys(places)),
        "n": numbers,
        "big": [str(n) for n in range(110, 1000, 7)],
        "price": prices,
        "time": _clock(language["clock"]),
        "day": _listed(language["days"]),
        "phone": [form.strip() % n for n in range(1, 100) for form in language["phones"].split(" | ")],
    }


@cache
def language(code: str) -> Language:
    """The grammar of a language."""
    rules = _read(code)
    words = _read(f"{code}_topics")
    keys = [topic.key for topic in topics()]
    pools: dict[str, Pool] = {}
    for name, texts in _named(rules).items():
        pools[name] = _pool([texts], (), 2.0 if name in ("place", "person", "n", "price") else 1.2)
    for name, text in rules["rules"].items():
        act = "\n" in text and name not in (
            "source",
            "surprise",
            "circumstance",
            "why",
            "page",
            "when",
            "with",
            "and_then",
        )
        pools[name] = _pool([_lines(text)], (), 1.25, sentence=act)
    pools["bio"] = _pool([_lines(rules["bio"])], (), 1.0, sentence=True)
    for name, symbol in _TOPIC_LISTS.items():
        pools[symbol] = _pool([_listed(words[key][name]) for key in keys], (len(keys),), 1.5, drifts=True)
    split = [[[part.strip() for part in fact.split(" | ")] for fact in words[key]["facts"]] for key in keys]
    most = max(map(len, split))
    for place, symbol in ((1, "ask"), (2, "tell")):
        # Topics with fewer facts repeat their first, so that the table is square; its number is never drawn.
        table = [
            re.split(r" [/;] ", (facts[i] if i < len(facts) else facts[0])[place])
            for facts in split
            for i in range(most)
        ]
        pools[symbol] = _pool(table, (len(keys), most), 1.0)
    pools["topic"] = _pool([[words[key]["name"]] for key in keys], (len(keys),), 1.0)
    return Language(
        code,
        rules["between"],
        rules["entity"],
        rules["daytime"],
        pools,
        tuple(tuple(fact[0] for fact in facts) for facts in split),
        tuple(tuple(_listed(words[key]["tags"])) for key in keys),
        tuple(_listed(rules["heads"])),
        tuple(tuple(_listed(words[key]["tails"])) for key in keys),
        tuple(words[key]["name"] for key in keys),
        tuple(_listed(rules["given"])),
        tuple(_listed(rules["family"])),
        rules["person"],
    )
