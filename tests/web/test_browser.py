"""The pages in a real Chromium: accessible, narrow and wide, light and dark, by keyboard, and without a script.

`open_page` fails each test in which a request left the site or the console told of an error.
"""

import json
import re
import shutil
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from small_site import Opened, Served

from myna.ads.types import Status
from myna.gate import OPERATOR
from myna.network import ActionKind, Purpose, now_ms

PAGES = (
    "/", "/search", "/search?q=bridge", "/search?q=ada&sort=people",
    "/ask?q=When+does+the+old+bridge+reopen", "/ask?q=Who+won+at+chess", "/compose", "/compose?reply_to=home:b1",
    "/ads", "/ads/repository", "/me", "/@jo", "/post/home:a1", "/post/home:g1", "/post/home:h1", "/overview",
    "/sign-in",
)  # fmt: skip
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, in words."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{v['id']}: {v['help']}: {node['html'][:160]}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_no_page_breaks_an_accessibility_rule_or_scrolls_sideways(open_page: Opened, scheme: str, width: int) -> None:
    page = open_page("/", viewport={"width": width, "height": 800}, color_scheme=scheme)
    wrong: dict[str, object] = {}
    for path in PAGES:
        page.goto(path)
        for details in page.locator("details.why, .interests details").all()[:2]:
            details.evaluate("element => element.open = true")
        if found := violations(page):
            wrong[path] = found
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            wrong[path + " width"] = wide
    assert wrong == {}


def test_pages_of_decisions_campaigns_and_deletions_break_no_rule(open_page: Opened, served: Served) -> None:
    now = now_ms()
    campaign = served.myna.create_campaign(
        owner_id="home:lan", payer="Lan", name="Tomatoes", post_id="home:g2", bid=10**5, budget=10**8,
        starts_at=now, ends_at=now + 10**9,
    )  # fmt: skip
    served.myna.set_campaign_status(campaign.id, Status.ACTIVE)
    served.myna.feed("home:yuki")
    page = open_page("/")
    why = page.get_by_role("link", name="See this one").get_attribute("href")
    for path in (f"/ads/campaign/{campaign.id}", "/ads/repository", str(why)):
        page.goto(path)
        assert violations(page) == [], path
    page.get_by_role("button", name="Compute it again").click()
    expect(page.get_by_text("The same bytes.")).to_be_visible()
    assert violations(page) == []
    page.goto("/me")
    page.get_by_role("button", name="Delete me and all I wrote").click()
    expect(page.get_by_role("button", name="Delete for good")).to_be_visible()
    assert violations(page) == []


def test_the_theme_and_the_language_can_be_switched(open_page: Opened) -> None:
    page = open_page("/", color_scheme="light", viewport={"width": 1280, "height": 800})
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) != light
    page.get_by_role("button", name="Tiếng Việt").click()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    for path in ("/me", "/compose"):
        page.goto(path)
        assert violations(page) == [], path
    page.get_by_role("button", name="Sáng", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate(ground) == light


def reach(page: Page, name: str | re.Pattern[str], role: str = "") -> None:
    """Presses Tab until what has the focus has this name."""
    for _ in range(150):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "() => { const e = document.activeElement, label = e.labels?.[0];"
            " return [e.getAttribute('aria-label') || (label ?? e).textContent, e.tagName] }"
        )
        text = re.sub(r"\s+", " ", said[0] or "").strip()
        if (re.search(name, text) if isinstance(name, re.Pattern) else name == text) and (not role or role == said[1]):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {text!r} cannot be seen"
            return
    raise AssertionError(f"{name!r} cannot be reached with the Tab key")


def test_by_keyboard_alone_sign_in_like_compose_hold_and_search(open_page: Opened) -> None:
    page = open_page("/sign-in", person="")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip", "the first stop is the skip link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reach(page, re.compile("Ada Okafor"), "BUTTON")
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    reach(page, re.compile(r"^Like, \d+ so far"), "BUTTON")
    like = page.evaluate("document.activeElement.id")
    assert page.get_attribute(f"#{like}", "aria-pressed") == "false"
    page.keyboard.press("Enter")
    expect(page.locator(f"#{like}")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.activeElement.id") == like, "the focus stays where it was"
    page.goto("/compose")
    reach(page, "Your words", "TEXTAREA")
    page.keyboard.type("You stupid idiot, I will find you!!!")
    expect(page.locator("#advice")).to_contain_text("Risk that you regret this")
    expect(page.locator("#count")).to_have_text("36")
    reach(page, "Hold until my morning", "BUTTON")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compose#held")
    expect(page.locator("#held .words").first).to_have_text("You stupid idiot, I will find you!!!")
    page.goto("/search")
    reach(page, "Search posts", "INPUT")
    page.keyboard.type("bridge")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=bridge*")
    expect(page.locator("mark").first).to_be_visible()


def test_menus_open_and_close_by_keyboard_and_a_block_can_be_undone(open_page: Opened) -> None:
    page = open_page("/?mode=latest", person="home:yuki")
    reach(page, re.compile("^More about this post by Ada"), "SUMMARY")
    page.keyboard.press("Enter")
    reach(page, "Block @ada", "BUTTON")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    reach(page, "Block @ada", "BUTTON")
    page.keyboard.press("Enter")
    gone = page.locator(".gone")
    expect(gone).to_contain_text("@ada is blocked")
    gone.get_by_role("button", name="Undo").click()
    expect(gone).to_contain_text("no longer blocked")


def test_more_goes_on_where_it_was_asked_with_the_focus(open_page: Opened) -> None:
    page = open_page("/?mode=latest")
    before = page.locator("article").count()
    page.get_by_role("link", name="More", exact=True).click()
    expect(page.locator("article")).not_to_have_count(before)
    assert page.evaluate("document.activeElement.tagName") == "ARTICLE"


def test_suggestions_come_while_typing(open_page: Opened) -> None:
    page = open_page("/search")
    page.get_by_label("Search posts").press_sequentially("gar")
    expect(page.locator("#suggestions option").first).to_be_attached()


def test_without_a_script_one_reads_writes_likes_and_goes_on(open_page: Opened) -> None:
    page = open_page("/", person="", java_script_enabled=False)
    page.get_by_role("button", name="由紀").click()
    page.get_by_label("Write a post").fill("Written without a script")
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.locator("article.big .words")).to_have_text("Written without a script")
    page.goto("/?mode=latest")
    page.get_by_role("button", name="Like, 0 so far").first.click()
    expect(page.get_by_role("button", name="Like, 1 so far", pressed=True).first).to_be_visible()
    shown = page.locator("article").first.get_attribute("data-post")
    page.get_by_role("link", name="More", exact=True).click()
    assert page.locator("article").first.get_attribute("data-post") != shown
    page.goto("/compose")
    page.get_by_label("Your words").fill("YOU IDIOTS!!!")
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_text("Risk that you regret this")).to_be_visible()
    page.get_by_role("button", name="Hold until my morning").click()
    expect(page.locator("#held .words")).to_have_text("YOU IDIOTS!!!")


def test_a_suggestion_is_taken_with_one_key_and_gone_on_from(open_page: Opened, served: Served) -> None:
    served.myna.consent(OPERATOR, "*", Purpose.TRAIN, True)
    served.myna.language.train(0.03)
    page = open_page("/compose", person="home:jo")
    reach(page, "Your words", "TEXTAREA")
    page.keyboard.type("The bridge")
    reach(page, "Suggest", "BUTTON")
    page.keyboard.press("Enter")
    offers = page.get_by_role("group", name="Suggestions")
    expect(offers).to_be_visible()
    assert violations(page) == []
    if offers.get_by_role("button").count():
        offer = offers.get_by_role("button").first.get_attribute("value") or ""
        offers.get_by_role("button").first.press("Enter")
        expect(page.get_by_label("Your words")).to_have_value(offer)
        expect(page.get_by_label("Your words")).to_be_focused()
        expect(page.locator("#count")).to_have_text(str(len(offer)))
        page.keyboard.type(" ")
    assert page.url.endswith("/compose"), "nothing was posted"


def test_what_is_read_is_told_to_this_server_alone(open_page: Opened, served: Served) -> None:
    page = open_page("/?mode=latest", person="home:jo")
    first = page.locator("article").first.get_attribute("data-post")
    page.wait_for_timeout(1300)
    page.locator("article a[data-opens]").first.click()
    page.wait_for_url("**/post/**")
    wanted = {ActionKind.SEEN, ActionKind.DWELL, ActionKind.CLICK}
    told: set[ActionKind] = set()
    deadline = time.monotonic() + 20
    while told != wanted and time.monotonic() < deadline:
        told = {action.kind for action in served.myna.store.actions_by("home:jo") if action.post_id == first} & wanted
        time.sleep(0.1)
    assert told == wanted


def test_hostile_posts_do_nothing(open_page: Opened) -> None:
    page = open_page("/@jo")
    page.wait_for_timeout(200)
    assert page.title().startswith("<b>Jo</b>"), "shown as written"
    assert page.locator("main img, main script, main iframe").count() == 0


def test_the_overview_follows_the_training(open_page: Opened, served: Served) -> None:
    page = open_page("/overview")
    with page.expect_response("**/overview/curve.json") as first:
        pass
    assert first.value.ok
    expect(page.locator("#curve-says")).not_to_be_empty()
    # What the network's own version wrote while it learned, where there is one by now.
    expect(page.locator("#samples")).not_to_contain_text("Step 1,200")
    run = served.myna.settings.home / "models" / "language" / "run"
    run.mkdir(parents=True)
    written = {"step": 1200, "steps": 2000, "loss": 3.1, "sample": "<img src=x onerror=\"document.title='taken'\"> mưa"}
    (run / "curve.jsonl").write_text(json.dumps(written) + "\n")
    expect(page.locator("#samples")).to_contain_text(written["sample"])
    expect(page.locator("#samples")).to_contain_text("Step 1,200")
    assert page.locator("#samples img").count() == 0
    shutil.rmtree(run)
