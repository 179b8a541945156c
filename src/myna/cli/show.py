"""How commands print: tables and words for people, one JSON object with --json, bars for long work."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from myna.network import Progress as Told

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 200)
"""Answers."""
err = Console(stderr=True, soft_wrap=True, highlight=False)
"""Progress, notes and errors, so that answers can be piped."""
_ANY_WIDTH = 10_000


def as_json(value: Any) -> bytes:
    """One JSON value; dataclasses as objects, sets as sorted lists."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def _default(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return str(value)


def answer(value: Any, json: bool, *lines: str) -> None:
    """Prints the value as one JSON object, or these lines for a person."""
    if json:
        sys.stdout.buffer.write(as_json(value) + b"\n")
        sys.stdout.buffer.flush()
        return
    for line in lines:
        out.print(line, markup=False)


def table(rows: Sequence[Sequence[object]], *titles: str) -> None:
    """Prints a table; a title that starts with `>` is a column of numbers."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        # What is copied into the next command stays in one piece.
        aligned: Literal["left", "right"] = "right" if title.startswith(">") else "left"
        shown.add_column(title.removeprefix(">"), justify=aligned, overflow="fold", no_wrap=title == "id")
    for row in rows:
        shown.add_row(*(str(cell) for cell in row))
    # In a pipe a row is a line, however long.
    out.print(shown, markup=False, width=None if out.is_terminal else _ANY_WIDTH)


def when(at: int) -> str:
    """A time in milliseconds as UTC text; `unknown` where the source did not say."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M") if at else "unknown"


@contextmanager
def bar(title: str) -> Iterator[Told]:
    """A progress bar with the time left, for the work inside; where nobody watches, a line at each tenth."""
    if not err.is_terminal:
        told = _lines(title)
        yield told
        told(1, 1)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as shown:
        task = shown.add_task(f"{title:<34}", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total or None)
        shown.update(task, completed=1, total=1)


@contextmanager
def watch(title: str) -> Iterator[tuple[Told, Callable[[dict[str, Any]], None]]]:
    """A bar as `bar` gives one, and what takes the points of a training curve: measures beside the bar, samples of what
    the model writes as lines. Of several processes started by torchrun, the first one shows them."""
    if os.environ.get("RANK", "0") != "0":
        yield lambda done, total: None, lambda point: None
        return
    measures = ""

    def line(point: dict[str, Any]) -> None:
        nonlocal measures
        measures = _measures(point) or measures
        if point.get("note"):
            err.print(f"  {point['note']}", markup=False)
        if point.get("sample"):
            err.print(f"  step {point['step']:,} of {point['steps']:,} writes: {point['sample']!r}", markup=False)

    if not err.is_terminal:
        told = _lines(title, lambda: measures)
        yield told, line
        told(1, 1)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[measures]}", markup=False), console=err) as shown:
        task = shown.add_task(title, total=None, measures="")

        def point(point: dict[str, Any]) -> None:
            line(point)
            shown.update(task, measures=measures)

        yield lambda done, total: shown.update(task, completed=done, total=total or None), point
        shown.update(task, completed=1, total=1)


def _measures(point: dict[str, Any]) -> str:
    """The measures of a point of the curve in a few words; empty where it has none."""
    if "stage" in point:
        return f"now: {point['stage']}"
    if "loss" not in point:
        return f"{point['bits_per_byte']:.3f} bits/byte" if "bits_per_byte" in point else ""
    words = [f"loss {point['loss']:.3f}", f"{point['tokens_per_second']:,.0f} tokens/s"]
    if "mfu" in point:
        words.append(f"MFU {100 * point['mfu']:.0f} %")
    if "skipped" in point or "clipped" in point:
        words.append(f"{point.get('skipped', 0)} steps left out, {point.get('clipped', 0)} cut")
    return ", ".join([*words, f"{point['left']:.0f} s left"])


def _lines(title: str, more: Callable[[], str] = str) -> Told:
    begun = time.monotonic()
    tenth = -1
    before = (0.0, 0)

    def told(done: int, total: int) -> None:
        nonlocal tenth, before
        if total and done * 10 // total > tenth:
            tenth = done * 10 // total
            spent = time.monotonic() - begun
            # At the pace of the last tenth: work that begins with a long preparation has got faster since.
            pace = (spent - before[0]) / max(done - before[1], 1)
            left = f", {pace * (total - done):.0f} s left" if 0 < done < total else ""
            before = (spent, done)
            words = f" ({found})" if (found := more()) else ""
            err.print(f"{title}: {100 * done // total} % after {spent:.0f} s{left}{words}", markup=False)

    told(0, 1)
    return told
