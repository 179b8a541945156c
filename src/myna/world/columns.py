"""Filling grammars in columns: one call expands a rule for all posts at once.

Alternatives are drawn as an array; the posts that drew the same alternative are formatted together, and each slot is
expanded once for all alternatives that have it. That is what makes text at this speed possible in plain Python.
"""

from collections.abc import Mapping

import numpy as np

from myna.world.grammar import Language, Pool
from myna.world.types import Ints, Texts


class Columns:
    """The posts of one language, as columns, and the means to say something about each of them.

    given: (n,) texts that stand for a slot as they are (E, V, here). topic, day: (n,). fact: (n,) the fact at hand.
    fixed: texts that stand for a slot where they are not empty, in place of a draw (news: the event's text).
    """

    def __init__(
        self,
        language: Language,
        rng: np.random.Generator,
        given: Mapping[str, Texts],
        fixed: Mapping[str, Texts],
        topic: Ints,
        day: Ints,
        fact: Ints,
    ) -> None:
        self._language = language
        self._rng = rng
        self._given = given
        self._fixed = fixed
        self._topic = topic
        self._day = day
        self._fact = fact

    def say(self, symbol: str, rows: Ints) -> Texts:
        """This rule for these rows: (rows,) texts."""
        if symbol in self._given:
            return self._given[symbol][rows]
        if symbol in self._fixed:
            texts = self._fixed[symbol][rows].copy()
            empty = np.flatnonzero(texts == "")
            if len(empty):
                texts[empty] = self._draw(symbol, rows[empty])
            return texts
        return self._draw(symbol, rows)

    def _draw(self, symbol: str, rows: Ints) -> Texts:
        pool = self._language.pools.get(symbol) or self._language.pools[symbol.rstrip("0123456789")]
        return self._fill(pool, self._choose(pool, rows), rows)

    def _choose(self, pool: Pool, rows: Ints) -> Ints:
        drawn = self._rng.random(len(rows)) ** pool.skew
        if pool.offset.ndim == 0:
            return (drawn * pool.count).astype(np.int64)
        topic = self._topic[rows]
        if pool.offset.ndim == 2:
            fact = self._fact[rows]
            return pool.offset[topic, fact] + (drawn * pool.count[topic, fact]).astype(np.int64)
        rank = (drawn * pool.count[topic]).astype(np.int64)
        if pool.drifts:
            # What is on everybody's lips moves on: every five days another word of the topic is the commonest.
            rank = (rank + self._day[rows] // 5) % pool.count[topic]
        return pool.offset[topic] + rank

    def _fill(self, pool: Pool, chosen: Ints, rows: Ints) -> Texts:
        out: Texts = pool.literal[chosen]
        at = np.flatnonzero(pool.slotted[chosen])
        if not len(at):
            return out
        at = at[np.argsort(chosen[at], kind="stable")]
        kinds = chosen[at]
        cuts = np.flatnonzero(np.diff(kinds)) + 1
        groups = np.split(at, cuts)
        firsts = kinds[np.concatenate([[0], cuts])].tolist()
        wanted: dict[tuple[str, bool], list[Ints]] = {}
        for kind, group in zip(firsts, groups, strict=True):
            template = pool.templates[kind]
            assert template is not None
            for slot in dict.fromkeys(template.slots):
                wanted.setdefault(slot, []).append(group)
        filled: dict[tuple[str, bool], Texts] = {}
        for slot, parts in wanted.items():
            where = np.concatenate(parts)
            texts = self.say(slot[0], rows[where])
            if slot[1]:
                texts = np.array([text[:1].upper() + text[1:] for text in texts], dtype=object)
            column = np.empty(len(rows), dtype=object)
            column[where] = texts
            filled[slot] = column
        for kind, group in zip(firsts, groups, strict=True):
            template = pool.templates[kind]
            assert template is not None
            form = template.form
            out[group] = [
                form % values for values in zip(*(filled[slot][group] for slot in template.slots), strict=True)
            ]
        return out
