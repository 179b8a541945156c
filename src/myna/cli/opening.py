"""Opening a network for a command, and the options every command shares."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from myna.app import Myna
from myna.gate import OPERATOR, Actor, person_actor
from myna.network import Problem
from myna.settings import Settings

Home = Annotated[
    Path | None, typer.Option("--home", envvar="MYNA_HOME", help="The network's folder.", show_default="./myna-home")
]
Database = Annotated[
    str | None,
    typer.Option("--database", envvar="MYNA_DATABASE_URL", help="postgresql://… instead of SQLite in the home."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of words.")]
As = Annotated[str, typer.Option("--as", help="Whose eyes: a @handle or person id. Without it, the operator's.")]


def settings(home: Path | None, database: str | None = None, **others: Any) -> Settings:
    """Settings from options, the environment and the defaults, in this order."""
    given = {"home": home, "database_url": database, **others}
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = f"MYNA_{'_'.join(map(str, wrong['loc'])).upper()}"
        raise Problem(f"{name} is {wrong['input']!r}: {wrong['msg'][:1].lower()}{wrong['msg'][1:]}.") from error


@contextmanager
def network(home: Path | None, database: str | None = None, existing: bool = True) -> Iterator[Myna]:
    """The network of a home folder. Raises Problem where there is none and the command needs one."""
    chosen = settings(home, database)
    if existing and not chosen.database_url and not (chosen.home / "myna.db").exists():
        raise Problem(f"There is no network in {chosen.home}. Make one with `myna demo` or `myna import PATH`.", 404)
    opened = Myna(chosen)
    try:
        yield opened
    finally:
        opened.close()


def actor(myna: Myna, person: str) -> Actor:
    """The actor a command acts as."""
    return person_actor(myna.person(person).id) if person else OPERATOR
