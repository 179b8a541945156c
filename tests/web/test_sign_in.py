"""Who gets in, and what each may see."""

import pytest
from small_site import ORIGIN, Site

from myna.network import EdgeKind
from myna.web import sign_in


@pytest.fixture(autouse=True)
def fresh_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "attempts", sign_in.Attempts())


def test_a_demo_lets_anyone_be_anyone_and_finds_people(site: Site) -> None:
    assert "Lan Nguyễn" in site.get("/sign-in")
    found = site.get("/sign-in?q=oka")
    assert "Ada Okafor" in found
    assert "Lan Nguyễn" not in found
    site.sign_in("home:ada")
    assert "@ada" in site.get("/me")


def test_without_a_demo_nobody_comes_in_without_a_password(real_site: Site) -> None:
    assert real_site.post("/sign-in", person="home:lan").status_code == 403
    assert "Ada Okafor" not in real_site.get("/sign-in?q=ada"), "the list of people is not shown"
    for path in ("/", "/me", "/compose", "/ads", "/overview"):
        answer = real_site.client.get(path, headers=ORIGIN, follow_redirects=False)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next=")


def test_a_person_signs_in_with_handle_and_password(real_site: Site) -> None:
    assert real_site.post("/sign-in", handle="lan", password="wrong password").status_code == 401
    answer = real_site.post("/sign-in", handle="@lan", password="mưa trong vườn", next="/me")
    assert answer.status_code == 200
    assert "Lan Nguyễn" in answer.text
    assert real_site.client.get("/overview", headers=ORIGIN).status_code == 403
    real_site.post("/sign-out")
    assert real_site.client.get("/me", headers=ORIGIN, follow_redirects=False).status_code == 303


def test_the_operator_oversees_and_is_no_person(real_site: Site) -> None:
    answer = real_site.post("/sign-in", handle="operator", password="the operator's own")
    assert answer.status_code == 200
    assert "<h1>Overview</h1>" in answer.text
    assert real_site.client.get("/compose", headers=ORIGIN, follow_redirects=False).status_code == 303


def test_the_operator_gives_passwords_and_makes_people(real_site: Site) -> None:
    real_site.post("/sign-in", handle="operator", password="the operator's own")
    answer = real_site.post("/overview/password", handle="@minh", name="Minh", password="mưa rào mùa hạ")
    assert "@minh can sign in now." in answer.text
    assert real_site.post("/overview/password", handle="not a handle", password="mưa rào mùa hạ").status_code == 422
    real_site.post("/sign-out")
    assert "Minh" in real_site.post("/sign-in", handle="minh", password="mưa rào mùa hạ", next="/me").text


def test_only_the_operator_gives_passwords_and_keys(real_site: Site) -> None:
    real_site.post("/sign-in", handle="lan", password="mưa trong vườn")
    assert real_site.post("/overview/password", handle="ada", password="taken over now").status_code == 403
    assert real_site.post("/overview/key", name="x", purposes="train").status_code == 403
    assert real_site.myna.accounts.check_password("ada", "over the bridge").id == "home:ada"


def test_passwords_cannot_be_guessed_without_end(real_site: Site) -> None:
    statuses = [real_site.post("/sign-in", handle="lan", password=f"guess number {n}").status_code for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert real_site.post("/sign-in", handle="lan", password="mưa trong vườn").status_code == 429


@pytest.mark.parametrize(
    "next", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"]
)
def test_signing_in_leads_to_no_other_site(site: Site, next: str) -> None:
    answer = site.client.post(
        "/sign-in", data={"person": "home:lan", "next": next}, headers=ORIGIN, follow_redirects=False
    )
    assert answer.headers["location"] == "/"


def test_what_is_a_persons_own_is_not_shown_to_others(real_site: Site) -> None:
    real_site.post("/sign-in", handle="lan", password="mưa trong vườn")
    real_site.post("/compose", text="Something I hold back", do="hold")
    decision = real_site.myna.feed("home:lan").decision
    assert "<h1>" in real_site.get(f"/why/{decision}")
    real_site.post("/sign-out")
    real_site.post("/sign-in", handle="ada", password="over the bridge")
    assert "Something I hold back" not in real_site.get("/compose")
    assert real_site.client.get(f"/why/{decision}", headers=ORIGIN).status_code == 404
    draft = real_site.myna.drafts_of("home:lan")[0]
    for path in ("/drafts/post", "/drafts/discard", "/drafts/save"):
        assert real_site.post(path, draft=draft.id, text="mine now").status_code == 404, path
    assert real_site.myna.drafts_of("home:lan")[0].text == "Something I hold back"
    assert real_site.post("/do/delete", id="home:g1", confirmed="true").status_code == 404
    assert real_site.post("/do/consent", subject="home:g1", purpose="train", allow="false").status_code == 403
    assert "Interests" not in real_site.get("/@lan")


def test_posts_for_followers_are_not_shown_to_others(site: Site) -> None:
    assert site.client.get("/post/home:s1", headers=ORIGIN).status_code == 404
    site.sign_in("home:ada")
    assert site.client.get("/post/home:s1", headers=ORIGIN).status_code == 404
    assert "under the pot" not in site.get("/@yuki")
    site.myna.relate("home:ada", "home:yuki", EdgeKind.FOLLOW)
    assert "under the pot" in site.get("/post/home:s1")


def test_language_and_theme_are_kept_and_chosen_by_the_browser(site: Site) -> None:
    assert '<html lang="vi"' in site.get("/sign-in", **{"accept-language": "vi-VN,vi;q=0.9,en;q=0.5"})
    assert '<html lang="en"' in site.get("/sign-in", **{"accept-language": "fr"})
    site.post("/settings", lang="vi", back="/search")
    site.post("/settings", theme="dark", back="//evil.example")
    page = site.get("/search", **{"accept-language": "en"})
    assert '<html lang="vi" data-theme="dark">' in page
    assert "Tìm kiếm" in page
    site.post("/settings", lang="../../etc", theme="<b>")
    assert '<html lang="vi" data-theme="dark">' in site.get("/search")
