"""Who lives in the simulated network: what they like, when they are awake, how they write."""

import unicodedata
from dataclasses import dataclass

import numpy as np

from myna.world.columns import Columns
from myna.world.grammar import LANGS, language, topics
from myna.world.streams import stream
from myna.world.types import HOUR, Bools, Floats, Ints, Texts

LANG_SHARE = (0.44, 0.22, 0.13, 0.11, 0.10)
ZONES = {
    "en": (
        "America/New_York",
        "Europe/London",
        "America/Chicago",
        "America/Los_Angeles",
        "Australia/Sydney",
        "Asia/Kolkata",
    ),
    "vi": (
        "Asia/Ho_Chi_Minh",
        "Asia/Ho_Chi_Minh",
        "Asia/Ho_Chi_Minh",
        "Asia/Ho_Chi_Minh",
        "Europe/Berlin",
        "America/Los_Angeles",
    ),
    "es": (
        "Europe/Madrid",
        "America/Mexico_City",
        "America/Bogota",
        "America/Argentina/Buenos_Aires",
        "Europe/Madrid",
        "America/Lima",
    ),
    "de": ("Europe/Berlin", "Europe/Berlin", "Europe/Berlin", "Europe/Vienna", "Europe/Zurich", "Europe/Berlin"),
    "ja": ("Asia/Tokyo", "Asia/Tokyo", "Asia/Tokyo", "Asia/Tokyo", "Asia/Tokyo", "America/Los_Angeles"),
}
ZONE_NAMES = tuple(sorted({zone for zones in ZONES.values() for zone in zones}))
NIGHT_SHIFTS = (-1, 0, 0, 1, 2, 4)
"""Hours by which a person's day runs late; the last are night owls."""
# Handles are Latin everywhere: the Japanese names in Hepburn romanisation, in the order of ja.toml.
_ROMAN_GIVEN = (
    "aoi haruna ren minato yui daiki misaki shota ayaka kenichi naoki mayu ryo chihiro takumi yuko tomoko takashi "
    "megumi suzu"
).split()
_ROMAN_FAMILY = (
    "aoki ishida ueno endo okada kato kimura kudo kobayashi saito sakamoto shimizu suzuki takahashi tamura nakajima "
    "nishimura noguchi hashimoto fujii matsumoto miura murakami morita yamaguchi yoshida watanabe"
).split()


@dataclass(frozen=True, slots=True)
class People:
    """Arrays over people, person number 0 first.

    lang, second (-1 or the number of English), zone, topic (their main one): (people,) int.
    interests: (people, topics), each row sums to 1. skill, temper, talk, warm: standard normal traits: quality of what
    they write, how easily they lose it, how readily they answer, how readily they like. pull: how many follow them;
    writes, reads: how much they do; late: hours their day is shifted; mood: (people, days) standard normal, low is bad.
    home: place name; length, typos: how they write; lower, bang, bare: habits of case and full stops.
    """

    lang: Ints
    second: Ints
    zone: Ints
    topic: Ints
    interests: Floats
    skill: Floats
    temper: Floats
    talk: Floats
    warm: Floats
    pull: Floats
    writes: Floats
    reads: Floats
    late: Ints
    mood: Floats
    bot: Bools
    length: Floats
    typos: Floats
    lower: Bools
    bang: Bools
    bare: Bools
    plain: Bools
    emoji: Floats
    tags: Floats
    created_at: Ints
    handle: Texts
    name: Texts
    description: Texts
    home: Texts

    def __len__(self) -> int:
        return len(self.lang)

    def reads_lang(self, person: Ints, lang: Ints) -> Bools:
        """Whether these people read these languages."""
        return np.asarray((self.lang[person] == lang) | (self.second[person] == lang))


def make(n: int, seed: int, start: int, days: int) -> People:
    """People of a seed. start: where the history begins, milliseconds; days: its length."""
    rng = stream(seed, "people")
    kinds = len(topics())
    share = np.array([topic.share for topic in topics()])
    lang = rng.choice(len(LANGS), n, p=LANG_SHARE)
    second = np.where((lang != 0) & (rng.random(n) < 0.45), 0, -1)
    zone_table = np.array([[ZONE_NAMES.index(zone) for zone in ZONES[code]] for code in LANGS])
    zone = zone_table[lang, (rng.random(n) ** 1.4 * zone_table.shape[1]).astype(np.int64)]
    topic = rng.choice(kinds, n, p=share / share.sum())
    # A main interest, a second one, and a thin layer of everything (Dirichlet through gammas).
    interests = rng.gamma(0.15 * share, 1.0, (n, kinds)) + 1e-3
    interests /= interests.sum(1, keepdims=True)
    interests *= 0.35
    rows = np.arange(n)
    main = rng.uniform(0.35, 0.6, n)
    interests[rows, topic] += main
    np.add.at(interests, (rows, rng.choice(kinds, n, p=share / share.sum())), 0.65 - main)
    interests /= interests.sum(1, keepdims=True)
    mood = np.empty((n, days + 1))
    mood[:, 0] = rng.standard_normal(n)
    for day in range(1, days + 1):
        mood[:, day] = 0.6 * mood[:, day - 1] + 0.8 * rng.standard_normal(n)
    bot = rng.random(n) < 0.02 if n >= 25 else np.zeros(n, bool)
    handle, name = _names(lang, rng)
    home, description = _descriptions(lang, topic, interests, rng)
    return People(
        lang=lang,
        second=second,
        zone=zone,
        topic=topic,
        interests=interests,
        skill=rng.standard_normal(n),
        temper=rng.standard_normal(n),
        talk=rng.standard_normal(n),
        warm=rng.standard_normal(n),
        pull=np.minimum(rng.pareto(1.1, n) + 0.2, n),
        writes=np.where(bot, 3.0, 1.0) * np.minimum(rng.lognormal(0, 1.0, n), 30),
        reads=np.minimum(rng.lognormal(0, 0.8, n), 12),
        late=np.array(NIGHT_SHIFTS)[rng.integers(len(NIGHT_SHIFTS), size=n)],
        mood=mood,
        bot=bot,
        length=rng.gamma(2.5, 0.4, n),
        typos=np.where(rng.random(n) < 0.4, rng.uniform(0, 0.12, n), 0.01),
        lower=rng.random(n) < 0.12,
        bang=rng.random(n) < 0.10,
        bare=rng.random(n) < 0.20,
        plain=(lang == LANGS.index("vi")) & (rng.random(n) < 0.05),
        emoji=rng.beta(0.6, 2.0, n),
        tags=rng.beta(0.6, 2.5, n),
        created_at=start - (rng.random(n) ** 1.5 * 6 * 365 * 24 * HOUR).astype(np.int64) - 24 * HOUR,
        handle=handle,
        name=name,
        description=description,
        home=home,
    )


def ascii_of(text: str) -> str:
    """Latin text without its marks: đặng becomes dang."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(char for char in plain if not unicodedata.combining(char))


def _names(lang: Ints, rng: np.random.Generator) -> tuple[Texts, Texts]:
    handles: list[str] = []
    names: list[str] = []
    taken: set[str] = set()
    first, last, form = rng.random(len(lang)), rng.random(len(lang)), rng.random(len(lang))
    for code, a, b, how in zip(lang.tolist(), first.tolist(), last.tolist(), form.tolist(), strict=True):
        grammar = language(LANGS[code])
        i, j = int(a * len(grammar.given)), int(b * len(grammar.family))
        given, family = grammar.given[i], grammar.family[j]
        name = f"{family} {given}" if LANGS[code] in ("vi", "ja") else f"{given} {family}"
        given, family = (
            (_ROMAN_GIVEN[i], _ROMAN_FAMILY[j]) if LANGS[code] == "ja" else (ascii_of(given), ascii_of(family))
        )
        given, family = given.lower(), family.lower().replace(" ", "")
        handle = f"{given}{family}" if how < 0.4 else f"{given}_{family}" if how < 0.7 else f"{given[0]}{family}"
        number = int(how * 1e6) % 90 + 10
        while handle in taken:
            handle = f"{handle.rstrip('0123456789')}{number}"
            number += 1
        taken.add(handle)
        handles.append(handle)
        names.append(name)
    return np.array(handles, dtype=object), np.array(names, dtype=object)


def _descriptions(lang: Ints, topic: Ints, interests: Floats, rng: np.random.Generator) -> tuple[Texts, Texts]:
    home = np.empty(len(lang), dtype=object)
    said = np.empty(len(lang), dtype=object)
    other = interests.copy()
    other[np.arange(len(lang)), topic] = 0
    second = other.argmax(1)
    for number, code in enumerate(LANGS):
        rows = np.flatnonzero(lang == number)
        if not len(rows):
            continue
        grammar = language(code)
        names = np.array(grammar.names, dtype=object)
        all_rows = np.arange(len(rows))
        none = np.zeros(len(rows), np.int64)
        home[rows] = Columns(grammar, rng, {}, {}, none, none, none).say("place", all_rows)
        given = {"here": home[rows], "topic": names[topic[rows]], "topic2": names[second[rows]]}
        said[rows] = Columns(grammar, rng, given, {}, topic[rows], none, none).say("bio", all_rows)
    return home, said
