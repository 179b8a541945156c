"""`myna bench`: the benchmarks of benchmarks/, each with its peers in the same run."""

import importlib
import os
import platform
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

import myna
from myna.cli.opening import Json
from myna.cli.show import answer, err, table
from myna.network import Problem


def add(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(bench)


def _folder() -> Path:
    package = Path(myna.__file__).parent
    for folder in (package / "benchmarks", package.parents[1] / "benchmarks"):
        if (folder / "result.py").exists():
            return folder
    raise Problem("The benchmarks are not installed with this copy of Myna; run from a checkout.", 404)


def bench(
    name: Annotated[str, typer.Argument(help="Which; without it, a list.")] = "",
    file: Annotated[Path | None, typer.Option("--file", help="A data file of the documented layout.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="A data folder of the documented layout.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Within a minute.")] = False,
    json: Json = False,
) -> None:
    """Measures. Falling short is a result; the exit code tells only whether it ran."""
    folder = _folder()
    known = sorted(path.stem for path in folder.glob("*.py") if path.stem not in ("result", "__init__"))
    if not name:
        answer(known, json, *known)
        return
    if name not in known:
        raise Problem(f"There is no benchmark {name!r}; there are: {', '.join(known)}.")
    given = file or data
    if given and not given.exists():
        raise Problem(f"There is nothing at {given}.", 404)
    sys.path.insert(0, str(folder))
    begun = time.monotonic()
    rows = []
    for row in importlib.import_module(name).run(given, quick):
        rows.append(row)
        err.print(f"{time.monotonic() - begun:6.1f} s  {row.what}: {_number(row.ours)} {row.unit}", markup=False)
    seconds = round(time.monotonic() - begun, 1)
    if json:
        found = [
            {"what": r.what, "unit": r.unit, "ours": r.ours, "peers": r.peers, "asked": r.asked, "holds": r.holds}
            for r in rows
        ]
        answer({"bench": name, "machine": machine(), "seconds": seconds, "rows": found}, json)
        return
    table(
        [
            (
                row.what,
                row.unit,
                ", ".join(f"{peer} {_number(value)}" for peer, value in row.peers.items()) or "–",
                _number(row.ours),
                "–" if row.asked is None else _number(row.asked),
                _ratio(row),
                {True: "yes", False: "NO", None: "–"}[row.holds],
            )
            for row in rows
        ],
        "what", "unit", "peers", ">ours", ">asked", ">ours : best peer", "holds",
    )  # fmt: skip


def _ratio(row: Any) -> str:
    if not row.peers:
        return "–"
    best = max(row.peers.values()) if row.more_is_better else min(row.peers.values())
    return f"{row.ours / best:.2f}" if best else "–"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def machine() -> str:
    """The machine measured on, in words."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}"
