"""What Prometheus is shown, and who may see it."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from myna import api
from myna.app import Myna
from myna.settings import Settings


def read(served: Any, key: dict[str, str] | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    """Values by name and labels."""
    answer = served.client.get("/metrics", headers=key or served.operator)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def local(served: Any, **headers: str) -> int:
    client = TestClient(served.app, "http://localhost:8420", client=("127.0.0.1", 5000))
    return int(client.get("/metrics", headers=headers).status_code)


def test_it_is_for_the_operators_key_and_for_this_machine(served: Any) -> None:
    assert served.client.get("/metrics").status_code == 401
    assert served.client.get("/metrics", headers={"Authorization": "Bearer myna_none"}).status_code == 401
    assert served.client.get("/metrics", headers=served.lan).status_code == 403
    assert served.client.get("/metrics", headers=served.operator).status_code == 200
    assert local(served) == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_on_this_machine_passes_on_is_not_local(served: Any, name: str) -> None:
    assert local(served, **{name: "203.0.113.7"}) == 401


def test_a_name_of_another_site_that_leads_here_is_not_local(served: Any) -> None:
    assert local(served, Host="other.example") == 401


def test_requests_count_by_route_and_status_and_never_by_path(served: Any) -> None:
    before = read(served)
    for id in ("home:0", "home:1", "home:none"):
        served.get(f"/posts/{id}")
    served.get("/nowhere/at/all")
    now = read(served)
    routes = {labels[1] for name, labels in now if name == "myna_requests_total"}
    route = next(route for route in routes if route.startswith("/api/v1/posts/{"))
    grew = {status: now["myna_requests_total", ("GET", route, status)] for status in ("200", "404")}
    had = {status: before.get(("myna_requests_total", ("GET", route, status)), 0) for status in grew}
    assert {status: grew[status] - had[status] for status in grew} == {"200": 2, "404": 1}
    assert not any("home:" in label or "nowhere" in label for _, labels in now for label in labels)
    assert now["process_resident_memory_bytes", ()] > 1e6


def test_two_services_in_a_process_count_apart(served: Any, tmp_path: Path) -> None:
    other = Myna(Settings(home=tmp_path / "home"))
    app = FastAPI()
    api.install(app, other)
    client = TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 1))
    assert "/api/v1" not in client.get("/metrics").text
    other.close()


@pytest.mark.parametrize(("setting", "key", "status"), [("key", False, 401), ("key", True, 200), ("off", True, 404)])
def test_a_setting_keeps_it_to_the_key_or_ends_it(tmp_path: Path, setting: Any, key: bool, status: int) -> None:
    myna = Myna(Settings(home=tmp_path / "home", metrics=setting))
    app = FastAPI()
    api.install(app, myna)
    secret, _ = myna.keys.make("scraper", ["read"], operator=True)
    client = TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 1))
    headers = {"Authorization": f"Bearer {secret}"} if key else {}
    assert client.get("/metrics", headers=headers).status_code == status
    myna.close()


def test_written_texts_and_tokens_are_counted(trained: Any) -> None:
    before = read(trained)
    writing = trained.myna.language.generate("The", 9, seed=1)
    "".join(writing)
    now = read(trained)
    tokens = ("myna_generation_tokens_total", ("written",))
    assert now[tokens] - before[tokens] == writing.tokens
    texts = ("myna_generated_texts_total", (writing.finish,))
    assert now[texts] - before.get(texts, 0) == 1
    assert now["myna_texts_busy", ()] == 0


def test_the_run_under_way_is_shown_and_no_other(trained: Any) -> None:
    assert read(trained)["myna_training", ()] == 0
    run = Path(trained.myna.settings.home) / "models" / "language" / "run"
    run.mkdir(parents=True)
    points = [
        {"step": 5, "steps": 40, "loss": 4.5, "bits_per_byte": 3.25, "seconds": 1, "at": 1},
        {"step": 6, "steps": 40, "loss": 4.25, "tokens_per_second": 900.5, "mfu": 0.4, "seconds": 2, "at": 2},
    ]
    (run / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points) + '{"step": 7, "st')
    shown = {name: value for (name, _), value in read(trained).items() if name.startswith("myna_training")}
    assert shown == {
        "myna_training": 1, "myna_training_step": 6, "myna_training_steps": 40, "myna_training_loss": 4.25,
        "myna_training_bits_per_byte": 3.25, "myna_training_tokens_per_second": 900.5, "myna_training_mfu": 0.4,
    }  # fmt: skip
    (run / "curve.jsonl").unlink()
    run.rmdir()
