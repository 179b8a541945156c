"""The training text as files: export, make."""

from pathlib import Path
from typing import Annotated

import typer

from myna.cli.opening import Database, Home, Json, network
from myna.cli.show import answer, bar
from myna.network import Problem, Purpose

app = typer.Typer(help="The training text as Parquet files.", no_args_is_help=True)


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
        told = {"rows": found.rows, "hash": found.hash, "dropped": found.dropped}
        asked = {"folder": directory.name, "posts": posts, "shared": shared}
        myna.log.write("export", "operator", Purpose.EXPORT if shared else Purpose.TRAIN, asked, told)
    what = "posts" if posts else "documents"
    value = {"folder": directory, what: found.rows, "files": found.files, "hash": found.hash, "dropped": found.dropped}
    answer(value, json, f"{found.rows:,} {what} in {found.files:,} files of {directory}")


@app.command()
def make(
    posts: Annotated[Path, typer.Argument(help="A folder of posts: `myna corpus export --posts`, or as it has them.")],
    directory: Annotated[Path, typer.Argument(help="A new or empty folder for the documents.")],
    tasks: Annotated[int, typer.Option(min=1, help="Parts the work is cut into.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="How many of them at once.")] = 1,
    json: Json = False,
) -> None:
    """Makes documents from posts in many processes, by datatrove. Stopped anywhere, the same command goes on."""
    try:
        from myna.corpus.datatrove import make_documents
    except ModuleNotFoundError as error:
        raise Problem(
            f"This needs the package {error.name}, which is not there: `pip install 'myna[scale]'`."
        ) from error

    with bar("Making documents") as progress:
        found = make_documents(posts, directory, tasks, workers, progress)
    answer({"folder": directory, **found}, json, f"{found['documents']:,} documents in {found['files']:,} files")
