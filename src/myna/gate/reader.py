"""Reading posts through the gate: the one way for every part above it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from myna.gate.policy import Policy, Scope
from myna.gate.types import Actor, ActorKind, Ruling
from myna.network import Action, ActionKind, Consent, Deletion, Edge, NotFound, Person, Post, Purpose
from myna.network.store import Store

OnRuling = Callable[[Actor, Purpose, Counter[str], Counter[str]], None]
"""Told after each read by a program, a training run or an export: what was allowed and refused, counted by reason."""


class Reader:
    """Posts as an actor may have them for a purpose. What is refused is missing, as if it did not exist.

    People, edges and actions are read here too: they are no posts, and belong to the parts as they are.
    """

    def __init__(self, store: Store, on_ruling: OnRuling | None = None) -> None:
        self._store = store
        self.policy = Policy(store)
        self._on_ruling = on_ruling

    def scope(self, actor: Actor, purpose: Purpose) -> Scope:
        """The gate for many posts of one request: `scope.decide(post)`."""
        return self.policy.scope(actor, purpose)

    def decide(self, actor: Actor, purpose: Purpose, post: Post) -> Ruling:
        """Allow or refuse one post."""
        return self.scope(actor, purpose).decide(post)

    def posts(self, actor: Actor, purpose: Purpose, ids: Iterable[str]) -> dict[str, Post]:
        """The permitted posts among these ids."""
        return {post.id: post for post in self._permitted(actor, purpose, self._store.posts(ids).values())}

    def post(self, actor: Actor, purpose: Purpose, id: str) -> Post:
        """One post. Raises NotFound, also where the gate refuses: that a post exists is not told either."""
        found = self.posts(actor, purpose, [id])
        if id not in found:
            raise NotFound(f"There is no post {id!r} that you may see. It may have been deleted.")
        return found[id]

    def posts_after(self, actor: Actor, purpose: Purpose, seq: int, limit: int = 10_000) -> tuple[list[Post], int]:
        """Permitted posts appended after `seq`, in order, and the seq to go on from.

        The list may be empty while more follow; there are none left when the returned seq equals the given one.
        """
        batch = self._store.posts_after(seq, limit)
        return self._permitted(actor, purpose, batch), batch[-1].seq if batch else seq

    def posts_by(
        self, actor: Actor, purpose: Purpose, author_id: str, before: int = 2**62, limit: int = 20
    ) -> list[Post]:
        """A person's permitted posts older than `before` (milliseconds), newest first: `limit` if there are so many."""
        permitted: list[Post] = []
        while len(permitted) < limit:
            batch = self._store.posts_by(author_id, before, limit)
            permitted += self._permitted(actor, purpose, batch)
            if len(batch) < limit:
                break
            before = batch[-1].created_at
        return permitted[:limit]

    def replies_to(self, actor: Actor, purpose: Purpose, id: str, limit: int = 200) -> list[Post]:
        """Permitted direct replies, oldest first."""
        return self._permitted(actor, purpose, self._store.replies_to(id, limit))

    def reposts_of(self, actor: Actor, purpose: Purpose, id: str, limit: int = 200) -> list[Post]:
        """Permitted reposts, oldest first."""
        return self._permitted(actor, purpose, self._store.reposts_of(id, limit))

    def _permitted(self, actor: Actor, purpose: Purpose, found: Iterable[Post]) -> list[Post]:
        scope = self.scope(actor, purpose)
        permitted: list[Post] = []
        allowed: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        for post in found:
            ruling = scope.decide(post)
            if ruling.allow:
                permitted.append(post)
                allowed[ruling.reason] += 1
            else:
                refused[ruling.reason] += 1
        logged = actor.kind is ActorKind.PROGRAM or purpose in (Purpose.TRAIN, Purpose.EXPORT)
        if self._on_ruling and logged and (allowed or refused):
            self._on_ruling(actor, purpose, allowed, refused)
        return permitted

    # -- what is no post -------------------------------------------------------------------------------------------

    def people(self, ids: Iterable[str]) -> dict[str, Person]:
        """People by id, those that exist."""
        return self._store.people(ids)

    def person(self, id_or_handle: str) -> Person:
        """A person by id or @handle. Raises NotFound."""
        return self._store.person(id_or_handle)

    def people_after(self, seq: int, limit: int = 10_000) -> list[Person]:
        """People appended after `seq`, in order."""
        return self._store.people_after(seq, limit)

    def edges_of(self, person_id: str) -> list[Edge]:
        """How a person stands to others now."""
        return self._store.edges_of(person_id)

    def edges_to(self, other_id: str) -> list[Edge]:
        """How others stand to a person now."""
        return self._store.edges_to(other_id)

    def edges_after(self, seq: int, limit: int = 50_000) -> list[Edge]:
        """Edges appended after `seq`, in order, also those that end one."""
        return self._store.edges_after(seq, limit)

    def actions_after(self, seq: int, limit: int = 50_000) -> list[Action]:
        """Actions appended after `seq`, in order."""
        return self._store.actions_after(seq, limit)

    def actions_by(self, person_id: str, limit: int = 1000) -> list[Action]:
        """A person's newest actions, newest first."""
        return self._store.actions_by(person_id, limit)

    def actions_on(self, post_id: str, kind: ActionKind, limit: int = 1000) -> list[Action]:
        """Actions of a kind on a post, newest first."""
        return self._store.actions_on(post_id, kind, limit)

    def consents_after(self, seq: int, limit: int = 50_000) -> list[Consent]:
        """Consents appended after `seq`, in order: what makes a derived store take posts in or let them go."""
        return self._store.consents_after(seq, limit)

    def deletions_after(self, seq: int, limit: int = 50_000) -> Sequence[Deletion]:
        """Deletions appended after `seq`, in order: what every derived store must drop."""
        return self._store.deletions_after(seq, limit)

    def last_seq(self) -> dict[str, int]:
        """The newest seq of each table of facts."""
        return self._store.last_seq()
