"""Small durable documents beside the logs: campaigns, drafts, keys, accounts. One JSON object each."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from myna.network.database import askable
from myna.network.schema import records
from myna.network.store import Store
from myna.network.types import now_ms


class Records:
    """The documents of one kind. A document may have an owner (a person id), and goes when that person is deleted."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        self.kind = kind

    def put(self, id: str, body: Mapping[str, Any], owner: str = "") -> None:
        """Keeps the document under this id, in place of any before; durable on return."""
        row = {"owner": owner, "at": now_ms(), "body": json.dumps(body, ensure_ascii=False, separators=(",", ":"))}
        with self._store.writing() as connection:
            changed = connection.execute(sa.update(records).where(*self._is(id)).values(**row)).rowcount
            if not changed:
                connection.execute(sa.insert(records).values(kind=self.kind, id=id, **row))

    def get(self, id: str) -> dict[str, Any] | None:
        """The document, or None."""
        with self._store.engine.connect() as connection:
            body = connection.execute(sa.select(records.c.body).where(*self._is(id))).scalar()
        return None if body is None else json.loads(body)

    def all(self, owner: str | None = None) -> dict[str, dict[str, Any]]:
        """All documents of the kind, or of one owner, by id, oldest change first."""
        query = sa.select(records.c.id, records.c.body).where(records.c.kind == self.kind)
        if owner is not None:
            query = query.where(records.c.owner == askable(owner))
        with self._store.engine.connect() as connection:
            return {id: json.loads(body) for id, body in connection.execute(query.order_by(records.c.at, records.c.id))}

    def delete(self, id: str) -> bool:
        """Removes the document; False if there was none."""
        with self._store.writing() as connection:
            return connection.execute(sa.delete(records).where(*self._is(id))).rowcount > 0

    def take(self, id: str) -> dict[str, Any] | None:
        """Removes the document and returns it: to one of those who take it at once, None to the others."""
        with self._store.writing() as connection:
            body = connection.execute(sa.delete(records).where(*self._is(id)).returning(records.c.body)).scalar()
        return None if body is None else json.loads(body)

    def change(self, id: str, edit: Callable[[dict[str, Any]], Mapping[str, Any]]) -> dict[str, Any] | None:
        """Puts `edit` of the document in its place, with no other write in between; None if it is gone."""
        with self._store.writing() as connection:
            body = connection.execute(sa.select(records.c.body).where(*self._is(id))).scalar()
            if body is None:
                return None
            new = json.dumps(edit(json.loads(body)), ensure_ascii=False, separators=(",", ":"))
            connection.execute(sa.update(records).where(*self._is(id)).values(body=new, at=now_ms()))
        changed: dict[str, Any] = json.loads(new)
        return changed

    def of_kind(self, kind: str) -> "Records":
        """The documents of another kind in the same store."""
        return Records(self._store, kind)

    def _is(self, id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return records.c.kind == self.kind, records.c.id == askable(id)
