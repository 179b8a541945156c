"""The decision log: append, find, replay."""

import secrets
import zlib
from collections.abc import Callable
from typing import Any

import orjson
import sqlalchemy as sa

from myna.decisions.types import Decision, Replay
from myna.network import NotFound, Problem, now_ms
from myna.network.database import askable
from myna.network.schema import decisions
from myna.network.store import Store

Replayer = Callable[[Decision], dict[str, Any]]
"""Computes a decision's output again from its input: a pure function of both and of the model versions it names."""


def canonical(value: dict[str, Any]) -> bytes:
    """The one JSON form of a value: sorted keys, no spaces, UTF-8. Replays compare these bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)


def new_id(prefix: str, at: int) -> str:
    """A fresh id that sorts by time: prefix, 11 hex digits of milliseconds, 12 random ones."""
    return f"{prefix}{at:011x}{secrets.token_hex(6)}"


class DecisionLog:
    """What Myna decided, append-only, durable on return."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._replayers: dict[str, Replayer] = {}

    def replays(self, kind: str, replayer: Replayer) -> None:
        """Names the function that computes decisions of a kind again."""
        self._replayers[kind] = replayer

    def write(
        self,
        kind: str,
        actor: str,
        purpose: str,
        input: dict[str, Any],
        output: dict[str, Any],
        model: str = "",
        at: int | None = None,
        id: str | None = None,
    ) -> str:
        """Keeps a decision; returns its id. `id` may be made beforehand with `new_id("d", at)`."""
        at = now_ms() if at is None else at
        id = id or new_id("d", at)
        row = {
            "id": id,
            "at": at,
            "kind": kind,
            "actor": actor,
            "purpose": purpose,
            "model": model,
            "input": zlib.compress(canonical(input), 1),
            "output": zlib.compress(canonical(output), 1),
        }
        with self._store.writing() as connection:
            connection.execute(sa.insert(decisions).values(row))
        return id

    def get(self, id: str) -> Decision:
        """A decision by id. Raises NotFound."""
        with self._store.engine.connect() as connection:
            row = connection.execute(sa.select(decisions).where(decisions.c.id == askable(id))).first()
        if row is None:
            raise NotFound(f"There is no decision {id!r}. Its id stands with every answer; a person's go with them.")
        return _decision(row)

    def latest(
        self, kind: str | None = None, actor: str | None = None, since: int = 0, limit: int = 100
    ) -> list[Decision]:
        """Newest decisions first, of a kind, of an actor, made at or after `since` (milliseconds)."""
        query = sa.select(decisions).where(decisions.c.at >= since)
        if kind is not None:
            query = query.where(decisions.c.kind == kind)
        if actor is not None:
            query = query.where(decisions.c.actor == askable(actor))
        return self._read(query.order_by(decisions.c.seq.desc()).limit(limit))

    def after(self, seq: int, kind: str, limit: int = 10_000) -> tuple[list[Decision], int]:
        """Decisions of a kind appended after `seq`, in order, and the seq to go on from: for what is derived."""
        query = sa.select(decisions).where(decisions.c.seq > seq, decisions.c.kind == kind)
        with self._store.engine.connect() as connection:
            rows = connection.execute(query.order_by(decisions.c.seq).limit(limit)).all()
        return [_decision(row) for row in rows], rows[-1].seq if rows else seq

    def count(self, kind: str | None = None) -> int:
        """How many there are, of a kind or of all."""
        query = sa.select(sa.func.count()).select_from(decisions)
        if kind is not None:
            query = query.where(decisions.c.kind == kind)
        with self._store.engine.connect() as connection:
            return connection.execute(query).scalar() or 0

    def why(self, id: str) -> dict[str, Any]:
        """The reasons of a decision: {"id", "at", "kind", "actor", "purpose", "model", "reasons", "output"}."""
        decision = self.get(id)
        return {
            "id": decision.id,
            "at": decision.at,
            "kind": decision.kind,
            "actor": decision.actor,
            "purpose": decision.purpose,
            "model": decision.model,
            "reasons": decision.output.get("reasons", []),
            "output": decision.output,
        }

    def replay(self, id: str) -> Replay:
        """Computes a decision again from its logged input. Raises Problem for a kind that cannot be."""
        decision = self.get(id)
        replayer = self._replayers.get(decision.kind)
        if replayer is None:
            raise Problem(
                f"Decisions of kind {decision.kind!r} are records of an act and are not replayed; ask `myna why {id}`.",
                422,
            )
        return Replay(id, canonical(decision.output), canonical(replayer(decision)))

    def _read(self, query: sa.Select[Any]) -> list[Decision]:
        with self._store.engine.connect() as connection:
            return [_decision(row) for row in connection.execute(query)]


def _decision(row: Any) -> Decision:
    return Decision(
        row.id,
        row.at,
        row.kind,
        row.actor,
        row.purpose,
        row.model,
        orjson.loads(zlib.decompress(row.input)),
        orjson.loads(zlib.decompress(row.output)),
    )
