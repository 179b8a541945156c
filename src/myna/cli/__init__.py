"""The command line: `myna COMMAND`. Each file here holds the commands of one kind."""

import errno
import os
import signal
import sys

import typer

from myna.cli import advertise, corpus, draft, evaluate, keep, key, look, make, measure, plan, serve, talk
from myna.cli.show import err
from myna.network import Problem

_INTERRUPTED = 130
_FULL = "The disk is full. Free some space and start again: it goes on from here."
_FULL_ELSEWHERE = ("No space left on device", "database or disk is full", "PytorchStreamWriter failed writing")

app = typer.Typer(
    name="myna",
    help="An open, self-hosted AI for social networks. Start with `myna demo`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for part in (make, serve, look, talk, keep, measure, evaluate, plan):
    part.add(app)
app.add_typer(advertise.app, name="ads")
app.add_typer(corpus.app, name="corpus")
app.add_typer(draft.app, name="draft")
app.add_typer(key.app, name="key")
app.add_typer(key.people, name="person")


def main() -> None:
    """Runs a command. A Problem is printed as its sentence, and the exit code is 2."""
    # Read when torch is loaded: for how many turns its threads spin while they wait for each other. By default that is
    # milliseconds; with other work on both of two cores, small steps then took six times as long. At 0 they take half
    # as long again on cores of their own.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except Problem as problem:
        err.print(f"myna: {problem.message}", style="red", markup=False)
        sys.exit(2)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            os._exit(0)
        said = _FULL if _is_full(error) else f"{error.strerror or error}: {error.filename or ''}"
        err.print(f"myna: {said}", style="red", markup=False)
        sys.exit(2)
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # typer makes this of a KeyboardInterrupt
            err.print("\nStopped. The next start goes on from here.")
        raise
    except Exception as error:
        # The libraries that write models, tables and the index have errors of their own for a full disk.
        if not _is_full(error):
            raise
        err.print(f"myna: {_FULL}", style="red", markup=False)
        sys.exit(2)


def _is_full(error: BaseException) -> bool:
    said = str(error)
    return getattr(error, "errno", None) == errno.ENOSPC or any(words in said for words in _FULL_ELSEWHERE)
