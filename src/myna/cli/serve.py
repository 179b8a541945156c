"""Serving a network: pages, API and the links process."""

import os
import secrets
from typing import Annotated

import typer

from myna.cli.opening import Database, Home, settings
from myna.cli.show import err
from myna.network import Problem
from myna.settings import Settings


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(serve)
    app.command()(links)


def serve(
    home: Home = None,
    database: Database = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, show_default="8420")] = None,
    links_port: Annotated[int | None, typer.Option(min=0, max=65535, show_default="8421")] = None,
    demo: Annotated[
        bool | None, typer.Option("--demo/--no-demo", help="Sign in as anyone, without a password.")
    ] = None,
) -> None:
    """Serves the pages, the API and, as a process of its own, the click links."""
    chosen = settings(home, database, host=host, port=port, links_port=links_port, demo=demo)
    if not chosen.database_url and not (chosen.home / "myna.db").exists():
        raise Problem(f"There is no network in {chosen.home}. Make one with `myna demo` or `myna import PATH`.", 404)
    run(chosen)


def links(
    home: Home = None,
    host: Annotated[str | None, typer.Option(show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, show_default="8421")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the one that is running.")] = False,
) -> None:
    """Serves the click links alone: no database, no API. `myna serve` starts this by itself."""
    from myna.ads import links as process

    chosen = settings(home, host=host, links_port=port)
    if stop:
        process.stop(chosen.home / "ads")
        return
    process.run(chosen.home / "ads", chosen.host, chosen.links_port)


def run(chosen: Settings) -> None:
    """Serves until stopped."""
    import socket

    import uvicorn

    from myna.ads import links as process

    if chosen.demo and chosen.host not in ("127.0.0.1", "localhost", "::1") and not os.environ.get("MYNA_DEMO_OPEN"):
        raise Problem(
            f"In demo mode anyone may sign in as anyone, so it listens on this machine only, not on {chosen.host}. "
            "Serve with --no-demo, or set MYNA_DEMO_OPEN=1 if that is what you want."
        )
    # Taken before the parts are opened: a port in use is told at once, and a reader who comes early waits, not fails.
    listening = socket.socket(socket.AF_INET6 if ":" in chosen.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((chosen.host, chosen.port))
    except OSError as error:
        listening.close()
        raise Problem(
            f"Port {chosen.port} on {chosen.host} cannot be used ({error.strerror}). "
            "Stop what runs there, or give --port."
        ) from error
    listening.listen(256)
    # Before the service, which could tell of a port that is taken only by its trace.
    process.ensure_running(chosen.home / "ads", chosen.host, chosen.links_port)
    from myna.cli.service import build

    app, myna = build(chosen)
    _greet(chosen, listening.getsockname()[1], myna.accounts)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5, server_header=False)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        # Once all is closed, uvicorn raises what stopped it again. Who presses Ctrl-C wants all of it stopped; whatever
        # else ends the service (a restart, an update, a kill) must not take the links down with it.
        process.stop(chosen.home / "ads")


def _greet(chosen: Settings, port: int, accounts: object) -> None:
    from myna.app.accounts import Accounts

    assert isinstance(accounts, Accounts)
    address = f"http://{chosen.host}:{port}"
    if not chosen.demo and not accounts.has_operator:
        password = os.environ.get("MYNA_OPERATOR_PASSWORD") or secrets.token_urlsafe(12)
        accounts.sign_up_operator(password)
        err.print(f"Operator account made. Sign in at {address}/sign-in as `operator`; its password, shown this once:")
        err.print(f"    {password}", markup=False)
    err.print(f"Myna is at [bold]{address}[/bold]  (Ctrl-C stops it)")
