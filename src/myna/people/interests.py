"""What Myna takes people to be interested in, and the posts that made it think so."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from myna.gate import MYNA, Reader
from myna.network import Problem, Progress, Purpose, Records, now_ms, quiet
from myna.people.activity import DAY, Activity
from myna.people.columns import Array
from myna.people.following import Following
from myna.people.space import Embed
from myna.people.taste import Evidence, by_topic, evidence
from myna.people.topics import Topics, likeness
from myna.people.types import Interest

_MOST = 12
"""Interests shown of one person."""
_LEAST_SHARE = 0.02
"""Of a person's evidence: less is chance."""
_LEAST_POSTS = 2
"""That must speak for an interest, so that one accidental like makes none."""
_SHOWN = 5
"""Evidence posts named with an interest."""
_SAME = 0.2


class Interests:
    """The interests of everybody, derived from the log, kept up by `follow`, edited by the people themselves.

    embed, embed_version: the language model's embeddings, where there is a model; then posts' vectors are made of
    words and of embeddings, from the next `rebuild` on.
    """

    def __init__(
        self, directory: Path, reader: Reader, records: Records, embed: Embed | None = None, embed_version: str = ""
    ) -> None:
        self._reader = reader
        self._records = records
        self.following = Following(directory, reader, embed, embed_version)
        self._for_ads: dict[str, tuple[tuple[int, ...], list[Interest]]] = {}

    @property
    def activity(self) -> Activity:
        """What everybody wrote and did. Hold `following.lock` while reading it."""
        return self.following.activity

    @property
    def known(self) -> Topics:
        """The topics in use."""
        return self.following.topics

    def follow(self, progress: Progress = quiet) -> int:
        """Catches up with the log; returns how many facts were new."""
        return self.following.follow(progress)

    def rebuild(self, progress: Progress = quiet) -> None:
        """Derives everything anew from the log. Topics that are the same keep their ids."""
        self.following.rebuild(progress)

    def set_embed(self, embed: Embed | None, version: str) -> None:
        """Hands in another language model's embeddings."""
        self.following.set_embed(embed, version)

    def topics(self) -> list[str]:
        """The topics of the network, each by its telling words, the most written about first."""
        self.following.follow_quickly()
        with self.following.lock:
            topics = self.known
            first = self.activity.posts["topic"][:, 0]
            sizes = np.bincount(first[first >= 0], minlength=len(topics))[: len(topics)]
            return [topics.name(int(k)) for k in np.argsort(-sizes, kind="stable")]

    def of(self, person_id: str) -> list[Interest]:
        """A person's interests, the strongest first; those they hid come last, with no weight."""
        self.following.follow_quickly()
        with self.following.lock:
            hidden = self.hidden(person_id)
            row = self.activity.people_ids.row(person_id)
            found = self.evidence(person_id, self.now(), hidden) if row >= 0 else None
            interests = self._interests(found, hidden) if found is not None else []
            return interests + self._hidden_interests(person_id, hidden)

    def hide(self, person_id: str, interest_id: str, hidden: bool = True) -> None:
        """A person says "not me", or takes it back; it holds from the next request on. Raises Problem for an id that
        is none of theirs and no topic."""
        if not hidden:
            for key, body in self._records.all(person_id).items():
                if body["topic"] == interest_id or interest_id in {self.known.ids[row] for row in self._meant(body)}:
                    self._records.delete(key)
            return
        with self.following.lock:
            if interest_id not in self.known.ids:
                raise Problem(
                    f"There is no interest {interest_id!r}. Ask for the person's interests and take an id.", 404
                )
            telling = self.known.telling[self.known.ids.index(interest_id)]
        self._records.put(
            f"{person_id} {interest_id}", {"topic": interest_id, "telling": list(telling)}, owner=person_id
        )

    def matches(self, person_id: str, topics: Sequence[str]) -> list[Interest]:
        """A person's interests among these topics (names, ids or telling words), for ads.

        Only posts that may be used for ads are evidence. Nothing for a person who said no to ads for themself.
        """
        if self._reader.policy.author_preference(person_id, Purpose.ADS) is False:
            return []
        with self.following.lock:
            wanted = {self.known.ids[topic] for topic in self.known.matching(topics)}
            if not wanted:
                return []
            return [interest for interest in self._usable_for_ads(person_id) if interest.id in wanted]

    # -- for the feed ----------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The present by the network's own clock, which stands still in silence (see `Activity.clock`)."""
        return self.activity.tick(now_ms())

    def hidden(self, person_id: str) -> frozenset[int]:
        """The topics a person hid, as rows of `known`."""
        return frozenset(row for body in self._records.all(person_id).values() for row in self._meant(body))

    def evidence(self, person_id: str, now: int, hidden: frozenset[int] | None = None) -> Evidence:
        """What a person's events say of their taste, without posts mostly about topics they hid. Under the lock."""
        hidden = self.hidden(person_id) if hidden is None else hidden
        found = evidence(self.activity, self.activity.people_ids.row(person_id), now)
        if not hidden:
            return found
        return found.only(~np.isin(self.activity.posts["topic"][found.posts, 0], list(hidden)))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _interests(self, found: Evidence, hidden: frozenset[int]) -> list[Interest]:
        activity, topics = self.activity, self.known
        weights = np.maximum(by_topic(activity, found, len(topics)), 0)
        weights[list(hidden)] = 0
        member = activity.posts["topic"][found.posts]
        share = np.where(found.weights > 0, found.weights, 0)[:, None] * activity.posts["topic_weight"][found.posts]
        posts = {int(k): self._shown(found, member, share, int(k)) for k in np.flatnonzero(weights)}
        total = float(weights.sum()) or 1.0
        strong = [
            k for k in posts if weights[k] / total >= _LEAST_SHARE and len(posts[k]) >= _LEAST_POSTS
        ]  # fmt: skip
        strong = sorted(strong, key=lambda k: (-weights[k], k))[:_MOST]
        total = float(sum(weights[k] for k in strong)) or 1.0
        return [Interest(topics.ids[k], topics.name(k), float(weights[k] / total), posts[k][:_SHOWN]) for k in strong]

    def _shown(self, found: Evidence, member: Array, share: Array, topic: int) -> tuple[str, ...]:
        strength = np.where(member == topic, share, 0).sum(axis=1)
        order = [int(i) for i in np.argsort(-strength, kind="stable") if strength[i] > 0]
        ids = self.activity.post_ids.ids
        return tuple(dict.fromkeys(ids[int(found.posts[i])] for i in order))[: 2 * _SHOWN]

    def _hidden_interests(self, person_id: str, hidden: frozenset[int]) -> list[Interest]:
        ids = [self.known.ids[k] for k in sorted(hidden)]
        shown = [Interest(id, self.known.name(self.known.ids.index(id)), 0.0, (), True) for id in ids]
        lost = [body for body in self._records.all(person_id).values() if not self._meant(body)]
        return shown + [Interest(body["topic"], ", ".join(body["telling"][:3]), 0.0, (), True) for body in lost]

    def _meant(self, body: dict[str, Any]) -> set[int]:
        """The topics of today that a hidden one stands for. One learnt anew under another id stays hidden where it is
        mostly the same."""
        topics = self.known
        if body["topic"] in topics.ids:
            return {topics.ids.index(body["topic"])}
        return {row for row, telling in enumerate(topics.telling) if likeness(body["telling"], telling) >= _SAME}

    def _usable_for_ads(self, person_id: str) -> list[Interest]:
        hidden = self.hidden(person_id)
        row = self.activity.people_ids.row(person_id)
        if row < 0:
            return []
        now = self.now()
        state = (
            self._reader.policy.refresh(), len(self.activity.history.get(row, ())), hash(hidden), len(self.known),
            self.following.cursors.get("deletions", 0), now // DAY,
        )  # fmt: skip
        kept = self._for_ads.get(person_id)
        if kept is None or kept[0] != state:
            found = self.evidence(person_id, now, hidden)
            ids = [self.activity.post_ids.ids[int(post)] for post in found.posts]
            permitted = self._reader.posts(MYNA, Purpose.ADS, ids)
            found = found.only(np.array([id in permitted for id in ids], bool))
            if len(self._for_ads) > 10_000:
                self._for_ads.clear()
            self._for_ads[person_id] = kept = (state, self._interests(found, hidden))
        return kept[1]
