"""The pages' protection: headers, other sites' forms, guessed passwords."""

import pytest
from small_site import Site

from myna.network import Problem
from myna.web.guard import Attempts


@pytest.mark.parametrize("path", ["/sign-in", "/search", "/static/bundle/myna.js", "/nowhere"])
def test_every_answer_forbids_what_comes_from_elsewhere(site: Site, path: str) -> None:
    headers = site.client.get(path, headers={"accept": "text/html"}).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver", "sec-fetch-site": "cross-site"},
        {"origin": "http://testserver", "sec-fetch-site": "same-site"},
        {"referer": "http://testserver/"},
    ],
)
def test_a_form_of_another_site_does_nothing(site: Site, headers: dict[str, str]) -> None:
    site.sign_in()
    answer = site.client.post("/do/like", data={"post": "home:g2"}, headers=headers)
    assert answer.status_code == 403
    assert site.myna.standing("home:lan", [site.myna.store.posts(["home:g2"])["home:g2"]])["home:g2"].liked is False


def test_a_form_of_this_site_is_taken_by_either_sign(site: Site) -> None:
    for headers in ({"sec-fetch-site": "same-origin"}, {"origin": "http://testserver"}):
        answer = site.client.post("/sign-in", data={"person": "home:lan"}, headers=headers, follow_redirects=False)
        assert answer.status_code == 303


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(site: Site) -> None:
    answer = site.client.post(
        "/sign-in", data={"person": "home:lan"}, headers={"origin": "http://testserver"}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_a_forged_session_is_nobody(site: Site) -> None:
    site.client.cookies.set("myna", "eyJwZXJzb24iOiAiaG9tZTpsYW4ifQ==.aaaa.bbbb")
    answer = site.client.get("/me", headers={"accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_attempts_run_out_for_a_key_and_come_back_when_cleared() -> None:
    attempts = Attempts(limit=3, seconds=60)
    for _ in range(3):
        attempts.count("address a", "handle lan")
    with pytest.raises(Problem) as refused:
        attempts.count("address b", "handle lan")
    assert refused.value.status == 429
    attempts.count("address b", "handle ada")
    attempts.clear("address a", "handle lan")
    attempts.count("address a", "handle lan")


def test_attempts_are_forgotten_in_time() -> None:
    attempts = Attempts(limit=1, seconds=0)
    attempts.count("x")
    attempts.count("x")
