"""Clicks: each once, what does not count with its reason, and no budget overspent."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myna.ads.clicklog import ClickLog, Line
from myna.ads.clicks import judge
from myna.ads.pacing import DAY, HOUR
from myna.network import now_ms


@pytest.fixture
def clicking(net):
    log = ClickLog(net.directory / "ads")
    net.click = lambda shown, after=5_000, kind="click": log.append(
        Line(net.log.get(shown.decision).at + after, kind, shown.campaign_id, shown.decision, 1)
    )
    yield net
    log.close()


def figures(net, campaign):
    report = net.ads.report(campaign.id)
    return report.clicks, report.filtered_clicks, report.spend


def test_first_click_is_charged_at_the_price_of_its_auction(clicking):
    net = clicking
    campaign = net.campaign(0, bid=300_000)
    net.campaign(1, bid=100_000)
    net.click(net.ads.fill("home:p5", []))
    assert net.ads.ingest() == 1
    assert figures(net, campaign) == (1, 0, 100_000)


def test_what_does_not_count_is_told_by_reason(clicking):
    net = clicking
    campaign = net.campaign(0)
    shown = net.ads.fill("home:p5", [])
    for after, kind in (
        (1_000, "bot"),
        (2_000, "head"),
        (3_000, "prefetch"),
        (30_000, "click"),
        (33_000, "click"),
        (90_000, "click"),
    ):
        net.click(shown, after, kind)
    net.click(net.ads.fill("home:p6", []), DAY + HOUR)
    net.ads.ingest()
    report = net.ads.report(campaign.id)
    assert dict(report.filtered) == {
        "bot": 1,
        "head": 1,
        "prefetch": 1,
        "double": 1,
        "repeat": 1,
        "later than a day": 1,
    }
    assert (report.clicks, report.filtered_clicks, report.spend) == (1, 6, 1_000)


def test_reading_again_after_a_kill_doubles_nothing(clicking):
    net = clicking
    campaign = net.campaign(0)
    for number in range(5, 15):
        net.click(net.ads.fill(f"home:p{number}", []))
    assert net.ads.ingest() == 10
    assert net.ads.ingest() == 0
    (net.directory / "ads" / "clicks" / "read.json").unlink()  # as if killed before the cursor was written
    for ads in (net.ads, net.open()):
        assert ads.ingest() == 0
        assert ads.report(campaign.id).clicks == 10
    assert net.log.count("click") == 10


def test_two_processes_that_ingest_at_once_count_once(clicking):
    net = clicking
    campaign = net.campaign(0)
    other = net.open()
    for number in range(5, 10):
        net.click(net.ads.fill(f"home:p{number}", []))
    assert net.ads.ingest() + other.ingest() == 5
    other.follow()
    assert other.report(campaign.id) == net.ads.report(campaign.id)


def test_unreadable_lines_and_unknown_ads_are_counted(clicking):
    net = clicking
    net.campaign(0)
    net.click(net.ads.fill("home:p5", []))
    (path,) = (net.directory / "ads" / "clicks").glob("*.jsonl")
    unknown = {"at": now_ms(), "kind": "click", "c": "c-none", "d": "d-none", "i": 1}
    path.write_text(path.read_text() + "garbage\n" + json.dumps(unknown) + "\n")
    assert net.ads.ingest() == 2
    assert net.ads.check()["unreadable click lines"] == 1
    assert net.open().check()["unreadable click lines"] == 1
    assert net.log.after(0, "click")[0][1].output == {"counted": False, "why": "unknown ad", "charge": 0}


def test_every_charge_can_be_computed_again(clicking):
    net = clicking
    net.campaign(0)
    net.click(net.ads.fill("home:p5", []))
    net.ads.ingest()
    (decision,) = net.log.after(0, "click")[0]
    assert net.log.replay(decision.id).same
    assert decision.actor == "" and "home:p5" not in json.dumps([decision.input, decision.output])


def test_clicks_that_come_late_and_all_at_once_overspend_no_budget(clicking):
    net = clicking
    rich = net.campaign(0, bid=900_000, budget=2_000_000, day_budget=1_000_000, starts_at=1)
    net.campaign(1, bid=800_000, budget=90_000_000)
    shown = [slot for n in range(5, 60) if (slot := net.ads.fill(f"home:p{n}", [])) and slot.campaign_id == rich.id]
    assert len(shown) > 5
    for slot in shown:
        net.click(slot, 1)
    net.ads.ingest()
    report = net.ads.report(rich.id)
    assert report.clicks == len(shown)
    assert report.spend <= 2_000_000 and all(day[3] <= 1_000_000 for day in report.days)
    assert sum(day[3] for day in report.days) == report.spend


def test_spent_budget_stops_the_ad(clicking):
    net = clicking
    campaign = net.campaign(0, bid=100_000, budget=100_000, starts_at=1)
    net.campaign(1, bid=99_000, budget=50_000_000, starts_at=1)
    while True:
        shown = net.ads.fill("home:p5", [], now=now_ms())
        if shown is None or shown.campaign_id != campaign.id:
            break
        net.click(shown, 1)
        net.ads.ingest()
        net.ads._ledger.seen.clear()  # not what is tested here
    assert net.ads.report(campaign.id).spend <= 100_000
    excluded = net.log.latest("auction", limit=1)[0].input["excluded"]
    assert campaign.id in [*excluded.get("budget", []), *excluded.get("pacing", [])]


money = st.integers(-5, 10**9)
when = st.integers(0, 3 * DAY)


@settings(max_examples=200)
@given(
    st.fixed_dictionaries(
        {
            "at": when,
            "kind": st.sampled_from(["click", "bot", "head", "prefetch"]),
            "shown_at": st.none() | when,
            "price": money,
            "first": st.none() | when,
            "last": st.none() | when,
            "left": money,
            "left_today": st.none() | money,
        }
    )
)  # fmt: skip
def test_a_charge_is_never_negative_nor_more_than_price_or_budget(input):
    output = judge(input)
    assert output["charge"] >= 0
    assert output["charge"] <= max(min(input["price"], input["left"]), 0)
    assert output["counted"] == (output["why"] == "")
    assert output["counted"] or output["charge"] == 0
