"""What a campaign must be, and that every change of one is in the log."""

import pytest

from myna.ads import Status
from myna.network import Consent, Deletion, NotFound, Post, Problem, Purpose, Visibility, now_ms

DAY = 86_400_000


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"bid": 0}, "bid"),
        ({"bid": -5}, "bid"),
        ({"bid": 1.5}, "bid"),
        ({"bid": 10}, "least price"),
        ({"bid": True}, "bid"),
        ({"budget": 99_999}, "budget"),
        ({"budget": 10**18}, "micros"),
        ({"day_budget": 5}, "day budget"),
        ({"day_budget": 60_000_000}, "day budget"),
        ({"ends_at": 1}, "after the start"),
        ({"starts_at": 5, "ends_at": 9}, "past"),
        ({"holdout": 0.6}, "holdout"),
        ({"holdout": -0.1}, "holdout"),
        ({"holdout": float("nan")}, "holdout"),
        ({"url": "javascript:alert(1)"}, "http"),
        ({"url": "example.org"}, "http"),
        ({"payer": "  "}, "payer"),
        ({"name": "x" * 200}, "name"),
        ({"interests": ["x" * 300]}, "interests"),
        ({"words": "tea"}, "list"),
        ({"post_id": "home:none"}, "no public post"),
        ({"post_id": "home:q7"}, "own posts"),
    ],
)
def test_says_what_is_wrong_with_which_field(net, fields, said):
    with pytest.raises(Problem, match=said):
        net.campaign(0, start=False, **fields)
    assert net.ads.campaigns() == []
    assert net.log.count("campaign") == 0


def test_owner_must_exist(net):
    with pytest.raises(NotFound):
        net.campaign(0, owner_id="home:nobody")


def test_only_public_posts_that_may_be_advertised(net):
    net.store.append([Post("home:f", "home:p0", 1, "for friends", visibility=Visibility.FOLLOWERS)])
    net.store.append([Post("home:r", "home:p0", 1, "", repost_of="home:q1")])
    net.store.append([Consent("home:q0", Purpose.ADS, False, "home:p0", 5)])
    for post in ("home:f", "home:r", "home:q0"):
        with pytest.raises(Problem):
            net.campaign(0, post_id=post)


def test_anothers_post_only_with_their_yes(net):
    with pytest.raises(Problem):
        net.campaign(0, post_id="home:q1")
    net.store.append([Consent("home:q1", Purpose.ADS, True, "home:p1", 5)])
    assert net.campaign(0, post_id="home:q1").post_id == "home:q1"


def test_made_paused_then_started_paused_and_ended_for_good(net):
    campaign = net.campaign(0, start=False)
    assert campaign.status is Status.PAUSED
    for status in (Status.ACTIVE, Status.PAUSED, Status.ACTIVE, Status.ENDED):
        assert net.ads.set_status(campaign.id, status).status is status
    with pytest.raises(Problem, match="ended"):
        net.ads.set_status(campaign.id, Status.ACTIVE)
    changes = [decision.input["change"] for decision in net.log.after(0, "campaign")[0]]
    assert changes == ["create", "status", "status", "status", "status"]


def test_found_again_when_opened_again_and_by_another_process(net):
    other = net.open()
    campaign = net.campaign(0, interests=["tea"], words=["green tea"], langs=["EN"], url="https://example.org/ä")
    other.follow()
    for ads in (other, net.open()):
        assert ads.campaigns() == [campaign]
        assert ads.campaign(campaign.id) == campaign
    assert campaign.langs == ("en",) and campaign.url == "https://example.org/%C3%A4"
    assert net.ads.campaigns("home:p0") == [campaign] and net.ads.campaigns("home:p1") == []


def test_over_when_its_time_is(net):
    campaign = net.campaign(0, ends_at=now_ms() + 60)
    while now_ms() <= campaign.ends_at:
        pass
    assert net.ads.campaign(campaign.id).status is Status.ENDED
    assert net.ads.fill("home:p5", []) is None


def test_ends_when_its_owner_is_deleted(net):
    net.campaign(0)
    assert net.ads.fill("home:p5", []) is not None
    net.store.append([Deletion("home:p0", "person", now_ms())])
    net.ads.ingest()
    assert all(campaign.status is Status.ENDED for campaign in net.ads.campaigns())
    assert net.ads.fill("home:p6", []) is None
