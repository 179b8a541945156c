"""The training text as files: export."""

from pathlib import Path
from typing import Annotated

import typer

from myna.cli.opening import Database, Home, Json, network
from myna.cli.show import answer, bar

app = typer.Typer(help="The training text as Parquet files.", no_args_is_help=True)


@app.callback()
def _commands() -> None:
    """The training text as Parquet files."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    home: Home = None,
    database: Database = None,
    posts: Annotated[bool, typer.Option("--posts", help="A row a post, cleaned, instead of a row a document.")] = False,
    shared: Annotated[
        bool, typer.Option("--shared", help="For others: only posts that may be exported, too, not only trained on.")
    ] = False,
    json: Json = False,
) -> None:
    """Writes what the gate admits for training. People's words: keep the files as safe as the network."""
    from myna.corpus import export_corpus

    with network(home, database) as myna, bar("Exporting") as progress:
        found = export_corpus(myna.reader, directory, posts, shared, progress)
    what = "posts" if posts else "documents"
    value = {"folder": directory, what: found.rows, "files": found.files, "hash": found.hash, "dropped": found.dropped}
    answer(value, json, f"{found.rows:,} {what} in {found.files:,} files of {directory}")
