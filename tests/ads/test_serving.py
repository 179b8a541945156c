"""One slot: who is left out and why, the holdout, and the log that tells it all again."""

import json
import math
from collections import Counter

import pytest

from myna.ads import Ads
from myna.ads.serving import draw
from myna.network import Action, ActionKind, Deletion, Edge, EdgeKind, Person, Records, now_ms

HOUR = 3_600_000


def last(net):
    return net.log.latest("auction", limit=1)[0]


def test_nothing_to_show_is_no_decision(net):
    assert net.ads.fill("home:p5", []) is None
    assert net.log.count("auction") == 0


def test_best_score_wins_at_the_second_price(net):
    net.campaign(0, bid=100_000)
    first = net.campaign(1, bid=300_000)
    shown = net.ads.fill("home:p5", [])
    assert shown.campaign_id == first.id and shown.post_id == "home:q1"
    output = last(net).output
    assert output["price"] == 100_000 and output["winner"] == first.id
    assert shown.decision == last(net).id


def test_alone_pays_the_reserve(net):
    net.campaign(0)
    net.ads.fill("home:p5", [])
    assert last(net).output["price"] == 1_000


def test_the_person_is_nowhere_in_the_logged_input(net):
    net.campaign(0)
    net.ads.fill("home:p5", [net.post("hello")])
    decision = last(net)
    assert decision.actor == "home:p5"
    assert "home:p5" not in json.dumps([decision.input, decision.output])


def test_every_auction_is_replayed_byte_for_byte(net):
    net.interested = {f"home:p{n}": {"tea"} for n in range(0, 100, 2)}
    for number in range(10):
        net.campaign(number, bid=100_000 + number * 7_001, interests=["tea"] if number % 2 else [], holdout=0.3)
    for number in range(20, 60):
        net.ads.fill(f"home:p{number}", [net.post("some tea")])
    found, _ = net.log.after(0, "auction")
    assert len(found) == 40
    assert Counter(decision.output["ghost"] for decision in found).keys() == {True, False}
    for decision in found:
        replay = net.log.replay(decision.id)
        assert replay.same and len(replay.logged) > 100


@pytest.mark.parametrize("kind", [EdgeKind.BLOCK, EdgeKind.MUTE])
def test_nothing_by_who_is_blocked_or_muted(net, kind):
    campaign = net.campaign(0)
    net.store.append([Edge("home:p5", "home:p0", kind, now_ms())])
    assert net.ads.fill("home:p5", []) is None
    assert last(net).input["excluded"] == {"blocked": [campaign.id]}


def test_nothing_to_who_was_blocked_by_the_author(net):
    campaign = net.campaign(0)
    net.store.append([Edge("home:p0", "home:p5", EdgeKind.BLOCK, now_ms())])
    assert net.ads.fill("home:p5", []) is None
    assert last(net).output["refused"] == [campaign.id]


def test_nobody_sees_their_own_ad(net):
    campaign = net.campaign(0)
    assert net.ads.fill("home:p0", []) is None
    assert last(net).input["excluded"] == {"own": [campaign.id]}


def test_no_ads_for_bots_and_strangers(net):
    net.store.append([Person("home:bot", "bot", bot=True)])
    net.campaign(0)
    assert net.ads.fill("home:bot", []) is None
    assert net.ads.fill("home:unknown", []) is None
    assert net.log.count("auction") == 0


def test_deleted_post_is_not_shown_and_the_next_best_wins(net):
    net.campaign(0, bid=300_000)
    second = net.campaign(1, bid=100_000)
    net.store.append([Deletion("home:q0", "post", now_ms())])
    assert net.ads.fill("home:p5", []).campaign_id == second.id


def test_three_times_a_day_and_not_twice_on_a_page(net):
    campaign = net.campaign(0, starts_at=1)
    noon = now_ms() // (24 * HOUR) * 24 * HOUR + 12 * HOUR
    shown = [net.ads.fill("home:p5", [], now=noon + step * 30_000) is not None for step in range(12)]
    assert shown == [True, False] * 3 + [False] * 6
    assert last(net).input["excluded"] == {"frequency": [campaign.id]}
    assert net.ads.fill("home:p5", [], now=noon + 13 * HOUR) is not None


def test_not_before_its_start(net):
    campaign = net.campaign(0, starts_at=now_ms() + HOUR)
    assert net.ads.fill("home:p5", []) is None
    assert last(net).input["excluded"] == {"dates": [campaign.id]}


def test_holdout_takes_its_share_of_people_and_is_the_same_each_time(net):
    campaign = net.campaign(0, holdout=0.3, starts_at=1)
    net.store.append([Person(f"home:x{n}", f"x{n}") for n in range(300)])
    now = now_ms()
    for n in range(300):
        shown = net.ads.fill(f"home:x{n}", [], now=now)
        assert (shown is None) == (draw(campaign.id, f"home:x{n}") < 0.3)
    ghosts = [decision for decision in net.log.after(0, "auction")[0] if decision.output["ghost"]]
    assert abs(len(ghosts) - 90) < 4 * math.sqrt(300 * 0.3 * 0.7)
    assert all(ghost.output["winner"] == campaign.id for ghost in ghosts)
    report = net.ads.report(campaign.id)
    assert (report.impressions, report.ghosts, report.reach) == (300 - len(ghosts), len(ghosts), 300 - len(ghosts))


def test_slot_of_a_held_out_person_goes_to_nobody(net):
    best = net.campaign(0, bid=300_000, holdout=0.5)
    net.campaign(1, bid=100_000)
    person = next(f"home:p{n}" for n in range(2, 100) if draw(best.id, f"home:p{n}") < 0.5)
    assert net.ads.fill(person, []) is None
    assert last(net).output["winner"] == best.id and last(net).output["ghost"]


def test_holdouts_of_campaigns_are_independent():
    both = sum(draw("c1", f"p{n}") < 0.5 and draw("c2", f"p{n}") < 0.5 for n in range(4_000))
    assert abs(both - 1_000) < 4 * math.sqrt(4_000 * 0.25 * 0.75)


def test_complaints_lower_the_quality_of_an_ad(net):
    annoying = net.campaign(0, bid=110_000)
    welcome = net.campaign(1, bid=100_000)
    assert net.ads.fill("home:p5", []).campaign_id == annoying.id
    kinds = (ActionKind.SHOW_LESS, ActionKind.REPORT)
    net.store.append([Action(f"home:a{n}", f"home:p{n}", "home:q0", kinds[n % 2], now_ms()) for n in range(50, 54)])
    net.ads.ingest()
    assert net.ads.fill("home:p6", []).campaign_id == welcome.id


def test_link_leads_to_the_campaigns_address_else_to_the_post(net):
    from myna.ads.token import Keyring

    net.campaign(0, url="https://example.org/tea")
    keys = Keyring(net.directory / "ads")
    shown = net.ads.fill("home:p5", [])
    link = keys.read(shown.link.removeprefix("http://links.test/c/"))
    assert (link.url, link.campaign, link.decision) == ("https://example.org/tea", shown.campaign_id, shown.decision)
    net.campaign(1, bid=900_000)
    shown = net.ads.fill("home:p5", [])
    assert keys.read(shown.link.removeprefix("http://links.test/c/")).url == "http://pages.test/post/home:q1"


def test_no_link_where_a_click_could_lead_nowhere(net):
    ads = Ads(
        net.directory / "a", net.reader, net.log, Records(net.store, "campaign"), net.interests, "http://links.test"
    )
    net.campaign(0)
    ads.follow()
    assert ads.fill("home:p5", []).link == ""


def test_two_processes_keep_one_frequency(net):
    net.campaign(0, starts_at=1)
    other = net.open()
    noon = now_ms() // (24 * HOUR) * 24 * HOUR + 12 * HOUR
    shown = 0
    for step in range(8):
        shown += (other, net.ads)[step % 2].fill("home:p5", [], now=noon + step * 120_000) is not None
        other.follow()
        net.ads.follow()
    assert shown == 3
