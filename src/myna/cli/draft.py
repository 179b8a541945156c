"""`myna draft`: the risk of a text, and texts that wait for the morning."""

from typing import Annotated

import typer

from myna.cli.opening import Database, Home, Json, network
from myna.cli.show import answer, when
from myna.drafts.types import Guard
from myna.i18n import translate

app = typer.Typer(
    help="Drafts: check a text, hold it until the author's morning, post or discard it.", no_args_is_help=True
)
Person = Annotated[str, typer.Option("--as", help="The author: a @handle or person id.")]


@app.command()
def check(
    text: str,
    as_: Person,
    home: Home = None,
    database: Database = None,
    reply_to: Annotated[str, typer.Option("--reply-to", help="The post it answers.")] = "",
    json: Json = False,
) -> None:
    """The risk that the author regrets this text, with its reasons."""
    with network(home, database) as myna:
        risk = myna.check_draft(myna.person(as_).id, text, reply_to)
    lines = [
        f"risk {100 * risk.probability:.0f} %" + (f": better held until {when(risk.until)} UTC" if risk.hold else "")
    ]
    lines += [f"  {translate('en', reason.text, **reason.values)}" for reason in risk.reasons]
    answer(risk, json, *lines, f"decision {risk.decision}")


@app.command()
def hold(text: str, as_: Person, home: Home = None, database: Database = None, json: Json = False) -> None:
    """Holds a text until its author's morning."""
    with network(home, database) as myna:
        draft = myna.hold_draft(myna.person(as_).id, text)
        answer(draft, json, f"Held as {draft.id} until {when(draft.until)} UTC. It will not post itself.")


@app.command("list")
def list_(as_: Person, home: Home = None, database: Database = None, json: Json = False) -> None:
    """An author's held drafts."""
    with network(home, database) as myna:
        found = myna.drafts_of(myna.person(as_).id)
    answer(found, json, *(f"{draft.id}  until {when(draft.until)}  {draft.text}" for draft in found))


@app.command()
def post(id: str, as_: Person, home: Home = None, database: Database = None, json: Json = False) -> None:
    """Posts a held draft now."""
    with network(home, database) as myna:
        published = myna.post_draft(myna.person(as_).id, id)
        answer(published, json, f"Posted as {published.id}.")


@app.command()
def discard(id: str, as_: Person, home: Home = None, database: Database = None, json: Json = False) -> None:
    """Throws a held draft away."""
    with network(home, database) as myna:
        myna.discard_draft(myna.person(as_).id, id)
        answer({"discarded": id}, json, f"Discarded {id}.")


@app.command()
def guard(what: Guard, as_: Person, home: Home = None, database: Database = None, json: Json = False) -> None:
    """Sets an author's guard: off, advise or hold."""
    with network(home, database) as myna:
        person = myna.person(as_)
        myna.drafts.set_guard(person.id, what)
        answer({"person": person.id, "guard": what}, json, f"The guard of @{person.handle} is now: {what}.")
