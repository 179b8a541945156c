"""What the simulation planted and can be asked for: probabilities, interests, topics, causes, regret, answers.

It exists so that estimates can be judged. Nothing that is judged by it may import this package, and it is not in the
files that a world writes.
"""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from myna.network import WORLD, NotFound, Problem
from myna.world import law
from myna.world.content import NONE
from myna.world.features import Seen, features
from myna.world.grammar import LANGS, topics
from myna.world.history import Changes, follows_after
from myna.world.types import HOUR, Act, Cause, Floats, Ints, Question, Via, Why

if TYPE_CHECKING:
    from myna.world.world import World

SESSION = HOUR // 2
"""Where no impression is on record, posts seen in the half hour before count as the same session."""
_VIA = {
    Via.FOLLOW: Cause.FOLLOW,
    Via.RECOMMENDED: Cause.RECOMMENDED,
    Via.REPOST: Cause.REPOST,
    Via.NOTIFICATION: Cause.NOTIFICATION,
}


class Truth:
    """The planted truth of one world. Ids are those of its facts: world:p1, world:1, world:a1."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def probability(self, person_id: str, post_id: str, kind: str, at: int | None = None) -> float:
        """The probability that this person, shown this post (at that time), does this. kind: one of law.KINDS.

        Without a time: when the person was shown it, or, if they never were, an hour after it was written.
        """
        if kind not in law.KINDS:
            raise Problem(f"There is no probability of {kind!r}; ask for one of {', '.join(law.KINDS)}.")
        reader, post = self._person(person_id), self._post(post_id)
        held = self._impression(reader, post)
        if held is not None and at in (None, int(self._world.seen.at[held])):
            return float(self.probabilities(np.array([held]))[0, law.KINDS.index(kind)])
        when = int(self._world.posts.created_at[post]) + HOUR if at is None else at
        x = features(self._world.people, self._world.posts, self._world.clock, self._as_seen(reader, post, when))
        bot = self._world.people.bot[[reader]].astype(float)
        return float(law.probabilities(x, bot)[0, law.KINDS.index(kind)])

    def probabilities(self, impressions: Ints) -> Floats:
        """(impressions, law.KINDS): the probabilities at these impressions (numbers into world.seen)."""
        seen = self._world.seen.take(impressions)
        x = features(self._world.people, self._world.posts, self._world.clock, seen)
        return law.probabilities(x, self._world.people.bot[seen.reader].astype(float))

    def interests(self, person_id: str) -> Floats:
        """(topics,) how much this person cares for each topic; sums to 1."""
        return np.array(self._world.people.interests[self._person(person_id)])

    def topics(self) -> list[str]:
        """The topics' keys, in the order of `interests`."""
        return [topic.key for topic in topics()]

    def topic_of(self, post_id: str) -> int:
        """The number of the topic a post is about; a repost has its original's."""
        return int(self._world.posts.topic[self._post(post_id)])

    def act_of(self, post_id: str) -> str:
        """What the post does: ask, praise, heated, spam, … (types.Act)."""
        return Act(int(self._world.posts.act[self._post(post_id)])).name.lower()

    def entity_of(self, post_id: str) -> str:
        """The entity a post is about."""
        return str(self._world.subjects.names[self._world.posts.entity[self._post(post_id)]])

    def text_of(self, post_id: str) -> str:
        """What a post said, also where its author has deleted it since."""
        return str(self._world.written.text[self._post(post_id)])

    def regret(self, post_id: str) -> float:
        """The probability that the author regrets the post, by what it is and the state it was written in."""
        return float(self._world.posts.regret[self._post(post_id)])

    def cause_of(self, id: str) -> Why:
        """What caused an action (the impression it happened at) or a post (its author's state, or an impression)."""
        world = self._world
        if id.startswith(f"{WORLD}:a"):
            number = self._number(id, f"{WORLD}:a", len(world.actions.at))
            return self._cause_seen(int(world.actions.seen[number]))
        post = self._post(id)
        if world.posts.how[post] != NONE:
            return self._cause_seen(int(world.posts.seen[post]))
        act = world.posts.act[post]
        if world.people.bot[world.posts.author[post]]:
            return Why(Cause.BOT)
        if act in (Act.HEATED, Act.OVERSHARE):
            return Why(Cause.MOOD)
        if world.posts.event[post] >= 0:
            return Why(Cause.EVENT, event=str(world.subjects.event_text[world.posts.event[post]]))
        return Why(Cause.HABIT)

    def questions(self) -> list[Question]:
        """Every question that stands, with its answer and the posts in which the answer is written."""
        world = self._world
        posts, subjects = world.posts, world.subjects
        standing = ~world.gone()
        tells: dict[int, list[int]] = {}
        for row in np.flatnonzero(
            standing & np.isin(posts.act, (Act.ANSWER, Act.REPORT, Act.SHARE, Act.THANKS))
        ).tolist():
            tells.setdefault(int(posts.entity[row]), []).append(row)
        found = []
        for row in np.flatnonzero((posts.act == Act.ASK) & standing).tolist():
            entity = int(posts.entity[row])
            if LANGS[posts.lang[row]] != LANGS[entity // (len(subjects.names) // len(LANGS))]:
                continue
            name, answer = str(subjects.names[entity]), str(subjects.values[entity, posts.fact[row]])
            told = tuple(
                f"{WORLD}:{other + 1}"
                for other in tells.get(entity, ())
                if answer in world.written.text[other] and name in world.written.text[other]
            )
            topic = topics()[posts.topic[row]].key
            found.append(
                Question(
                    f"{WORLD}:{row + 1}", LANGS[posts.lang[row]], topic, name, world.written.text[row], answer, told
                )
            )
        return found

    def _cause_seen(self, impression: int) -> Why:
        seen = self._world.seen
        post = f"{WORLD}:{seen.post[impression] + 1}"
        by = int(seen.by[impression])
        if self._world.people.bot[seen.reader[impression]]:
            return Why(Cause.BOT, post)
        return Why(_VIA[Via(int(seen.via[impression]))], post, f"{WORLD}:p{by + 1}" if by >= 0 else "")

    def _as_seen(self, reader: int, post: int, at: int) -> Seen:
        world = self._world
        author = int(world.posts.author[post])
        midnight = at - (at - world.start) % (24 * HOUR)
        c = world.changes
        pair = ((c.person == reader) & (c.other == author)) | ((c.person == author) & (c.other == reader))
        rows = np.flatnonzero((c.at < midnight) & pair)
        then = follows_after(world.base, Changes(c.person[rows], c.other[rows], c.kind[rows], c.on[rows], c.at[rows]))
        one, two = np.array([reader]), np.array([author])
        follows = then.follows(one, two)
        rows = self._by_reader[self._reader_first[reader] : self._reader_first[reader + 1]]
        position = int(((world.seen.at[rows] < at) & (world.seen.at[rows] >= at - SESSION)).sum())
        mutual = follows & then.follows(two, one)
        none = np.array([-1])
        return Seen(one, np.array([post]), np.array([at]), np.array([position]), none, none, follows, mutual)

    @cached_property
    def _by_reader(self) -> Ints:
        return np.lexsort((self._world.seen.post, self._world.seen.reader))

    @cached_property
    def _reader_first(self) -> Ints:
        return np.searchsorted(self._world.seen.reader[self._by_reader], np.arange(len(self._world.people) + 1))

    def _impression(self, reader: int, post: int) -> int | None:
        rows = self._by_reader[self._reader_first[reader] : self._reader_first[reader + 1]]
        at = int(np.searchsorted(self._world.seen.post[rows], post))
        return int(rows[at]) if at < len(rows) and self._world.seen.post[rows[at]] == post else None

    def _person(self, id: str) -> int:
        return self._number(id, f"{WORLD}:p", len(self._world.people))

    def _post(self, id: str) -> int:
        return self._number(id, f"{WORLD}:", len(self._world.posts))

    def _number(self, id: str, prefix: str, count: int) -> int:
        local = id.removeprefix(prefix)
        if not id.startswith(prefix) or not (local.isascii() and local.isdigit()) or not 1 <= int(local) <= count:
            raise NotFound(f"This world has no {id!r}; it has {prefix}1 to {prefix}{count}.")
        return int(local) - 1
