"""decide(actor, purpose, post): the only way to ask. A refusal by anyone with a say overrides every permission.

Who has a say, in the order asked: the deletion, the key's scope, the author's visibility and blocks, the author's
consent (for the post before for all their posts), the operator's, and the default: posts written on this network may
be used for all but export; posts from elsewhere for all but export and training.
"""

import threading
from dataclasses import dataclass, field

from myna.gate.types import Actor, ActorKind, Ruling
from myna.network import HOME, WORLD, Consent, Edge, EdgeKind, Post, Purpose, Visibility, source_of
from myna.network.store import Store

OWN_SOURCES = frozenset({HOME, WORLD})
"""Posts of these sources were written on this network."""


@dataclass(slots=True)
class Policy:
    """The consents in force, kept up with the fact log. One per process, for all its threads; `refresh` is cheap when
    nothing is new."""

    store: Store
    _seq: int = 0
    _reading: threading.Lock = field(default_factory=threading.Lock)
    _said: dict[tuple[str, Purpose], dict[str, Consent]] = field(default_factory=dict)

    def refresh(self) -> int:
        """Reads consents given since; returns the newest seq, which names this state of the policy."""
        # One thread at a time: one that read an older batch would put old answers over newer ones of the same time.
        with self._reading:
            while new := self.store.consents_after(self._seq):
                for consent in new:
                    said = self._said.setdefault((consent.subject, consent.purpose), {})
                    old = said.get(consent.by)
                    if old is None or consent.at >= old.at:
                        said[consent.by] = consent
                self._seq = new[-1].seq
            return self._seq

    def scope(self, actor: Actor, purpose: Purpose) -> "Scope":
        """All that is needed to decide about any number of posts for this actor and purpose, read once."""
        self.refresh()
        person = actor.person_id
        follows: set[str] = set()
        blockers: set[str] = set()
        if person:
            follows = {edge.other_id for edge in self.store.edges_of(person) if edge.kind is EdgeKind.FOLLOW}
            blockers = {edge.person_id for edge in self.store.edges_to(person) if edge.kind is EdgeKind.BLOCK}
        return Scope(self, actor, purpose, frozenset(follows), frozenset(blockers))

    def author_says(self, post: Post, purpose: Purpose) -> bool | None:
        """The author's own yes or no, for this post before for all of theirs; None if they said neither."""
        for subject in (post.id, post.author_id):
            said = self._said.get((subject, purpose), {}).get(post.author_id)
            if said is not None:
                return said.allow
        return None

    def operator_says(self, post: Post, purpose: Purpose) -> bool | None:
        """The operator's yes or no, the most particular first: post, person, source, all."""
        for subject in (post.id, post.author_id, f"{post.source}:*", "*"):
            said = self._said.get((subject, purpose), {}).get("operator")
            if said is not None:
                return said.allow
        return None

    def said(self, purpose: Purpose) -> list[Consent]:
        """Every yes and no in force for a purpose: what an index needs to refuse before it ranks."""
        return [
            consent
            for (_, about), said in list(self._said.items())
            if about is purpose
            for consent in list(said.values())
        ]

    def author_preference(self, person_id: str, purpose: Purpose) -> bool | None:
        """What a person said about all of their posts; None if nothing."""
        said = self._said.get((person_id, purpose), {}).get(person_id)
        return None if said is None else said.allow


@dataclass(frozen=True, slots=True)
class Scope:
    """The gate for one actor and purpose at one moment."""

    policy: Policy
    actor: Actor
    purpose: Purpose
    follows: frozenset[str]
    blockers: frozenset[str]

    def decide(self, post: Post) -> Ruling:
        """Allow or refuse this post, with the rule that decided."""
        actor, purpose = self.actor, self.purpose
        if not actor.may(purpose):
            return Ruling(False, "the key is not for this purpose")
        own = post.author_id == actor.person_id and bool(actor.person_id)
        if not own:
            if post.author_id in self.blockers:
                return Ruling(False, "the author blocked this person")
            if refusal := self._unseen(post):
                return refusal
        if own and purpose is Purpose.READ:
            return Ruling(True, "own post")
        author = self.policy.author_says(post, purpose)
        operator = self.policy.operator_says(post, purpose)
        if author is False:
            return Ruling(False, "the author said no")
        if operator is False:
            return Ruling(False, "the operator said no")
        if author is True:
            return Ruling(True, "the author said yes")
        if operator is True:
            return Ruling(True, "the operator said yes")
        if purpose is Purpose.EXPORT and not own:
            return Ruling(False, "export needs a yes")
        if purpose is Purpose.TRAIN and post.source not in OWN_SOURCES:
            return Ruling(False, "training on posts from elsewhere needs a yes")
        return Ruling(True, "own network" if post.source in OWN_SOURCES else "default")

    def _unseen(self, post: Post) -> Ruling | None:
        """Refuses what the author did not write for this reader, or not for this use."""
        if post.visibility is Visibility.PUBLIC:
            return None
        if post.visibility is Visibility.UNLISTED:
            if self.purpose is Purpose.READ:
                return None
            return Ruling(False, "unlisted posts are for reading only")
        if self.purpose in (Purpose.TRAIN, Purpose.EXPORT, Purpose.ADS, Purpose.ANSWER):
            return Ruling(False, f"{post.visibility} posts are for their readers only")
        person = self.actor.person_id
        if post.visibility is Visibility.FOLLOWERS and post.author_id in self.follows:
            return None
        if person and person in post.mentions:
            return None
        if self.actor.kind is ActorKind.MYNA:
            # The index and the feed hold such posts, and ask again for each reader.
            return None
        return Ruling(False, f"{post.visibility} posts are for their readers only")


def relations(edges: list[Edge], kind: EdgeKind) -> frozenset[str]:
    """The other ends of the edges of a kind."""
    return frozenset(edge.other_id for edge in edges if edge.kind is kind)


def is_own(id: str) -> bool:
    """Whether a fact of this id was written on this network."""
    return source_of(id) in OWN_SOURCES
