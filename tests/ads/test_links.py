"""The links process redirects, and goes on when everything else is gone."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myna.ads import links
from myna.ads.clicklog import read_from
from myna.ads.redirect import LinkServer, kind_of
from myna.ads.token import Keyring, Link
from myna.network import Problem

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SOURCE = str(Path(links.__file__).parents[2])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("ads")
    server = LinkServer(directory, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server, directory
    server.shutdown()
    server.server_close()
    server.log.close()


@pytest.fixture
def home(tmp_path):
    yield tmp_path
    links.stop(tmp_path)


def get(port, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        method, path, headers={"User-Agent": BROWSER} | {k.replace("_", "-"): v for k, v in headers.items()}
    )
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, dict(response.getheaders()), body


def token(directory, url="https://example.org/tea", decision="d1"):
    return Keyring(directory).sign(Link(url, "c1", decision, 1))


def clicks(directory):
    return [line for path in sorted((directory / "clicks").glob("*.jsonl")) for line, _ in read_from(path, 0)]


def port_of(url):
    return int(url.rpartition(":")[2])


def test_redirects_and_writes_the_click_down(server):
    running, directory = server
    status, headers, body = get(running.server_port, f"/c/{token(directory, decision='d-first')}")
    assert (status, headers["Location"], body) == (302, "https://example.org/tea", b"")
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in headers
    assert [line.kind for line in clicks(directory) if line.decision == "d-first"] == ["click"]


def test_what_other_sites_append_to_a_link_does_not_break_it(server):
    running, directory = server
    assert get(running.server_port, f"/c/{token(directory)}?fbclid=123")[0] == 302


def test_head_prefetch_and_programs_are_redirected_but_told_apart(server):
    running, directory = server
    for decision, method, headers in (
        ("k-head", "HEAD", {}),
        ("k-prefetch", "GET", {"Sec_Purpose": "prefetch;prerender"}),
        ("k-bot", "GET", {"User_Agent": "Mozilla/5.0 (compatible; Twitterbot/1.0)"}),
    ):
        assert get(running.server_port, f"/c/{token(directory, decision=decision)}", method, **headers)[0] == 302
        assert [line.kind for line in clicks(directory) if line.decision == decision] == [decision[2:]]


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (BROWSER, "click"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
            "click",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "click"),
        ("", "bot"),
        ("curl/8.5.0", "bot"),
        ("http.rb/5.1.1 (Mastodon/4.2.1; +https://mastodon.example/)", "bot"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "bot"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "bot"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0 Safari/537.36", "bot"),
    ],
)
def test_knows_programs_by_what_they_call_themselves(agent, kind):
    assert kind_of("GET", agent, "") == kind


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200),
    prefix=st.sampled_from(["/", "/c/", "//", "/c/https:"]),
)
def test_never_redirects_what_was_not_signed(server, path, prefix):
    running, _ = server
    status, headers, _ = get(running.server_port, prefix + path)
    assert "Location" not in headers
    assert status in (200, 400, 404) and (status != 200 or path.startswith(("healthz", "robots.txt")))


def test_tampered_link_gets_a_page_that_says_so(server):
    running, directory = server
    status, headers, body = get(running.server_port, f"/c/{token(directory)[:-3]}abc")
    assert status == 400 and "Location" not in headers and b"was not made here" in body


def test_blocked_host_stops_at_once_and_again_when_unblocked(server):
    running, directory = server
    link = f"/c/{token(directory, 'https://shop.bad.example/x')}"
    assert get(running.server_port, link)[0] == 302
    (directory / "blocked-hosts.txt").write_text("# bad ones\nBAD.example\n")
    assert get(running.server_port, link)[0] == 403
    assert get(running.server_port, f"/c/{token(directory, 'https://notbad.example/')}")[0] == 302
    (directory / "blocked-hosts.txt").unlink()
    assert get(running.server_port, link)[0] == 302


def test_redirects_with_a_full_disk(server, monkeypatch):
    running, directory = server

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    status, _, _ = get(running.server_port, f"/c/{token(directory)}")
    health = json.loads(get(running.server_port, "/healthz")[2])
    assert status == 302 and health["lost"] >= 1 and "No space" in health["trouble"]


def test_imports_neither_database_nor_api_nor_models():
    code = "import sys, myna.ads.links; print(' '.join(sys.modules))"
    environment = os.environ | {"PYTHONPATH": SOURCE}
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    names = {name.split(".")[0] for name in loaded.split()}
    assert not names & {
        "sqlalchemy",
        "alembic",
        "fastapi",
        "starlette",
        "uvicorn",
        "torch",
        "numpy",
        "scipy",
        "pydantic",
        "filelock",
    }
    parts = {name for name in loaded.split() if name.startswith("myna.")}
    own = {"myna.ads", "myna.ads.links", "myna.ads.redirect", "myna.ads.clicklog", "myna.ads.token"}
    assert parts == own | {"myna.private"}


def test_started_once_and_adopted_afterwards(home):
    url = links.ensure_running(home, port=0)
    pid = json.loads(get(port_of(url), "/healthz")[2])["pid"]
    assert links.ensure_running(home, port=0) == url
    assert links.ensure_running(home, port=port_of(url)) == url
    assert json.loads(get(port_of(url), "/healthz")[2])["pid"] == pid
    assert links.stop(home)
    assert not links.stop(home)


def test_port_of_another_home_is_left_alone_and_named(home, tmp_path_factory):
    url = links.ensure_running(home, port=0)
    with pytest.raises(Problem, match="another home"):
        links.ensure_running(tmp_path_factory.mktemp("other"), port=port_of(url))
    assert get(port_of(url), "/healthz")[0] == 200


def test_port_of_another_program_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:

        def hang_up():
            while True:
                try:
                    other.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(Problem, match="another program"):
            links.ensure_running(tmp_path, port=other.getsockname()[1])


def test_goes_on_redirecting_when_all_else_is_killed(home):
    """A parent that holds the database and started the links process is killed with -9, its database removed."""
    code = (
        "import sys, time; from pathlib import Path; from myna.network.store import Store; from myna.ads import links\n"
        "home = Path(sys.argv[1]); store = Store(f'sqlite:///{home}/myna.db')\n"
        "print(links.ensure_running(home, port=0), flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(home)],
        env=os.environ | {"PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        text=True,
    )
    url = parent.stdout.readline().strip()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for path in home.glob("myna.db*"):
        path.unlink()
    for number in range(20):
        assert get(port_of(url), f"/c/{token(home, decision=f'd{number}')}")[0] == 302
    assert {line.decision for line in clicks(home)} == {f"d{number}" for number in range(20)}


def test_clicks_survive_the_links_process_killed(home):
    url = links.ensure_running(home, port=0)
    for number in range(10):
        assert get(port_of(url), f"/c/{token(home, decision=f'd{number}')}")[0] == 302
    os.kill(json.loads(get(port_of(url), "/healthz")[2])["pid"], signal.SIGKILL)
    assert len(clicks(home)) == 10
    until = time.monotonic() + 5
    while links.stop(home) and time.monotonic() < until:
        time.sleep(0.05)
    again = links.ensure_running(home, port=0)
    assert get(port_of(again), f"/c/{token(home)}")[0] == 302
    assert len(clicks(home)) == 11
