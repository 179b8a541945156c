"""`myna key` and `myna person`: who may come in, programs and people."""

from typing import Annotated

import typer

from myna.cli.opening import Database, Home, Json, network
from myna.cli.show import answer, table, when
from myna.network import Purpose

app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)
people = typer.Typer(help="People of this network: add, password.", no_args_is_help=True)


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    purpose: Annotated[list[Purpose], typer.Option(help="What it may be used for; as often as needed.")],
    home: Home = None,
    database: Database = None,
    days: Annotated[int, typer.Option(min=0, help="Until it expires; 0 for never.")] = 90,
    as_: Annotated[str, typer.Option("--as", help="The person the program acts for.")] = "",
    write: Annotated[bool, typer.Option("--write", help="May also post and act for that person.")] = False,
    operator: Annotated[bool, typer.Option("--operator", help="May do all that the operator may.")] = False,
    json: Json = False,
) -> None:
    """Makes a key. Its secret is shown this once."""
    with network(home, database) as myna:
        person = myna.person(as_).id if as_ else ""
        secret, key = myna.make_key(name, purpose, days, person, operator, write)
    answer({"secret": secret, "id": key.id, "expires_at": key.expires_at}, json, secret)


@app.command("list")
def list_(home: Home = None, database: Database = None, json: Json = False) -> None:
    """The keys there are, without their secrets."""
    with network(home, database) as myna:
        found = myna.keys.all()
    rows = [
        (k.id, k.name, ", ".join(sorted(k.purposes)), k.on_behalf_of, when(k.expires_at) if k.expires_at else "never")
        for k in found
    ]
    if json:
        shown = [
            {"id": k.id, "name": k.name, "purposes": k.purposes, "as": k.on_behalf_of, "expires_at": k.expires_at}
            for k in found
        ]
        answer(shown, json)
    else:
        table(rows, "id", "name", "purposes", "as", "expires")


@app.command()
def revoke(id: str, home: Home = None, database: Database = None, json: Json = False) -> None:
    """Ends a key at once."""
    with network(home, database) as myna:
        myna.revoke_key(id)
    answer({"revoked": id}, json, f"Revoked {id}.")


@people.command()
def add(
    handle: str,
    home: Home = None,
    database: Database = None,
    name: str = "",
    lang: Annotated[str, typer.Option(help="Language, e.g. en or vi.")] = "en",
    timezone: Annotated[str, typer.Option(help="IANA name, e.g. Asia/Ho_Chi_Minh.")] = "UTC",
    json: Json = False,
) -> None:
    """Adds a person to this network."""
    with network(home, database, existing=False) as myna:
        person = myna.sign_up(handle, name, lang, timezone)
    answer(person, json, f"Added @{person.handle} ({person.id}). Give a password: myna person password {person.handle}")


@people.command()
def password(
    handle: str,
    home: Home = None,
    database: Database = None,
    secret: Annotated[str, typer.Option("--password", envvar="MYNA_PASSWORD", help="Asked for without it.")] = "",
    json: Json = False,
) -> None:
    """Gives a person a password to sign in with."""
    with network(home, database) as myna:
        person = myna.person(handle)
        secret = secret or typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        myna.accounts.set_password(person.id, secret)
    answer({"person": person.id}, json, f"@{person.handle} can sign in now.")
