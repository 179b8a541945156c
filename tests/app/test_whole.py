"""A small network from nothing to a service, as `myna demo` makes it: every part meets every other here."""

import time
from pathlib import Path

import pytest

from myna.ads.types import Status
from myna.app import Myna
from myna.app.doctor import examine_deeply
from myna.feed.types import Mode
from myna.gate import ANYONE, OPERATOR, person_actor
from myna.i18n import translate
from myna.network import ActionKind, EdgeKind, Forbidden, NotFound, Person, Post, Problem, Purpose, now_ms
from myna.settings import Settings


@pytest.fixture
def myna(small_home: Path) -> Myna:
    opened = Myna(Settings(home=small_home))
    yield opened
    opened.close()


def somebody(myna: Myna, place: int = 0) -> Person:
    return [person for person in myna.people(200) if not person.bot][place]


def _posts(myna: Myna) -> list[Post]:
    posts: list[Post] = []
    while found := myna.store.posts_after(posts[-1].seq if posts else 0):
        posts += found
    return posts


def test_the_demo_network_is_well(myna: Myna) -> None:
    myna.follow()
    ill = [check for check in examine_deeply(myna) if not check.ok]
    assert ill == []


def test_a_feed_has_reasons_that_add_up_and_replays_to_the_same_bytes(myna: Myna) -> None:
    myna.follow()
    person = somebody(myna)
    page = myna.feed(person.id)
    assert len(page.items) >= 10
    for item in page.items:
        if item.ad is None:
            assert item.reasons
            assert sum(reason.contribution for reason in item.reasons) == pytest.approx(item.score, abs=1e-6)
        for reason in item.reasons:
            assert translate("en", reason.text, **reason.values)
    assert myna.replay(page.decision).same
    assert myna.why(page.decision)["kind"] == "feed"


def test_pages_of_a_feed_do_not_repeat(myna: Myna) -> None:
    myna.follow()
    person = somebody(myna, 1)
    first = myna.feed(person.id, limit=10)
    second = myna.feed(person.id, limit=10, cursor=first.cursor)
    shown = [item.post.id for item in first.items if item.ad is None]
    assert shown and not set(shown) & {item.post.id for item in second.items if item.ad is None}


def test_following_is_oneself_and_whom_one_follows_newest_first(myna: Myna) -> None:
    myna.follow()
    person = somebody(myna, 2)
    follows = {e.other_id for e in myna.store.edges_of(person.id) if e.kind is EdgeKind.FOLLOW}
    items = [item for item in myna.feed(person.id, Mode.FOLLOWING).items if item.ad is None]
    followed = follows | {person.id}
    passed_on = {post.repost_of: post.created_at for post in _posts(myna) if post.author_id in followed}
    assert all(item.post.author_id in followed or item.post.id in passed_on for item in items)
    own = [item.post.created_at for item in items if item.post.id not in passed_on]
    assert own == sorted(own, reverse=True)


def test_what_is_written_is_found_and_what_is_deleted_is_gone_within_two_seconds(myna: Myna) -> None:
    myna.start()
    author, reader = somebody(myna, 0), somebody(myna, 3)
    post = myna.publish(author.id, "The quokkazebra parade starts at noon on the old bridge. #quokkazebra")
    actor = person_actor(reader.id)
    deadline = time.monotonic() + 30
    while not myna.search_posts(actor, "quokkazebra").hits:
        assert time.monotonic() < deadline, "never found"
        time.sleep(0.05)
    assert myna.ask(actor, "When does the quokkazebra parade start?").citations[0].post.id == post.id
    myna.delete(person_actor(author.id), post.id)
    # At once, for whoever asks: texts come from the fact log only.
    assert not myna.search_posts(actor, "quokkazebra").hits
    with pytest.raises(NotFound):
        myna.post(actor, post.id)
    time.sleep(2)
    assert myna.search.check()["leaked"] == 0
    assert all(item.post.id != post.id for item in myna.feed(reader.id, Mode.LATEST, 50).items)


def test_a_block_takes_effect_on_the_next_request(myna: Myna) -> None:
    myna.follow()
    reader = somebody(myna, 4)
    author_id = next(item.post.author_id for item in myna.feed(reader.id, limit=20).items if item.ad is None)
    myna.relate(reader.id, author_id, EdgeKind.BLOCK)
    myna.follow()
    assert all(item.post.author_id != author_id for item in myna.feed(reader.id, limit=50).items)


def test_show_less_lowers_what_was_shown(myna: Myna) -> None:
    myna.follow()
    reader = somebody(myna, 5)
    post = next(item.post for item in myna.feed(reader.id, limit=20).items if item.ad is None)
    myna.act(reader.id, post.id, ActionKind.SHOW_LESS)
    myna.follow()
    assert all(item.post.id != post.id for item in myna.feed(reader.id, limit=50).items)


def test_an_author_who_says_no_to_search_is_not_found(myna: Myna) -> None:
    author = somebody(myna, 6)
    myna.publish(author.id, "Only once: wombatorium.")
    myna.follow()
    assert myna.search_posts(ANYONE, "wombatorium").hits
    myna.consent(person_actor(author.id), author.id, Purpose.SEARCH, False)
    assert not myna.search_posts(ANYONE, "wombatorium").hits


def test_nobody_speaks_for_another(myna: Myna) -> None:
    one, other = somebody(myna, 0), somebody(myna, 1)
    with pytest.raises(Forbidden):
        myna.consent(person_actor(one.id), other.id, Purpose.TRAIN, True)
    theirs = myna.publish(other.id, "Mine alone.")
    with pytest.raises(NotFound):
        myna.delete(person_actor(one.id), theirs.id)


def test_a_draft_is_checked_held_and_posted_once(myna: Myna) -> None:
    author = somebody(myna, 7)
    risk = myna.check_draft(author.id, "You are all IDIOTS and I hate you!!! Call me on +49 170 1234567")
    calm = myna.check_draft(author.id, "The library opens at nine tomorrow.")
    assert risk.probability > calm.probability
    assert risk.reasons
    assert myna.replay(risk.decision).same
    draft = myna.hold_draft(author.id, "Perhaps tomorrow.")
    assert draft.until > now_ms()
    assert [held.id for held in myna.drafts_of(author.id)] == [draft.id]
    post = myna.post_draft(author.id, draft.id)
    assert post.text == "Perhaps tomorrow."
    assert myna.drafts_of(author.id) == []


def test_an_ad_is_shown_charged_and_explained(myna: Myna) -> None:
    myna.follow()
    author = somebody(myna, 8)
    post = myna.publish(author.id, "Our new tea house is open.")
    now = now_ms()
    campaign = myna.create_campaign(
        owner_id=author.id, payer="Tea Ltd", name="Tea", post_id=post.id, url="https://tea.example/", bid=900_000_000,
        budget=10**12, day_budget=0, starts_at=now, ends_at=now + 86_400_000, holdout=0.0,
    )  # fmt: skip
    myna.set_campaign_status(campaign.id, Status.ACTIVE)
    myna.follow()
    shown = [
        item
        for place in range(9, 15)
        for item in myna.feed(somebody(myna, place).id).items
        if item.ad and item.ad.campaign_id == campaign.id
    ]
    assert shown
    ad = shown[0].ad
    assert ad and ad.payer == "Tea Ltd" and ad.reasons and ad.link.startswith("http")
    assert myna.replay(ad.decision).same
    assert myna.campaign_report(campaign.id).impressions == len(shown)


def test_the_model_writes(myna: Myna) -> None:
    text = "".join(myna.language.generate("The ", 12, seed=1))
    assert text
    assert text == "".join(myna.language.generate("The ", 12, seed=1))


def test_derived_state_is_made_again_from_the_logs_alone(myna: Myna, small_home: Path) -> None:
    import shutil

    myna.follow()
    before = [hit.post.id for hit in myna.search_posts(OPERATOR, "bridge", sort="latest").hits]
    count = myna.search.check()["indexed"]
    myna.close()
    for folder in ("search", "people", "feed", "drafts"):
        shutil.rmtree(small_home / folder)
    again = Myna(Settings(home=small_home))
    from myna.app.making import Maker

    for _, step in Maker(again, None, 0, 0, 0, 0.1).derived(anew=True):
        step(lambda done, total: None)
    assert again.search.check()["indexed"] == count
    assert [hit.post.id for hit in again.search_posts(OPERATOR, "bridge", sort="latest").hits] == before
    assert all(check.ok for check in examine_deeply(again))
    again.close()


def test_a_post_for_followers_is_not_for_others(myna: Myna) -> None:
    author = somebody(myna, 0)
    from myna.network import Visibility

    post: Post = myna.publish(author.id, "For followers: numbatnight.", visibility=Visibility.FOLLOWERS)
    follower = next(e.person_id for e in myna.store.edges_to(author.id) if e.kind is EdgeKind.FOLLOW)
    myna.follow()
    assert myna.post(person_actor(follower), post.id) == myna.post(person_actor(author.id), post.id)
    assert not myna.search_posts(ANYONE, "numbatnight").hits
    with pytest.raises(NotFound):
        myna.post(ANYONE, post.id)
    with pytest.raises(Problem):
        myna.repost(follower, post.id)
