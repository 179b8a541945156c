"""Keeping a network well: backup, restore, doctor."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from myna.app.backup import back_up
from myna.app.backup import restore as restore_from
from myna.app.doctor import examine_deeply
from myna.cli.opening import Database, Home, Json, network
from myna.cli.show import answer, bar
from myna.network import Problem


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(backup)
    app.command()(restore)
    app.command()(doctor)


def backup(
    file: Annotated[Path, typer.Argument(help="The zip file to write.")],
    home: Home = None,
    database: Database = None,
    models: Annotated[bool, typer.Option("--models/--no-models", help="Keep the models too.")] = True,
    json: Json = False,
) -> None:
    """Writes both logs, the records and the models to one file, while the network runs."""
    with network(home, database) as myna, bar("Backing up") as progress:
        rows = back_up(myna.store, myna.settings.home, file, models, progress)
    size = file.stat().st_size
    answer({"file": file, "bytes": size, "rows": rows}, json, f"{sum(rows.values()):,} rows, {size:,} bytes in {file}")


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    home: Home = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Fills an empty network from a backup. Then `myna rebuild` makes what is derived."""
    if not file.is_file():
        raise Problem(f"There is no file {file}. Give one that `myna backup` wrote.", 404)
    with network(home, database, existing=False) as myna, bar("Restoring") as progress:
        rows = restore_from(myna.store, myna.settings.home, file, progress)
        where = myna.settings.home
    answer(
        {"home": where, "rows": rows},
        json,
        f"{sum(rows.values()):,} rows restored. Next: `myna rebuild --home {where}`"
        + (", with the same --database" if database else ""),
    )


def doctor(home: Home = None, database: Database = None, json: Json = False) -> None:
    """Looks at everything that could be wrong, and says what to do. Exit code 1 if something is."""
    with network(home, database) as myna:
        myna.follow()
        checks = list(examine_deeply(myna))
    answer(checks, json, *(f"{'well' if check.ok else 'ILL '}  {check.what}: {check.note}" for check in checks))
    if not all(check.ok for check in checks):
        sys.exit(1)
