"""The pages over plain HTTP: what they show, and what their forms do, with and without htmx."""

import html
import json
import re
from datetime import date, timedelta

import pytest
from small_site import HOSTILE, ORIGIN, Site

from myna.ads.types import Status
from myna.drafts.types import Guard
from myna.gate import OPERATOR
from myna.network import ActionKind, EdgeKind, Post, Purpose, Visibility, now_ms
from myna.web.render import key

PAGES = (
    "/", "/?mode=following", "/?mode=latest", "/search", "/search?q=bridge", "/search?q=bridge&sort=latest",
    "/search?q=ada&sort=people", "/search?q=%22%3Cscript%3E", "/ask", "/ask?q=When+does+the+bridge+reopen",
    "/ask?q=What+is+the+price+of+tea+in+1810", "/compose", "/compose?reply_to=home:b1", "/compose?quote_of=home:b1",
    "/ads", "/ads/repository", "/me", "/@ada", "/@jo", "/@yuki", "/person/x:12", "/post/home:b1", "/post/home:a2",
    "/post/home:q1", "/post/home:h0", "/overview", "/sign-in",
)  # fmt: skip
CAMPAIGN = {
    "post": "home:b1",
    "payer": "P",
    "bid": "1",
    "budget": "10",
    "starts": str(date.today()),
    "ends": str(date.today() + timedelta(days=9)),
}


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_every_page_opens_and_lets_nothing_hostile_through(site: Site, lang: str) -> None:
    site.sign_in()
    for path in PAGES:
        page = site.get(path, **{"accept-language": lang})
        assert f'<html lang="{lang}"' in page, path
        assert page.count("<script") == 1, path
        assert not re.search(r"<[^>]+\son\w+\s*=", page), path
        assert " style=" not in page and "<style" not in page, path
        assert "<b>Jo</b>" not in page, path


def test_hostile_posts_are_shown_as_they_were_written(site: Site) -> None:
    site.sign_in()
    page = site.get("/post/home:h0")
    assert "&lt;script&gt;document.title=" in page
    assert HOSTILE[0] not in page
    assert 'lang="und"' not in page


def test_a_post_says_its_language_and_that_it_is_simulated(site: Site) -> None:
    site.sign_in()
    assert 'lang="ja">雨の後' in site.get("/post/home:g3")
    assert '<span class="tag">simulated</span>' in site.get("/post/world:r2")
    assert '<span class="tag">simulated</span>' not in site.get("/post/home:g3")


def test_home_says_why_and_leads_to_the_decision(site: Site) -> None:
    site.sign_in()
    page = site.get("/")
    assert "Why this?" in page
    decision = re.search(r'href="(/why/[^"]+)"', page)
    assert decision
    why = site.get(decision[1])
    assert "A feed was put together" in why
    again = site.post(decision[1] + "/replay")
    assert "The same bytes." in again.text


def test_more_brings_posts_not_shown_before(site: Site) -> None:
    site.sign_in()
    page = site.get("/?mode=latest")
    more = re.search(r'href="(/\?mode=latest&amp;cursor=[^"]+)"', page)
    assert more
    path = more[1].replace("&amp;", "&")
    part = site.get(path, **{"hx-request": "true"})
    assert "<html" not in part
    shown, new = (set(re.findall(r'data-post="([^"]+)"', text)) for text in (page, part))
    assert new and not shown & new
    assert set(re.findall(r'data-post="([^"]+)"', site.get(path))) == new, "the same without a script"


def test_like_works_as_a_form_and_as_a_part(site: Site) -> None:
    site.sign_in()
    answer = site.client.post(
        "/do/like", data={"post": "home:g2", "back": "/?mode=latest#x"}, headers=ORIGIN, follow_redirects=False
    )
    assert answer.headers["location"] == "/?mode=latest#x"
    part = site.part("/do/like", post="home:g2", on="false")
    assert part.text.lstrip().startswith('<div class="acts"')
    assert 'aria-pressed="true"' not in part.text
    assert 'aria-pressed="true"' in site.part("/do/like", post="home:g2", on="true").text


def test_repost_less_mute_block_and_undo(site: Site) -> None:
    site.sign_in("home:yuki")
    assert 'aria-pressed="true"' in site.part("/do/repost", post="home:b1").text
    assert "less like this" in site.part("/do/less", post="home:b2").text
    assert site.myna.store.actions_on("home:b2", ActionKind.SHOW_LESS)
    muted = site.part("/do/relate", person="home:jo", kind="mute", card="true").text
    assert "@jo is muted" in muted and "Undo" in muted
    assert "no longer muted" in site.part("/do/relate", person="home:jo", kind="mute", card="true", on="false").text
    site.post("/do/relate", person="home:jo", kind="block", back="/@jo")
    kinds = {edge.kind for edge in site.myna.store.edges_of("home:yuki") if edge.other_id == "home:jo"}
    assert kinds == {EdgeKind.BLOCK}


def test_follow_on_a_persons_page(site: Site) -> None:
    site.sign_in("home:yuki")
    assert 'aria-pressed="true"' not in site.get("/@ada").split('id="relations"')[1].split("</div>")[0]
    part = site.part("/do/relate", person="home:ada", kind="follow").text
    assert 'id="relations"' in part and "Following" in part


def test_what_was_seen_and_opened_is_kept(site: Site) -> None:
    site.sign_in()
    answer = site.client.post(
        "/do/seen", data={"post": ["home:b1", "home:gone", "home:b2"], "seconds": ["2.5", "1", "1e9"]}, headers=ORIGIN
    )
    assert answer.status_code == 204
    assert site.client.post("/do/open", data={"post": "home:b1"}, headers=ORIGIN).status_code == 204
    kept = {(a.kind, a.post_id): a.value for a in site.myna.store.actions_by("home:lan")}
    assert kept[ActionKind.DWELL, "home:b1"] == 2.5
    assert kept[ActionKind.DWELL, "home:b2"] == 600.0
    assert (ActionKind.CLICK, "home:b1") in kept


def test_post_now_reply_and_quote(site: Site) -> None:
    site.sign_in()
    assert (
        "A calm <b>word</b>".replace("<", "&lt;").replace(">", "&gt;")
        in site.post("/compose", text="A calm <b>word</b>", do="now").text
    )
    answer = site.post("/compose", text="Yes.", reply_to="home:b1", do="now")
    assert "In answer to @ada" in answer.text
    assert "Good" in site.post("/compose", text="Good", quote_of="home:b1", do="now").text
    assert site.post("/compose", text="   ", do="now").status_code == 422
    assert site.post("/compose", text="x", reply_to="home:none", do="now").status_code == 404


def test_a_draft_is_checked_held_edited_and_posted(site: Site) -> None:
    site.sign_in()
    advice = site.part("/compose/check", text="YOU ARE ALL IDIOTS and I will find you!!!").text
    assert "Risk that you regret this" in advice
    assert "<mark>" in advice
    assert "<mark>" in site.post("/compose", text="YOU ARE ALL IDIOTS!!!", do="check").text, "without a script too"
    held = site.post("/compose", text="YOU ARE ALL IDIOTS!!!", do="hold")
    assert "It will not post itself." in held.text
    draft = site.myna.drafts_of("home:lan")[0]
    site.post("/drafts/save", draft=draft.id, text="You are mistaken, I think.")
    assert "You are mistaken" in site.post("/drafts/post", draft=draft.id).text
    assert site.myna.drafts_of("home:lan") == []


def test_a_draft_is_told_what_it_can_expect_once_a_forecast_was_trained(site: Site) -> None:
    site.sign_in()
    assert "Expect about" not in site.part("/compose/check", text="A calm morning").text
    topics, day = ("otters", "rain", "tea"), 86_400_000
    site.myna.store.append(
        [
            Post(
                f"home:liked{n}", "home:lan", (1 + n) * day, f"words on {topics[n * 7 % 3]} {n % 5}",
                like_count=(40, 5, 9)[n * 7 % 3] + n % 4,
            )
            for n in range(600)
        ]
    )  # fmt: skip
    assert site.myna.reception.train()["trained"]
    advice = site.part("/compose/check", text="words on otters").text
    assert "Expect about" in advice and "of your last 100 posts" in advice
    assert "Expect about" in site.post("/compose", text="words on otters", do="check").text, "without a script too"
    offered = re.findall(r"<option value=.home:liked[^>]*>([^<]*)", site.get("/ads"))
    assert len(offered) > 20 and all(each.startswith("likes ≈") for each in offered)
    assert "otters" in offered[0] and "otters" not in offered[-1], "the most promising first"


def test_a_held_draft_says_for_whom_it_was_written(site: Site) -> None:
    site.sign_in()
    site.post("/compose", text="Only for some", visibility="followers", do="hold")
    (draft,) = site.myna.drafts_of("home:lan")
    assert draft.visibility is Visibility.FOLLOWERS
    assert "· My followers" in site.get("/compose")


def test_the_guard_holds_what_is_risky_and_post_now_anyway_is_one_action(site: Site) -> None:
    site.sign_in()
    site.post("/compose/guard", guard="hold")
    assert site.myna.drafts.guard("home:lan") is Guard.HOLD
    assert "Post now anyway" in site.get("/compose")
    rude = "You stupid idiot, I hate you, I will find you and kill you!!!"
    assert site.myna.check_draft("home:lan", rude).hold
    assert "Your guard held this" in site.post("/compose", text=rude, do="post").text
    assert len(site.myna.drafts_of("home:lan")) == 1
    assert "Posted." in site.post("/compose", text=rude, do="now").text


def test_suggestions_go_on_from_the_text_and_are_taken_but_never_posted(site: Site) -> None:
    site.sign_in()
    assert "Suggest" not in site.get("/compose"), "there is no model yet"
    assert "myna train" in site.part("/compose/suggest", text="The bridge").text
    site.myna.consent(OPERATOR, "*", Purpose.TRAIN, True)
    site.myna.language.train(0.03)
    posts = site.myna.store.counts().posts
    for text, reply_to in (("The bridge", ""), ("", "home:b1"), ("", "")):
        part = site.part("/compose/suggest", text=text, reply_to=reply_to).text
        offers = [html.unescape(each) for each in re.findall(r'name="offer" value="([^"]*)"', part)]
        assert len(offers) == len(set(offers)) <= 3
        assert offers or "Nothing comes to mind" in part
        assert all(offer.startswith(text) and len(offer) > len(text) for offer in offers)
    page = site.post("/compose", text="The <bridge>", reply_to="home:b1", do="suggest").text
    assert 'aria-label="Suggestions"' in page, "without a script too"
    assert "The &lt;bridge&gt;</textarea>" in page
    taken = site.post("/compose/take", text="The", offer="The <old> bridge", reply_to="home:b1").text
    assert "The &lt;old&gt; bridge</textarea>" in taken
    assert 'name="reply_to" value="home:b1"' in taken
    assert site.post("/compose", do="suggest", reply_to="home:none").status_code == 404
    assert site.myna.store.counts().posts == posts
    site.client.cookies.set("lang", "vi")
    assert 'aria-label="Gợi ý"' in site.post("/compose", text="Mưa", do="suggest").text


def test_the_guard_off_reads_nothing(site: Site) -> None:
    site.sign_in()
    site.post("/compose/guard", guard="off")
    before = site.myna.log.count("draft")
    assert site.part("/compose/check", text="You stupid idiot!!!").text.strip() == ""
    assert site.myna.log.count("draft") == before


def test_consents_for_all_posts_and_for_one(site: Site) -> None:
    site.sign_in()
    part = site.part("/do/consent", subject="home:lan", purpose="train", allow="false").text
    assert 'aria-checked="false"' in part
    site.post("/do/consent", subject="home:g1", purpose="train", allow="true", back="/post/home:g1")
    policy = site.myna.reader.policy
    policy.refresh()
    assert policy.author_preference("home:lan", Purpose.TRAIN) is False
    assert policy.author_says(site.myna.store.posts(["home:g1"])["home:g1"], Purpose.TRAIN) is True
    own = site.get("/post/home:g1")
    assert f'id="switch-train-{key("home:g1")}" role="switch" aria-checked="true"' in own
    assert f'id="switch-train-{key("home:g2")}" role="switch" aria-checked="false"' in site.get("/post/home:g2")
    assert "May train the language model" not in site.get("/post/home:b1"), "another's post"


def test_deleting_asks_first_and_then_erases(site: Site) -> None:
    site.sign_in()
    asked = site.post("/do/delete", id="home:g1")
    assert "Delete this post?" in asked.text and "Vườn sau cơn mưa" in asked.text
    assert "home:g1" in site.myna.store.posts(["home:g1"])
    site.post("/do/delete", id="home:g1", confirmed="true")
    assert site.client.get("/post/home:g1", headers=ORIGIN).status_code == 404
    site.post("/do/delete", id="home:lan", confirmed="true")
    assert site.client.get("/@lan", headers=ORIGIN).status_code == 404
    assert site.client.get("/me", headers=ORIGIN, follow_redirects=False).status_code == 303


def test_search_marks_pages_and_tells_what_it_understood(site: Site) -> None:
    site.sign_in()
    page = site.get("/search?q=ferry+from:ada+lang:en")
    assert "<mark>ferry</mark>" in page
    assert "from @ada" in page
    more = re.search(r'href="(/search\?q=[^"]+cursor=[^"]+)"', page)
    assert more
    part = site.get(more[1].replace("&amp;", "&"), **{"hx-request": "true"})
    assert "<mark>ferry</mark>" in part and "<html" not in part
    assert "Ada Okafor" in site.get("/search?q=okafor&sort=people")
    assert "<option" in site.get("/search/suggest?q=gar")


def test_ask_cites_or_abstains(site: Site) -> None:
    answer = site.get("/ask?q=When+does+the+old+bridge+reopen")
    assert '<blockquote dir="auto" lang="en">The old bridge reopens on Friday at noon' in answer
    assert 'href="/post/home:b1"' in answer
    assert "Nothing here answers that." in site.get("/ask?q=Who+won+the+chess+tournament+in+Reykjavik")


def test_a_campaign_is_made_started_shown_and_reported(site: Site) -> None:
    site.sign_in("home:ada")
    fields = CAMPAIGN | {"payer": "Harbour Office", "name": "Bridge", "bid": "0,50", "budget": "100", "holdout": "0"}
    made = site.post("/ads", **fields)
    assert made.status_code == 200 and "Bridge" in made.text, made.text[:2000]
    campaign = site.myna.campaigns("home:ada")[0]
    assert (campaign.bid, campaign.budget, campaign.status) == (500_000, 100_000_000, Status.PAUSED)
    site.post("/ads/status", campaign=campaign.id, status="active")
    site.sign_in("home:yuki")
    home = site.get("/")
    assert '<span class="tag mark">Ad</span>' in home
    assert "paid by Harbour Office" in home and "Why this ad?" in home
    assert "Harbour Office" in site.get("/ads/repository")
    assert site.client.get(f"/ads/campaign/{campaign.id}", headers=ORIGIN).status_code == 404, "another's figures"
    site.sign_in("home:ada")
    assert "Harbour Office" in site.get(f"/ads/campaign/{campaign.id}")


@pytest.mark.parametrize(
    "wrong", [{"bid": "much"}, {"bid": "NaN"}, {"budget": "-1"}, {"post": "home:g1"}, {"starts": "now"}]
)
def test_a_wrong_campaign_is_refused_in_words(site: Site, wrong: dict[str, str]) -> None:
    site.sign_in("home:ada")
    answer = site.post("/ads", **{**CAMPAIGN, **wrong})
    assert answer.status_code in (403, 422)
    assert "<h1>Sorry</h1>" in answer.text
    assert site.myna.campaigns() == []


def test_interests_are_shown_with_evidence_and_can_be_refused(site: Site) -> None:
    site.sign_in("home:ada")
    found = site.myna.interests_of("home:ada")
    page = site.get("/me")
    for interest in found:
        assert interest.topic in page
    if found:
        site.post("/do/interest", interest=found[0].id, hidden="true")
        assert [i for i in site.myna.interests_of("home:ada") if i.hidden]


def test_the_overview_tells_what_came_in(site: Site) -> None:
    page = site.get("/overview")
    assert "Posts and actions by day" in page
    assert site.client.get("/overview/curve.json").json()["says"]
    made = site.post("/overview/key", name="crawler", purposes="read").text
    secret = re.search(r"<code>(myna_[^<]+)</code>", made)
    assert secret and site.myna.keys.actor(secret[1]).purposes == {Purpose.READ}
    assert secret[1] not in site.get("/overview")
    site.post("/overview/key/revoke", key=site.myna.keys.all()[0].id)
    assert site.myna.keys.all() == []


def test_the_overview_shows_what_the_model_wrote_last_while_it_learned(site: Site) -> None:
    run = site.myna.settings.home / "models" / "language" / "run"
    run.mkdir(parents=True)
    points = [{"step": n, "steps": 1200, "loss": 3.0, "sample": f"<b>text {n}</b>"} for n in range(200, 1201, 200)]
    (run / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points))
    found = site.client.get("/overview/curve.json").json()["samples"]
    assert found[0] == {"step": "Step 1,200", "text": "<b>text 1200</b>"}
    assert [sample["text"] for sample in found] == [f"<b>text {n}</b>" for n in (1200, 1000, 800, 600)]
    page = site.get("/overview")
    assert "&lt;b&gt;text 1200&lt;/b&gt;" in page and "<b>text" not in page


def test_what_is_not_there_is_a_page_for_browsers_and_data_for_programs(site: Site) -> None:
    page = site.client.get("/nowhere/<b>", headers={"accept": "text/html"})
    assert page.status_code == 404 and "Not found" in page.text and "<b>" not in page.text
    data = site.client.get("/nowhere", headers={"accept": "application/json"})
    assert data.status_code == 404 and "json" in data.headers["content-type"]
    assert "json" in site.client.get("/api/nowhere", headers={"accept": "text/html"}).headers["content-type"]
    assert site.client.get("/post/home:none", headers=ORIGIN).status_code == 404
    assert site.client.get("/why/dnone", headers=ORIGIN).status_code == 404


def test_a_problem_is_a_sentence_for_htmx(site: Site) -> None:
    site.sign_in()
    answer = site.part("/do/like", post="home:none")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert "There is no post" in answer.text


def test_a_failure_is_a_page_that_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from starlette.testclient import TestClient

    def fail(*_: object) -> None:
        raise RuntimeError("as if the disk were gone")

    monkeypatch.setattr(type(site.myna), "thread", fail)
    with TestClient(site.client.app, raise_server_exceptions=False) as client:
        answer = client.get("/post/home:b1", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert "Something failed here." in answer.text
    assert "as if the disk" not in answer.text


def test_posts_of_unknown_authors_are_shown(site: Site) -> None:
    site.myna.store.append([Post("x:9", "x:77", now_ms(), "Who am I?", "en")])
    assert "Who am I?" in site.get("/person/x:77")
    assert site.client.get("/person/x:78", headers=ORIGIN).status_code == 404
