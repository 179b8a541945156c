"""The fact log in a database: append, read, delete.

Reading here is unconditional. Only the gate (`myna.gate.Reader`) and the parts that bring facts in hold a Store;
every other part is handed a Reader, which asks the gate about each post.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from myna.network.database import askable, forget_overwritten, open_engine
from myna.network.problem import NotFound, Problem
from myna.network.schema import actions, consents, decisions, deletions, edges, people, posts, records
from myna.network.types import (
    Action,
    ActionKind,
    Appended,
    Consent,
    Counts,
    Deletion,
    Edge,
    EdgeKind,
    Fact,
    Person,
    Post,
    Purpose,
    Visibility,
    now_ms,
)
from myna.network.validity import invalid

_CHUNK = 500
"""Ids asked for in one statement: below every database's limit on parameters."""

_POST = (
    posts.c.id,
    posts.c.author_id,
    posts.c.created_at,
    posts.c.text,
    posts.c.lang,
    posts.c.reply_to,
    posts.c.repost_of,
    posts.c.quote_of,
    posts.c.visibility,
    posts.c.mentions,
    posts.c.urls,
    posts.c.media,
    posts.c.sensitive,
    posts.c.like_count,
    posts.c.repost_count,
    posts.c.reply_count,
    posts.c.seq,
)
_PERSON = tuple(people.c[name] for name in Person.__slots__)
_EDGE = tuple(edges.c[name] for name in Edge.__slots__)
_ACTION = tuple(actions.c[name] for name in Action.__slots__)
_CONSENT = tuple(consents.c[name] for name in Consent.__slots__)
_DELETION = tuple(deletions.c[name] for name in Deletion.__slots__)


class Store:
    """The fact log. Safe for many threads and processes; what `append` returned is durable."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._insert: Callable[..., Any] = sqlite.insert if self.engine.dialect.name == "sqlite" else postgresql.insert
        self._gone: set[str] = set()
        self._gone_seq = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Lets go of the database."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that writes; one at a time, so that `seq` grows in the order of commits and a reader that
        remembers the last it has seen misses nothing."""
        try:
            with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                if self.engine.dialect.name == "postgresql":
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(7696)"))
                yield connection
        except sa.exc.OperationalError as error:
            raise Problem(
                f"The database refused a write: {error.orig}. Nothing of this batch was kept; free space or "
                "stop the program that holds it, and try again.",
                503,
            ) from error

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(self, facts: Sequence[Fact], checked: bool = False) -> Appended:
        """Keeps these facts in one transaction: all or none, durable on return, each at most once.

        checked: the caller has already asked `invalid` about each. Raises Problem for the first invalid fact.
        """
        if not checked:
            for fact in facts:
                if reason := invalid(fact):
                    raise Problem(f"{type(fact).__name__} {getattr(fact, 'id', '')!r} was refused: {reason}.", 422)
        if not facts:
            return Appended()
        kinds: dict[type, list[Any]] = {}
        for fact in facts:
            kinds.setdefault(type(fact), []).append(fact)
        new = 0
        erasing = Deletion in kinds
        with self.writing() as connection:
            gone = self._gone_people(connection)
            if Person in kinds:
                new += self._append_people(connection, kinds[Person], gone)
            if Post in kinds:
                rows = [_post_row(post) for post in kinds[Post]]
                if gone:
                    rows = [row if row["author_id"] not in gone else _tombstone(row["id"]) for row in rows]
                new += self._add(connection, posts, rows)
            if Edge in kinds:
                facts_ = (e for e in kinds[Edge] if e.person_id not in gone and e.other_id not in gone)
                new += self._add(connection, edges, [_row(edge) for edge in facts_])
            if Action in kinds:
                new += self._add(connection, actions, [_row(a) for a in kinds[Action] if a.person_id not in gone])
            if Consent in kinds:
                new += self._add(connection, consents, [_row(consent) for consent in kinds[Consent]])
            for deletion in kinds.get(Deletion, ()):
                new += self._delete(connection, deletion)
        if erasing:
            forget_overwritten(self.engine)
        return Appended(new, len(facts) - new)

    def _add(self, connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> int:
        if not rows:
            return 0
        # Without both, an insert of a single row fetches its new key instead of counting rows, and says -1.
        insert = self._insert(table).inline().on_conflict_do_nothing()
        return int(connection.execute(insert, rows, execution_options={"preserve_rowcount": True}).rowcount)

    def _append_people(self, connection: sa.Connection, found: list[Person], gone: set[str]) -> int:
        latest = {person.id: person for person in found if person.id not in gone}
        held = {person.id: person for person in self._people(connection, latest)}
        rows = [
            {**_row(person), "deleted_at": None}
            for id, person in latest.items()
            if id not in held or replace(held[id], seq=person.seq) != person
        ]
        if rows:
            insert = self._insert(people)
            names = [name for name in Person.__slots__ if name not in ("id", "seq")]
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["id"], set_={name: getattr(insert.excluded, name) for name in names}
                ),
                rows,
            )
        return len(latest) - len(held)

    def _gone_people(self, connection: sa.Connection) -> set[str]:
        with self._lock:
            rows = connection.execute(
                sa.select(deletions.c.seq, deletions.c.id)
                .where(deletions.c.seq > self._gone_seq, deletions.c.kind == "person")
                .order_by(deletions.c.seq)
            ).all()
            for seq, id in rows:
                self._gone.add(id)
                self._gone_seq = seq
            return self._gone

    def _delete(self, connection: sa.Connection, deletion: Deletion) -> int:
        if not self._add(connection, deletions, [_row(deletion)]):
            return 0
        if deletion.kind == "post":
            insert = self._insert(posts)
            row = {**_tombstone(deletion.id), "deleted_at": deletion.at}
            erased = {name: value for name, value in row.items() if name not in ("id", "author_id")}
            connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=erased), row)
        else:
            # One deletion for each post, so that derived state needs to know of no other kind.
            theirs = sa.select(posts.c.id, sa.literal("post"), sa.literal(deletion.at), sa.literal(deletion.reason))
            connection.execute(
                self._insert(deletions)
                .from_select(
                    ["id", "kind", "at", "reason"],
                    theirs.where(posts.c.author_id == deletion.id, posts.c.deleted_at.is_(None)),
                )
                .on_conflict_do_nothing()
            )
            erased = {name: value for name, value in _tombstone("").items() if name != "id"}
            connection.execute(
                sa.update(posts).where(posts.c.author_id == deletion.id).values({**erased, "deleted_at": deletion.at})
            )
            blank = dict.fromkeys(("handle", "name", "description", "lang", "location"), "")
            connection.execute(
                sa.update(people)
                .where(people.c.id == deletion.id)
                .values(
                    **blank,
                    timezone="UTC",
                    created_at=0,
                    follower_count=None,
                    following_count=None,
                    deleted_at=deletion.at,
                )
            )
            for table, columns in (
                (edges, (edges.c.person_id, edges.c.other_id)),
                (actions, (actions.c.person_id,)),
                (records, (records.c.owner,)),
            ):
                connection.execute(sa.delete(table).where(sa.or_(*(column == deletion.id for column in columns))))
            # What Myna decided for this person tells about them; bills and the repository of ads must stay computable.
            connection.execute(
                sa.delete(decisions).where(
                    decisions.c.actor == deletion.id, decisions.c.kind.not_in(("auction", "campaign"))
                )
            )
            connection.execute(sa.update(decisions).where(decisions.c.actor == deletion.id).values(actor=""))
        return 1

    # -- reading ---------------------------------------------------------------------------------------------------

    def posts(self, ids: Iterable[str]) -> dict[str, Post]:
        """The posts of these ids that exist and are not deleted."""
        found: dict[str, Post] = {}
        with self.engine.connect() as connection:
            for chunk in _chunks(ids):
                query = sa.select(*_POST).where(posts.c.id.in_(chunk), posts.c.deleted_at.is_(None))
                for row in connection.execute(query):
                    found[row[0]] = _post(row)
        return found

    def posts_after(self, seq: int, limit: int = 10_000) -> list[Post]:
        """Posts appended after `seq`, in order; those deleted since are left out."""
        query = sa.select(*_POST).where(posts.c.seq > seq, posts.c.deleted_at.is_(None)).order_by(posts.c.seq)
        return self._posts(query.limit(limit))

    def posts_by(self, author_id: str, before: int = 2**62, limit: int = 20) -> list[Post]:
        """A person's posts older than `before` (milliseconds), newest first."""
        query = sa.select(*_POST).where(
            posts.c.author_id == askable(author_id), posts.c.created_at < before, posts.c.deleted_at.is_(None)
        )
        return self._posts(query.order_by(posts.c.created_at.desc(), posts.c.seq.desc()).limit(limit))

    def replies_to(self, id: str, limit: int = 200) -> list[Post]:
        """Direct replies, oldest first."""
        query = sa.select(*_POST).where(
            posts.c.reply_to == askable(id), posts.c.reply_to != "", posts.c.deleted_at.is_(None)
        )
        return self._posts(query.order_by(posts.c.created_at, posts.c.seq).limit(limit))

    def reposts_of(self, id: str, limit: int = 200) -> list[Post]:
        """Reposts, oldest first."""
        query = sa.select(*_POST).where(
            posts.c.repost_of == askable(id), posts.c.repost_of != "", posts.c.deleted_at.is_(None)
        )
        return self._posts(query.order_by(posts.c.created_at, posts.c.seq).limit(limit))

    def _posts(self, query: sa.Select[Any]) -> list[Post]:
        with self.engine.connect() as connection:
            return [_post(row) for row in connection.execute(query)]

    def people(self, ids: Iterable[str]) -> dict[str, Person]:
        """The people of these ids that exist and are not deleted."""
        with self.engine.connect() as connection:
            return {person.id: person for person in self._people(connection, ids)}

    def _people(self, connection: sa.Connection, ids: Iterable[str]) -> Iterator[Person]:
        for chunk in _chunks(ids):
            query = sa.select(*_PERSON).where(people.c.id.in_(chunk), people.c.deleted_at.is_(None))
            for row in connection.execute(query):
                yield Person(*row)

    def people_after(self, seq: int, limit: int = 10_000) -> list[Person]:
        """People appended after `seq`, in order."""
        query = sa.select(*_PERSON).where(people.c.seq > seq, people.c.deleted_at.is_(None)).order_by(people.c.seq)
        with self.engine.connect() as connection:
            return [Person(*row) for row in connection.execute(query.limit(limit))]

    def person(self, id_or_handle: str) -> Person:
        """A person by id or by @handle. Raises NotFound."""
        text = askable(id_or_handle.strip())
        handle = text.removeprefix("@")
        query = sa.select(*_PERSON).where(
            sa.or_(people.c.id == text, people.c.handle == handle), people.c.deleted_at.is_(None)
        )
        with self.engine.connect() as connection:
            rows = [Person(*row) for row in connection.execute(query.order_by(people.c.seq))]
            if not rows and handle:
                query = sa.select(*_PERSON).where(
                    sa.func.lower(people.c.handle) == handle.lower(), people.c.deleted_at.is_(None)
                )
                rows = [Person(*row) for row in connection.execute(query.order_by(people.c.seq))]
        if not rows:
            raise NotFound(f"There is no person {id_or_handle!r} here; give an id (source:local) or a @handle.")
        return next((person for person in rows if person.id == text), rows[0])

    def edges_of(self, person_id: str) -> list[Edge]:
        """How the person stands to others now: one edge for each that is on."""
        return self._edges(edges.c.person_id == askable(person_id))

    def edges_to(self, other_id: str) -> list[Edge]:
        """How others stand to the person now."""
        return self._edges(edges.c.other_id == askable(other_id))

    def _edges(self, condition: sa.ColumnElement[bool]) -> list[Edge]:
        newest: dict[tuple[str, str, str], Edge] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(sa.select(*_EDGE).where(condition).order_by(edges.c.at, edges.c.seq)):
                newest[row[0], row[1], row[2]] = _edge(row)
        return [edge for edge in newest.values() if edge.on]

    def edges_after(self, seq: int, limit: int = 50_000) -> list[Edge]:
        """Edges appended after `seq`, in order, also those that end one."""
        query = sa.select(*_EDGE).where(edges.c.seq > seq).order_by(edges.c.seq).limit(limit)
        with self.engine.connect() as connection:
            return [_edge(row) for row in connection.execute(query)]

    def actions_after(self, seq: int, limit: int = 50_000) -> list[Action]:
        """Actions appended after `seq`, in order."""
        return self._actions(sa.select(*_ACTION).where(actions.c.seq > seq).order_by(actions.c.seq).limit(limit))

    def actions_by(self, person_id: str, limit: int = 1000) -> list[Action]:
        """A person's newest actions, newest first."""
        query = sa.select(*_ACTION).where(actions.c.person_id == askable(person_id))
        return self._actions(query.order_by(actions.c.at.desc(), actions.c.seq.desc()).limit(limit))

    def actions_on(self, post_id: str, kind: ActionKind, limit: int = 1000) -> list[Action]:
        """Actions of a kind on a post, newest first."""
        query = sa.select(*_ACTION).where(actions.c.post_id == askable(post_id), actions.c.kind == kind)
        return self._actions(query.order_by(actions.c.at.desc(), actions.c.seq.desc()).limit(limit))

    def _actions(self, query: sa.Select[Any]) -> list[Action]:
        with self.engine.connect() as connection:
            return [
                Action(row[0], row[1], row[2], ActionKind(row[3]), row[4], row[5], row[6])
                for row in connection.execute(query)
            ]

    def consents_after(self, seq: int, limit: int = 50_000) -> list[Consent]:
        """Consents appended after `seq`, in order."""
        query = sa.select(*_CONSENT).where(consents.c.seq > seq).order_by(consents.c.seq).limit(limit)
        with self.engine.connect() as connection:
            return [
                Consent(row[0], Purpose(row[1]), bool(row[2]), row[3], row[4], row[5])
                for row in connection.execute(query)
            ]

    def deletions_after(self, seq: int, limit: int = 50_000) -> list[Deletion]:
        """Deletions appended after `seq`, in order."""
        query = sa.select(*_DELETION).where(deletions.c.seq > seq).order_by(deletions.c.seq).limit(limit)
        with self.engine.connect() as connection:
            return [Deletion(*row) for row in connection.execute(query)]

    def last_seq(self) -> dict[str, int]:
        """The newest `seq` of each table of facts: {"posts": 40012, …}; 0 where it is empty."""
        with self.engine.connect() as connection:
            return {
                table.name: connection.execute(sa.select(sa.func.max(table.c.seq))).scalar() or 0
                for table in (people, posts, edges, actions, consents, deletions)
            }

    def counts(self) -> Counts:
        """How many facts of each kind there are."""

        def count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
            return connection.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar() or 0

        with self.engine.connect() as connection:
            return Counts(
                count(people, people.c.deleted_at.is_(None)),
                count(posts, posts.c.deleted_at.is_(None)),
                count(edges),
                count(actions),
                count(consents),
                count(deletions),
            )


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(askable(id) for id in ids))
    for start in range(0, len(unique), _CHUNK):
        yield unique[start : start + _CHUNK]


def _row(fact: Any) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in fact.__slots__ if name != "seq"}


def _post_row(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "author_id": post.author_id,
        "created_at": post.created_at,
        "text": post.text,
        "lang": post.lang,
        "reply_to": post.reply_to,
        "repost_of": post.repost_of,
        "quote_of": post.quote_of,
        "visibility": post.visibility,
        "mentions": "\n".join(post.mentions),
        "urls": "\n".join(post.urls),
        "media": post.media,
        "sensitive": post.sensitive,
        "like_count": post.like_count,
        "repost_count": post.repost_count,
        "reply_count": post.reply_count,
        "deleted_at": None,
    }


def _tombstone(id: str) -> dict[str, Any]:
    return {**_post_row(Post(id, "", 0, "")), "deleted_at": now_ms()}


_VISIBILITY = {str(visibility): visibility for visibility in Visibility}


def _post(row: Any) -> Post:
    return Post(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], _VISIBILITY[row[8]],
        tuple(row[9].split("\n")) if row[9] else (), tuple(row[10].split("\n")) if row[10] else (),
        bool(row[11]), bool(row[12]), row[13], row[14], row[15], row[16],
    )  # fmt: skip


def _edge(row: Any) -> Edge:
    return Edge(row[0], row[1], EdgeKind(row[2]), row[3], bool(row[4]), row[5])
