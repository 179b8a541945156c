"""Measuring the language model in use: `myna eval`."""

import typer

from myna.cli.opening import Database, Home, Json, network
from myna.cli.show import answer, bar, table


def add(app: typer.Typer) -> None:
    """Adds this command."""
    app.command("eval")(eval_)


def eval_(home: Home = None, database: Database = None, json: Json = False) -> None:
    """How well the language model predicts later posts, beside compressors and an n-gram model, and what it repeats."""
    from myna.app.evaluation import evaluate

    with network(home, database) as myna:
        with bar("Measuring") as progress:
            found = evaluate(myna.language, myna.reader, myna.settings.home, progress)
        handles = {id: f"@{p.handle}" for id, p in myna.reader.people(row["name"] for row in found["authors"]).items()}
    for row in found["authors"]:
        row["name"] = handles.get(row["name"], row["name"])
    if json:
        answer(found, json)
        return
    rows = [("this model", f"{found['bits_per_byte']:.3f}"), *((k, f"{v:.3f}") for k, v in found["peers"].items())]
    table(rows, f"{found['documents']:,} later documents, {found['bytes']:,} bytes", ">bits per byte")
    for name in ("languages", "seen", "months", "authors"):
        rows_of = [(row["name"], f"{row['bytes']:,}", f"{row['bits_per_byte']:.3f}") for row in found[name]]
        table(rows_of, name, ">bytes", ">bits per byte")
    for sample in found["samples"]:
        answer(None, False, f"  · {' '.join(sample.split())}")
    memory = found["memorisation"]
    if "planted" in memory:
        answer(None, False, f"Planted secrets: {memory['planted']}, given away: {memory['leaks']}.")
    share = f"{memory['repeating']:.1%} of {memory['sampled']} written posts"
    answer(None, False, f"{share} repeat 12 tokens or 50 characters of a training post.")
