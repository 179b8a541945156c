"""Finding people by handle or name, where one is chosen: to sign in as, to follow, to read."""

import sqlalchemy as sa

from myna.app import Myna
from myna.network import Person
from myna.network.schema import people


def find_people(myna: Myna, text: str, limit: int = 24) -> list[Person]:
    """People whose handle or name has this text in it, those that begin with it first; without text, the first ones."""
    typed = text.strip().removeprefix("@").lower()
    if not typed:
        return myna.people(limit)
    handle, name = sa.func.lower(people.c.handle), sa.func.lower(people.c.name)
    query = (
        sa.select(people.c.id)
        .where(
            sa.or_(handle.contains(typed, autoescape=True), name.contains(typed, autoescape=True)),
            people.c.deleted_at.is_(None),
        )
        .order_by(
            sa.case((handle == typed, 0), (handle.startswith(typed, autoescape=True), 1), else_=2), handle, people.c.id
        )
        .limit(limit)
    )
    with myna.store.engine.connect() as connection:
        ids = list(connection.execute(query).scalars())
    found = myna.reader.people(ids)
    return [found[id] for id in ids if id in found]
