"""What each post is about and what it does: roots from their author's interests, answers from what they answer."""

from dataclasses import dataclass, fields

import numpy as np

from myna.world import law
from myna.world.grammar import LANGS
from myna.world.people import People
from myna.world.timeline import Clock
from myna.world.topics import ENTITIES, Subjects
from myna.world.types import HOUR, Act, Bools, Floats, Ints

NONE, REPLY, REPOST, QUOTE = 0, 1, 2, 3
"""How a post stands to its parent."""
NEVER = 2**62
_ROOT = {Act.REPORT: 0.20, Act.ASK: 0.16, Act.PRAISE: 0.18, Act.BLAME: 0.14, Act.DIARY: 0.21, Act.SHARE: 0.11}
_BOT = {Act.SPAM: 0.7, Act.SHARE: 0.3}
_ANSWERS: dict[Act, dict[Act, float]] = {
    Act.REPORT: {Act.ASK: 0.25, Act.THANKS: 0.25, Act.AGREE: 0.25, Act.DISAGREE: 0.25},
    Act.ASK: {Act.ANSWER: 0.72, Act.UNSURE: 0.28},
    Act.PRAISE: {Act.AGREE: 0.62, Act.DISAGREE: 0.38},
    Act.BLAME: {Act.AGREE_BAD: 0.62, Act.DISAGREE_BAD: 0.38},
    Act.DIARY: {Act.REACT: 0.9, Act.AGREE: 0.1},
    Act.EVENT: {Act.DISCUSS: 0.8, Act.ASK: 0.2},
    Act.SHARE: {Act.AGREE: 0.5, Act.DISAGREE: 0.3, Act.THANKS: 0.2},
    Act.HEATED: {Act.RETORT: 0.6, Act.DISAGREE_BAD: 0.25, Act.AGREE_BAD: 0.15},
    Act.OVERSHARE: {Act.REACT: 1.0},
    Act.SPAM: {Act.RETORT: 0.6, Act.DISAGREE: 0.4},
    Act.ANSWER: {Act.THANKS: 0.85, Act.UNSURE: 0.15},
    Act.UNSURE: {Act.ANSWER: 0.6, Act.THANKS: 0.4},
    Act.AGREE: {Act.AGREE: 0.8, Act.ASK: 0.2},
    Act.AGREE_BAD: {Act.AGREE_BAD: 0.9, Act.DISAGREE_BAD: 0.1},
    Act.DISAGREE: {Act.DISAGREE_BAD: 0.65, Act.AGREE_BAD: 0.35},
    Act.DISAGREE_BAD: {Act.DISAGREE: 0.65, Act.AGREE: 0.35},
    Act.REACT: {Act.REACT: 0.4, Act.AGREE: 0.6},
    Act.DISCUSS: {Act.DISCUSS: 1.0},
    Act.RETORT: {Act.RETORT: 0.7, Act.DISAGREE_BAD: 0.3},
    Act.THANKS: {Act.AGREE: 1.0},
    Act.COMMENT: {Act.AGREE: 0.6, Act.DISAGREE: 0.4},
}
"""What is said to what: the stance of a thread carries on, so an agreement with blame is blame."""
_INSULTS = (Act.HEATED, Act.RETORT)
_OPINIONS = (Act.PRAISE, Act.BLAME, Act.AGREE, Act.AGREE_BAD, Act.DISAGREE, Act.DISAGREE_BAD, Act.HEATED)
_LINKED = {Act.SHARE: 1.0, Act.SPAM: 1.0, Act.EVENT: 0.25, Act.REPORT: 0.15}


def _cumulative(table: dict[Act, dict[Act, float]]) -> Floats:
    rows = np.zeros((len(Act), len(Act)))
    for act, answers in table.items():
        for answer, share in answers.items():
            rows[act, answer] = share
    return rows.cumsum(1)


_ROOT_ROW = _cumulative({Act.REPOST: _ROOT})[0]
_BOT_ROW = _cumulative({Act.REPOST: _BOT})[0]
_ANSWER_ROWS = _cumulative(_ANSWERS)
INSULT = np.isin(np.arange(len(Act)), _INSULTS)
"""(acts,) whether each is heated; OPINION: whether each praises or blames."""
OPINION = np.isin(np.arange(len(Act)), _OPINIONS)
_DISAGREES = np.isin(np.arange(len(Act)), (Act.DISAGREE, Act.DISAGREE_BAD))
_GOOD = (Act.PRAISE, Act.AGREE, Act.DISAGREE_BAD, Act.REACT, Act.THANKS)
_BAD = (Act.BLAME, Act.AGREE_BAD, Act.DISAGREE, Act.HEATED, Act.RETORT)
STANCE = np.array([1 if act in _GOOD else -1 if act in _BAD else 0 for act in Act])
"""(acts,) 1 where it speaks well of its entity, -1 where ill, 0 where neither."""
_LINK_SHARE = np.array([_LINKED.get(act, 0.0) for act in Act])


@dataclass(slots=True)
class Posts:
    """Columns over posts, (posts,). parent: post number or -1; how: NONE, REPLY, REPOST or QUOTE. event: number or -1.

    seen: the impression that led to it, -1 for a root. hot: heat of its event. extra: sentences after the first.
    deleted_at: when its author deletes it, NEVER if they do not. regret: the probability that they regret it.
    """

    author: Ints
    created_at: Ints
    parent: Ints
    how: Ints
    lang: Ints
    topic: Ints
    act: Ints
    entity: Ints
    fact: Ints
    event: Ints
    seen: Ints
    hot: Floats
    quality: Floats
    extra: Ints
    link: Bools
    media: Bools
    regret: Floats
    deleted_at: Ints

    def __len__(self) -> int:
        return len(self.author)

    def take(self, rows: Ints) -> "Posts":
        """These rows."""
        return Posts(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def room(count: int) -> "Posts":
        """Room for so many."""
        kinds = {"hot": np.float32, "quality": np.float32, "regret": np.float32, "link": bool, "media": bool}
        small = {"how": np.int8, "lang": np.int8, "topic": np.int8, "act": np.int8, "fact": np.int8, "extra": np.int8}
        wide = {"created_at": np.int64, "deleted_at": np.int64, "seen": np.int64}
        types = {**{field.name: np.int32 for field in fields(Posts)}, **kinds, **small, **wide}
        return Posts(*(np.zeros(count, types[field.name]) for field in fields(Posts)))

    def put(self, at: int, some: "Posts") -> None:
        """Writes these from place `at` on."""
        for field in fields(self):
            getattr(self, field.name)[at : at + len(some)] = getattr(some, field.name)


def _rows(cumulative: Floats, drawn: Floats) -> Ints:
    """For each row of cumulative shares, the first place that reaches the draw."""
    return np.asarray((drawn[:, None] >= cumulative / cumulative[:, -1:]).sum(1))


def roots(
    people: People, subjects: Subjects, clock: Clock, author: Ints, at: Ints, hour: int, rng: np.random.Generator
) -> Posts:
    """Posts that answer nothing, by these authors at these times in this hour."""
    n = len(author)
    day = hour // 24
    english = (people.second[author] == 0) & (rng.random(n) < 0.15)
    lang = np.where(english, 0, people.lang[author])
    heat = subjects.heat[hour][lang]
    weight = people.interests[author] * subjects.weight[day][lang] * (1 + 0.6 * heat)
    topic = _rows(weight.cumsum(1), rng.random(n))
    hot = heat[np.arange(n), topic]
    event = np.where(rng.random(n) < hot / (hot + 1.5), subjects.trending[hour, lang, topic], -1)
    bot = people.bot[author]
    rows = np.where(bot[:, None], _BOT_ROW, _ROOT_ROW)
    act = np.where((event >= 0) & ~bot, int(Act.EVENT), _rows(rows, rng.random(n)))
    late = clock.is_late(np.full(n, hour), people.zone[author])
    loses = law.loses_it(people.temper[author], late, people.mood[author, day], np.zeros(n))
    draw = rng.random(n)
    act = np.where((draw < loses) & ~bot, int(Act.HEATED), act)
    act = np.where((draw >= loses) & (draw < loses * 4 / 3) & ~bot, int(Act.OVERSHARE), act)
    # The commonest entity of a topic changes every six days, as the words do.
    rank = ((rng.random(n) ** 1.8 * ENTITIES).astype(np.int64) + day // 6) % ENTITIES
    event = np.where(act == Act.EVENT, event, -1)
    kinds = people.interests.shape[1]
    entity = np.where(
        event >= 0,
        subjects.event_entity[event] if len(subjects.event_entity) else 0,
        (lang * kinds + topic) * ENTITIES + rank,
    )
    fact = (rng.random(n) * subjects.facts[lang, topic]).astype(np.int64)
    none = np.full(n, -1)
    return _posts(
        people, author, at, none, np.full(n, NONE), lang, topic, act, entity, fact, event, none,
        np.where(event >= 0, hot, 0), late, day, 1.0, rng,
    )  # fmt: skip


def answers(
    people: People, subjects: Subjects, clock: Clock, posts: Posts, parent: Ints, how: Ints, author: Ints, at: Ints,
    seen: Ints, hour: int, rng: np.random.Generator,
) -> Posts:  # fmt: skip
    """Replies, reposts and quotes (how) of these parents, each led to by an impression (seen)."""
    n = len(author)
    day = hour // 24
    reads = people.reads_lang(author, posts.lang[parent])
    lang = np.where(reads | (how == REPOST), posts.lang[parent], people.lang[author])
    act = _rows(_ANSWER_ROWS[posts.act[parent]], rng.random(n))
    # Who answers in another language than the question's cannot name its facts.
    act = np.where(reads, act, int(Act.REACT))
    late = clock.is_late(np.full(n, hour), people.zone[author])
    heated = INSULT[posts.act[parent]]
    provoked = heated | _DISAGREES[posts.act[parent]]
    loses = law.loses_it(people.temper[author], late, people.mood[author, day], provoked.astype(float))
    act = np.where(rng.random(n) < loses, np.where(heated, int(Act.RETORT), int(Act.HEATED)), act)
    act = np.where(how == QUOTE, int(Act.COMMENT), np.where(how == REPOST, int(Act.REPOST), act))
    other = (rng.random(n) * subjects.facts[lang, posts.topic[parent]]).astype(np.int64)
    fact = np.where(
        act == Act.ASK, other, np.minimum(posts.fact[parent], subjects.facts[lang, posts.topic[parent]] - 1)
    )
    event = np.where(((act == Act.DISCUSS) | (act == Act.COMMENT)) & reads, posts.event[parent], -1)
    return _posts(
        people, author, at, parent, how, lang, posts.topic[parent], act, posts.entity[parent], fact, event, seen,
        np.where(event >= 0, posts.hot[parent] * 0.5, 0), late, day, 0.4, rng,
    )  # fmt: skip


def _posts(
    people: People, author: Ints, at: Ints, parent: Ints, how: Ints, lang: Ints, topic: Ints, act: Ints, entity: Ints,
    fact: Ints, event: Ints, seen: Ints, hot: Floats, late: Floats, day: int, talkative: float,
    rng: np.random.Generator,
) -> Posts:  # fmt: skip
    n = len(author)
    link = (rng.random(n) < _LINK_SHARE[act]) & (how != REPOST)
    media = (rng.random(n) < 0.14) & (how == NONE)
    insult = INSULT[act]
    quality = 0.7 * people.skill[author] + 0.6 * rng.standard_normal(n) + 0.3 * media - 0.2 * (how == REPLY)
    quality = quality - 1.0 * (act == Act.SPAM)
    more = np.where(lang == LANGS.index("ja"), 1.5, 0.75) * talkative
    extra = np.minimum(rng.poisson(people.length[author] * more), 4) * ((act != Act.SPAM) & (act != Act.REPOST))
    # Who is beside themselves, or at last says it, does not chat on.
    extra = np.where(insult | (act == Act.OVERSHARE), np.minimum(extra, 1), extra)
    regret = law.regret(insult.astype(float), (act == Act.OVERSHARE).astype(float), late, people.mood[author, day])
    regret = np.where(people.bot[author] | (how == REPOST), 0.0, regret)
    # Most find out in the morning. Six in ten of those who regret a post delete it.
    later = (rng.lognormal(np.log(7), 0.8, n) * HOUR).astype(np.int64)
    deleted_at = np.where(rng.random(n) < 0.6 * regret, at + later, NEVER)
    return Posts(
        author, at, parent, how, lang, topic, act, entity, fact, event, seen, hot, quality, extra, link, media, regret,
        deleted_at,
    )  # fmt: skip
