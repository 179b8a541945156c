"""The links process: click links that work when everything else is down.

    python -m myna.ads.links --directory HOME/ads --host 127.0.0.1 --port 8421

A process of its own that imports nothing of the database, the API or the models, shares no state with them but the key
file, and writes clicks to its own log. `ensure_running` starts it detached, or adopts the one that runs already.
(Why: on 6 March 2023 a change to API access made every t.co link fail for most of an hour.)
"""

import argparse
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from myna.ads.redirect import LinkServer, home_of

_STARTS_WITHIN = 15.0
"""Seconds; it takes a fraction of one on an idle machine."""


def run(directory: Path, host: str = "127.0.0.1", port: int = 8421) -> None:
    """Serves click links until told to stop (SIGTERM, SIGINT). port 0 takes a free one; links.json tells which."""
    server = LinkServer(directory, host, port)

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    note = {"pid": os.getpid(), "host": host, "port": server.server_port}
    temporary = directory / f".links.json.{os.getpid()}.{secrets.token_hex(4)}"
    temporary.write_text(json.dumps(note))
    temporary.replace(directory / "links.json")
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        server.server_close()
        server.log.close()


def ensure_running(directory: Path, host: str = "127.0.0.1", port: int = 8421) -> str:
    """The address of a healthy links process of this directory: the one that runs, else one started now, detached.

    Raises Problem where the port is taken by something else, or the process does not come up.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if (found := _running(directory, host, port)) is not None:
        return _url(host, found)
    if port and (answer := _ask(host, port)) is not None:
        other = "the links process of another home" if "links" in answer else "another program"
        raise _problem(f"Port {port} of {host} is taken by {other}. Give another: --links-port or MYNA_LINKS_PORT.")
    (directory / "links.json").unlink(missing_ok=True)
    trouble = directory / "links-errors.txt"
    command = [sys.executable, "-m", "myna.ads.links"]
    command += ["--directory", str(directory.resolve()), "--host", host, "--port", str(port)]
    with trouble.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
    # Waits for its end where it ends before us, so that it leaves no zombie behind.
    threading.Thread(target=process.wait, daemon=True).start()
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        if (found := _running(directory, host, port)) is not None:
            return _url(host, found)
        if process.poll() is not None and _running(directory, host, port) is None:
            last = trouble.read_text(errors="replace").strip().splitlines()[-1:]
            raise _problem(f"The links process did not start: {' '.join(last) or 'no reason given'}. See {trouble}.")
        time.sleep(0.02)
    raise _problem(f"The links process did not answer within {_STARTS_WITHIN:.0f} s. See {trouble}.")


def stop(directory: Path, timeout: float = 10.0) -> bool:
    """Ends the links process of this directory; False if none runs."""
    note = _note(directory)
    host, port = str(note.get("host", "127.0.0.1")), int(note.get("port", 0))
    health = _ask(host, port) if port else None
    if health is None or health.get("home") != home_of(directory):
        return False
    os.kill(int(health["pid"]), signal.SIGTERM)
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if _ask(host, port) is None:
            (directory / "links.json").unlink(missing_ok=True)
            return True
        time.sleep(0.05)
    raise _problem(f"The links process {health['pid']} did not end within {timeout:.0f} s.")


def _running(directory: Path, host: str, port: int) -> int | None:
    """The port of this directory's healthy process at the wished address; any port where none is wished for."""
    wished = port or int(_note(directory).get("port", 0))
    health = _ask(host, wished) if wished else None
    return wished if health is not None and health.get("home") == home_of(directory) else None


def _note(directory: Path) -> dict[str, Any]:
    try:
        found = json.loads((directory / "links.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _ask(host: str, port: int) -> dict[str, Any] | None:
    """What /healthz says there; {} where something else answers; None where nothing listens."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    connection = http.client.HTTPConnection(reachable, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        answer = json.loads(connection.getresponse().read(65536))
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}


def _url(host: str, port: int) -> str:
    return f"http://{host}:{port}"


def _problem(message: str) -> Exception:
    # Imported late: the links process itself must not import the package of the facts, which holds the database.
    from myna.network import Problem

    return Problem(message, 503)


def main() -> None:
    """The command line of the process."""
    parser = argparse.ArgumentParser(prog="python -m myna.ads.links", description="Serve Myna's click links.")
    parser.add_argument("--directory", type=Path, required=True, help="the ads folder of the home")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8421)
    given = parser.parse_args()
    try:
        run(given.directory, given.host, given.port)
    except OSError as error:
        raise SystemExit(f"{given.host}:{given.port} cannot be served: {error.strerror or error}") from error


if __name__ == "__main__":
    main()
