"""What a person gets, end to end, on a small network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from myna.decisions import canonical
from myna.feed import AdSlot, Feed, Mode, Request
from myna.network import (
    Action,
    ActionKind,
    Consent,
    Deletion,
    Edge,
    EdgeKind,
    NotFound,
    Person,
    Post,
    Problem,
    Purpose,
    Visibility,
    now_ms,
)

House = Any  # the one of conftest.py
HOUR = 3_600_000


def ids(page: Feed) -> list[str]:
    return [item.post.id for item in page.items]


def authors(page: Feed) -> list[str]:
    return [item.post.author_id for item in page.items]


def test_a_network_of_thirty_people_without_a_single_action_has_a_full_feed(small: House) -> None:
    page = small.page()
    assert len(page.items) == 20
    assert all(item.reasons for item in page.items)
    # p0 follows three; with nothing else known, theirs come first.
    assert authors(page)[0] in ("home:p1", "home:p3", "home:p6")


def test_contributions_of_the_reasons_sum_to_the_score(lively: House) -> None:
    lively.feeds.train()
    for person in range(5):
        for item in lively.page(f"home:p{person}").items:
            assert sum(reason.contribution for reason in item.reasons) == pytest.approx(item.score, abs=1e-9)


def test_likes_bring_posts_of_the_same_topic(lively: House) -> None:
    lively.feeds.train()
    page = lively.page("home:p1", limit=10)
    mine = [author for author in authors(page) if int(author[6:]) % 3 == 1]
    assert len(mine) >= 8
    assert any("about {topic}" in reason.text and reason.evidence for item in page.items for reason in item.reasons)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_feed_is_replayed_to_the_byte(lively: House, mode: Mode) -> None:
    page = lively.page(mode=mode)
    lively.act(page.items[0].post.id, ActionKind.LIKE)  # the world goes on; the decision does not change
    replay = lively.log.replay(page.decision)
    assert replay.same
    assert [item["post"] for item in lively.log.get(page.decision).output["items"]] == ids(page)


def test_a_decision_holds_no_text_of_posts(lively: House) -> None:
    page = lively.page()
    decision = lively.log.get(page.decision)
    kept = canonical(decision.input) + canonical(decision.output)
    assert not any(item.post.text.encode() in kept for item in page.items)


@pytest.mark.parametrize("mode", list(Mode))
def test_pages_do_not_repeat_and_come_to_an_end(small: House, mode: Mode) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in range(60):
        page = small.page("home:p2", 20, mode, cursor)
        assert not set(seen) & set(ids(page))
        seen += ids(page)
        small.add(Post(f"home:late{len(seen)}", "home:p3", now_ms(), f"something new {len(seen)}", "en"))
        cursor = page.cursor
        if not cursor:
            break
    assert not cursor
    assert len(seen) > 20


def test_a_cursor_of_another_feed_is_refused(small: House) -> None:
    page = small.page("home:p0")
    with pytest.raises(Problem):
        small.feeds.next_page(Request("home:p1", now_ms()), page.cursor)
    with pytest.raises(NotFound):
        small.feeds.next_page(Request("home:p1", now_ms()), "no cursor at all")


def test_a_block_and_a_mute_hold_on_the_very_next_request(small: House) -> None:
    first, other = list(dict.fromkeys(authors(small.page())))[:2]
    small.store.append(
        [Edge("home:p0", first, EdgeKind.BLOCK, now_ms()), Edge("home:p0", other, EdgeKind.MUTE, now_ms())]
    )
    assert not {first, other} & set(authors(small.page(limit=100)))
    assert "home:p0" in authors(small.page(other, mode=Mode.LATEST, limit=100))
    assert "home:p0" not in authors(small.page(first, mode=Mode.LATEST, limit=100)), "they blocked each other's view"


def test_a_deleted_post_is_gone_from_the_next_page_and_from_memory(small: House) -> None:
    victim = ids(small.page())[0]
    small.store.append([Deletion(victim, "post", now_ms())])
    for mode in Mode:
        assert victim not in ids(small.page(mode=mode, limit=100))
    activity = small.interests.activity
    row = activity.post_ids.row(victim)
    assert not activity.posts["vector"][row].any() and not activity.posts["held"][row]


def test_a_deleted_person_leaves_no_post_no_like_and_no_edge(lively: House) -> None:
    row = lively.interests.activity.people_ids.row("home:p3")
    lively.add(Deletion("home:p3", "person", now_ms()))
    activity = lively.interests.activity
    assert "home:p3" not in authors(lively.page(limit=100))
    assert not activity.history.get(row) and not activity.relations.follows.get(row)
    assert all(row not in likers for likers in activity.likers.values())


def test_seen_posts_do_not_come_again_but_stay_in_the_chronological_modes(small: House) -> None:
    page = small.page()
    for post in ids(page)[:5]:
        small.act(post, ActionKind.SEEN)
    assert not set(ids(page)[:5]) & set(ids(small.page(limit=100)))
    latest = ids(small.page(mode=Mode.LATEST))
    small.act(latest[0], ActionKind.SEEN)
    assert ids(small.page(mode=Mode.LATEST))[0] == latest[0]


def test_show_less_works_on_the_next_request(lively: House) -> None:
    lively.feeds.train()
    before = lively.page(limit=20)
    unwanted = before.items[0].post
    lively.act(unwanted.id, ActionKind.SHOW_LESS)
    after = lively.page(limit=20)
    assert unwanted.id not in ids(after)
    old = [i for i, author in enumerate(authors(before)) if author == unwanted.author_id]
    new = [i for i, author in enumerate(authors(after)) if author == unwanted.author_id]
    assert not new or (min(new) > min(old) and len(new) <= len(old))
    best = [
        max([item.score for item in page.items if item.post.author_id == unwanted.author_id] or [0])
        for page in (before, after)
    ]
    assert best[1] < 0.6 * best[0]


def test_one_accidental_like_changes_little(lively: House) -> None:
    lively.feeds.train()
    before = lively.page("home:p0", limit=20)
    other = next(
        post for post in (f"home:{n}" for n in range(499, 0, -1))
        if int(lively.reader.people([lively.store.posts([post])[post].author_id]).popitem()[0][6:]) % 3 == 1
    )  # fmt: skip
    lively.act(other, ActionKind.LIKE)
    after = lively.page("home:p0", limit=20)
    assert len(set(ids(before)) & set(ids(after))) >= 18


def test_hiding_an_interest_takes_its_posts_out_of_the_reasons_at_once(lively: House) -> None:
    for interest in lively.interests.of("home:p0"):
        lively.interests.hide("home:p0", interest.id)
    page = lively.page(limit=50)
    assert not any("about {topic}" in reason.text for item in page.items for reason in item.reasons)
    assert not any("People who like" in reason.text for item in page.items for reason in item.reasons)


def test_why_not_names_the_filter_or_the_gap(lively: House) -> None:
    page = lively.page(limit=5)
    own = next(post.id for post in lively.store.posts_by("home:p0"))
    assert lively.feeds.why_not(page.decision, own).stage == "own"
    assert lively.feeds.why_not(page.decision, ids(page)[0]).stage == "shown"
    behind = lively.log.get(page.decision).input["slate"]["ids"]
    lower = next(id for id in behind if id not in ids(page))
    found = lively.feeds.why_not(page.decision, lower)
    assert found.stage == "score" and found.gap >= 0
    assert lively.feeds.why_not(page.decision, "home:nothing").stage == "deleted"


def test_an_author_who_says_no_to_recommending_is_read_by_followers_only(small: House) -> None:
    small.store.append([Consent("home:p1", Purpose.RECOMMEND, False, "home:p1", now_ms())])
    assert "home:p1" not in authors(small.page(limit=100))
    assert "home:p1" in authors(small.page(mode=Mode.FOLLOWING, limit=100))
    small.add(Consent("home:p1", Purpose.RECOMMEND, True, "home:p1", now_ms() + 1))
    assert "home:p1" in authors(small.page(limit=100))


def test_an_operators_no_to_a_whole_source_empties_and_a_yes_refills(small: House) -> None:
    small.add(Consent("home:*", Purpose.RECOMMEND, False, "operator", now_ms()))
    assert not small.page().items
    assert not small.interests.activity.posts["alive"].any()
    small.add(Consent("home:*", Purpose.RECOMMEND, True, "operator", now_ms() + 1))
    assert len(small.page().items) == 20


def test_unlisted_and_followers_only_posts_reach_followers_in_time_order_and_nobody_else(small: House) -> None:
    small.add(
        Post("home:quiet", "home:p1", now_ms(), "unlisted words here", "en", visibility=Visibility.UNLISTED),
        Post("home:inner", "home:p1", now_ms(), "for followers only", "en", visibility=Visibility.FOLLOWERS),
        Post("home:letter", "home:p1", now_ms(), "a letter", "en", visibility=Visibility.DIRECT, mentions=("home:p0",)),
    )
    followed = ids(small.page(mode=Mode.FOLLOWING))
    assert {"home:quiet", "home:inner"} <= set(followed) and "home:letter" not in followed
    for person in ("home:p0", "home:p4"):
        for mode in (Mode.LATEST, Mode.FOR_YOU):
            assert not {"home:quiet", "home:letter"} & set(ids(small.page(person, 100, mode)))
    assert "home:inner" not in ids(small.page("home:p4", 100, Mode.FOR_YOU))


def test_following_is_strictly_newest_first_and_holds_only_whom_one_follows(lively: House) -> None:
    page = lively.page(mode=Mode.FOLLOWING, limit=50)
    times = [item.post.created_at for item in page.items]
    assert times == sorted(times, reverse=True)
    assert set(authors(page)) <= {"home:p0", "home:p1", "home:p3", "home:p6"}


def test_a_repost_by_somebody_followed_brings_the_original_once_and_says_so(small: House) -> None:
    original = next(
        post for post in (f"home:{n}" for n in range(400)) if small.store.posts([post])[post].author_id == "home:p20"
    )
    small.add(
        Post("home:r1", "home:p1", now_ms() - 60_000, "", "en", repost_of=original),
        Post("home:r3", "home:p3", now_ms() - 50_000, "", "en", repost_of=original),
    )
    page = small.page(limit=50)
    assert ids(page).count(original) == 1
    item = next(item for item in page.items if item.post.id == original)
    assert any(reason.values.get("reposter") in ("@p1", "@p3") for reason in item.reasons)


def test_a_person_without_any_event_gets_what_is_popular_in_their_language(lively: House) -> None:
    lively.add(
        Person("home:new", "new", lang="vi"),
        *(Post(f"home:v{n}", "home:p1", now_ms() - n * HOUR, f"bài viết số {n} về món phở", "vi") for n in range(6)),
        *(Action(f"home:vl{n}", f"home:p{n}", "home:v3", ActionKind.LIKE, now_ms()) for n in range(5, 12)),
    )
    page = lively.page("home:new", limit=6)
    assert ids(page)[0] == "home:v3"
    assert {item.post.lang for item in page.items} == {"vi"}


def test_the_feed_of_an_old_archive_is_not_empty(house: House, network: Callable[..., Any]) -> None:
    long_ago = 1_460_000_000_000
    house.add(*network(now=long_ago))
    page = house.page()
    assert len(page.items) == 20
    assert max(item.post.created_at for item in page.items) > long_ago - 30 * HOUR


def test_posts_from_the_future_do_not_stand_on_top(small: House) -> None:
    small.add(Post("home:future", "home:p1", now_ms() + 400 * HOUR, "words from the future", "en"))
    for mode in Mode:
        assert "home:future" not in ids(small.page(mode=mode, limit=100))


def test_ads_stand_after_a_few_posts_are_logged_and_never_without_a_profile(small: House) -> None:
    asked: list[int] = []

    def fill(person: str, context: object) -> AdSlot:
        asked.append(len(context))  # type: ignore[arg-type]
        return AdSlot("c1", "home:7", "A Shop", "https://example.org/l/1", "d1", ())

    page = small.feeds.feed(Request("home:p0", now_ms()), fill)
    places = [place for place, item in enumerate(page.items) if item.ad]
    assert places == [3, 10, 17] and len(page.items) == 23
    assert [ad["decision"] for ad in small.log.get(page.decision).output["ads"]] == ["d1"] * 3
    assert small.log.replay(page.decision).same
    asked.clear()
    assert not any(item.ad for item in small.feeds.feed(Request("home:p0", now_ms(), mode=Mode.FOLLOWING), fill).items)
    assert not asked


def test_an_ad_by_somebody_blocked_is_not_shown(small: House) -> None:
    author = small.store.posts(["home:7"])["home:7"].author_id
    person = "home:p0" if author != "home:p0" else "home:p1"
    small.store.append([Edge(person, author, EdgeKind.BLOCK, now_ms())])
    slot = AdSlot("c1", "home:7", "A Shop", "https://example.org/l/1", "d1", ())
    assert not any(item.ad for item in small.feeds.feed(Request(person, now_ms()), lambda *_: slot).items)


def test_a_restart_gives_the_same_feed(lively: House, tmp_path: Path, open_house: Callable[..., Any]) -> None:
    lively.interests.rebuild()
    lively.feeds.train()
    request = Request("home:p4", now_ms())
    before = lively.feeds.feed(request)
    again = open_house(tmp_path)
    assert ids(again.feeds.feed(request)) == ids(before)
    assert again.feeds.model.version == lively.feeds.model.version
    again.store.close()


def test_a_page_of_no_posts_or_too_many_is_refused(small: House) -> None:
    for limit in (0, 101):
        with pytest.raises(Problem):
            small.page(limit=limit)


def test_nobody_signed_in_can_read_the_latest(small: House) -> None:
    assert len(small.page("", mode=Mode.LATEST).items) == 20
    assert len(small.page("").items) == 20


def test_check_tells_what_it_is_behind(small: House) -> None:
    assert small.feeds.check()["behind"] == {}
    small.store.append([Post("home:later", "home:p1", now_ms(), "not yet taken in", "en")])
    assert small.feeds.check()["behind"] == {"posts": 1}


def test_one_new_post_in_an_old_network_leaves_the_rest_as_fresh_as_it_was(
    house: House, network: Callable[..., Any]
) -> None:
    house.add(*network(now=1_760_000_000_000, views=60))
    house.feeds.train()
    before = house.page("home:p0", limit=20)
    house.add(Post("home:awake", "home:p1", now_ms(), "somebody writes again after a long time", "en"))
    after = house.page("home:p0", limit=20)
    assert len(set(ids(before)) & set(ids(after))) >= 17
    assert [interest.id for interest in house.interests.of("home:p0")]
