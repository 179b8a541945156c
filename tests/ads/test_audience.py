"""Whom a campaign reaches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.ads.audience import Nearby, holds, normal
from myna.network import Consent, Person, Purpose, now_ms


def slot(net, person="home:p5", *texts, lang="en"):
    return net.ads.fill(person, [net.post(text, lang, number) for number, text in enumerate(texts, 900)])


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("tea", "Green TEA, please", True),
        ("tea", "a team", False),
        ("green tea", "Drink green\ntea!", True),
        ("green tea", "tea green", False),
        ("trà sữa", "Mình thích TRÀ SỮA lắm", True),
        ("ชา", "อยากดื่มชาเย็น", True),
        ("茶", "我想喝茶了", True),
        ("#tea", "so much #tea", True),
        ("...", "anything", False),
    ],
)
def test_words_are_found_as_words(word, text, found):
    assert holds(normal(text), normal(word)) is found


@given(st.text(), st.text())
def test_any_text_can_be_compared(text, word):
    assert normal(normal(text)) == normal(text)
    holds(normal(text), normal(word))


def test_nearby_languages_most_frequent_first(net):
    nearby = Nearby.of([net.post("a", "vi", 1), net.post("b", "en-GB", 2), net.post("c", "en", 3)])
    assert nearby.langs == ("en", "vi")


def test_everybody_where_nothing_is_asked_for(net):
    net.campaign(0)
    shown = slot(net)
    assert shown and [reason.text for reason in shown.reasons] == ["{payer} paid for this ad", "Shown to everybody"]
    assert shown.payer == "Tea & Co"


def test_interest_reaches_who_has_it_and_shows_the_evidence(net):
    net.interested = {"home:p5": {"tea"}}
    net.campaign(0, interests=["tea", "cake"])
    assert slot(net, "home:p6") is None
    why = slot(net, "home:p5").reasons[1]
    assert (why.text, why.values, why.evidence) == ("You seem interested in {topic}", {"topic": "tea"}, ("home:q1",))


def test_words_reach_the_place_not_the_person(net):
    net.campaign(0, words=["Green tea"])
    assert slot(net, "home:p5", "coffee") is None
    why = slot(net, "home:p5", "coffee", "green tea for all").reasons[1]
    assert (why.text, why.values["words"], why.evidence) == (
        "Shown beside posts about {words}",
        "Green tea",
        ("home:near901",),
    )


def test_interest_or_words(net):
    net.interested = {"home:p5": {"tea"}}
    net.campaign(0, interests=["tea"], words=["cake"])
    assert slot(net, "home:p5") and slot(net, "home:p6", "cake") and slot(net, "home:p7", "soup") is None


def test_language_of_the_person_else_of_the_posts_nearby(net):
    net.store.append([Person("home:vi", "vi", lang="vi"), Person("home:none", "none")])
    net.campaign(0, langs=["vi"])
    assert slot(net, "home:p5", "xin chào", lang="vi") is None
    assert slot(net, "home:vi", "hello", lang="en") is not None
    assert slot(net, "home:none", "xin chào", lang="vi-VN") is not None
    assert slot(net, "home:none", "hello", lang="en") is None


def test_who_said_no_to_personal_ads_is_reached_by_words_only(net):
    net.interested = {"home:p5": {"tea"}}
    net.store.append([Consent("home:p5", Purpose.ADS, False, "home:p5", 5)])
    net.campaign(0, interests=["tea"])
    assert slot(net, "home:p5", "tea") is None
    net.campaign(1, interests=["tea"], words=["tea"])
    shown = slot(net, "home:p5", "tea")
    assert shown and shown.reasons[1].text == "Shown beside posts about {words}"
    assert net.log.latest("auction", limit=1)[0].input["personal"] is False


def test_interests_are_asked_for_once_however_many_campaigns_there_are(net):
    net.interested = {f"home:p{n}": {"tea", "cake"} for n in range(50, 60)}
    asked = []
    interests = net.interests
    net.ads._interests = lambda person, topics: asked.append(topics) or interests(person, topics)
    for n in range(20):
        net.campaign(n, interests=["tea" if n % 2 else "cake", f"more {n}"])
    slot(net, "home:p50")
    asked.clear()
    shown = slot(net, "home:p51")
    assert len(asked) == 1 and len(asked[0]) == 22
    assert shown and shown.reasons[1].values["topic"] in ("tea", "cake")


def test_hidden_interest_is_not_used_a_moment_later(net):
    net.interested = {"home:p5": {"tea"}}
    net.campaign(0, interests=["tea"], starts_at=1)
    now = now_ms()
    assert net.ads.fill("home:p5", [], now=now)
    net.interested = {}
    assert net.ads.fill("home:p5", [], now=now + 61_000) is None
