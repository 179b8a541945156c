import json
import threading
from pathlib import Path

import pytest

from myna.decisions import DecisionLog
from myna.drafts import Drafts, Guard
from myna.network import Action, ActionKind, Consent, Deletion, NotFound, Post, Problem, Purpose, Visibility
from myna.network.store import Store

LAN, BO, JUNK = "home:lan", "home:bo", "home:ju"
HARSH = "You idiot, my card is 4111 1111 1111 1111"
NIGHT = 1_780_000_000_000  # 2026-05-28, 20:26:40 UTC: 03:26 in Hà Nội


def test_a_calm_text_is_calm_and_a_harsh_one_is_not_and_says_where(drafts: Drafts) -> None:
    calm, harsh = drafts.check(LAN, "Good morning all"), drafts.check(LAN, HARSH)
    assert calm.probability < 0.1 and calm.reasons == () and calm.spans == ()
    assert harsh.probability > 0.8
    assert [HARSH[start:end] for start, end in harsh.spans] == ["idiot", "4111 1111 1111 1111"]
    assert {reason.text for reason in harsh.reasons} == {
        "It insults somebody directly.",
        "It shows a number that is valid for a payment card.",
    }
    assert all(reason.contribution > 0 for reason in harsh.reasons)


def test_a_check_is_logged_without_the_text_and_replays_to_the_same_bytes(drafts: Drafts, store: Store) -> None:
    log = DecisionLog(store)
    risk = drafts.check(LAN, HARSH)
    decision = log.get(risk.decision)
    kept = json.dumps([decision.input, decision.output])
    assert decision.actor == LAN and decision.input["length"] == len(HARSH)
    for word in ("idiot", "4111", "card is"):
        assert word not in kept
    log.replays("draft", drafts._replay)
    assert log.replay(risk.decision).same
    assert log.why(risk.decision)["reasons"][0]["text"]


def test_only_a_guard_set_to_hold_holds(drafts: Drafts) -> None:
    assert drafts.guard(LAN) is Guard.ADVISE
    for guard, held in ((Guard.ADVISE, False), (Guard.OFF, False), (Guard.HOLD, True)):
        drafts.set_guard(LAN, guard)
        assert drafts.guard(LAN) is guard
        assert drafts.check(LAN, HARSH).hold is held
        assert not drafts.check(LAN, "Good morning").hold
    with pytest.raises(NotFound):
        drafts.set_guard("home:nobody", Guard.HOLD)


def test_a_draft_comes_back_in_its_authors_morning(drafts: Drafts) -> None:
    at_two = drafts.check(LAN, "hello", now=NIGHT).until
    assert at_two - NIGHT == (9 * 3600 - (3 * 3600 + 26 * 60 + 40)) * 1000
    risk = drafts.check(JUNK, "hello", now=NIGHT)
    assert any("time zone" in reason.text and reason.values == {"zone": "Mars/Olympus"} for reason in risk.reasons)


def test_drafts_are_kept_changed_taken_and_thrown_away(drafts: Drafts, store: Store) -> None:
    one, two = drafts.hold(LAN, "first ü", reply_to="x:1", quote_of="x:2"), drafts.hold(LAN, "second", until=0)
    assert drafts.all(LAN) == [one, two] and drafts.all(BO) == []
    changed = drafts.save(LAN, one.id, HARSH)
    assert (changed.text, changed.reply_to, changed.until) == (HARSH, "x:1", one.until) and changed.risk > one.risk
    assert drafts.due(LAN, one.until) == [changed] and drafts.due(LAN, one.until - 1) == []
    assert drafts.take(LAN, one.id) == changed
    drafts.discard(LAN, two.id)
    assert drafts.all(LAN) == []
    assert store.counts().posts == 0  # nothing has posted itself


def test_a_draft_stays_for_those_it_was_written_for(drafts: Drafts) -> None:
    draft = drafts.hold(LAN, "for my followers", visibility=Visibility.FOLLOWERS)
    assert drafts.save(LAN, draft.id, "for my followers only").visibility is Visibility.FOLLOWERS
    assert drafts.get(LAN, draft.id).visibility is Visibility.FOLLOWERS
    assert drafts.take(LAN, draft.id).visibility is Visibility.FOLLOWERS
    assert drafts.hold(LAN, "for all").visibility is Visibility.PUBLIC


def test_a_draft_is_its_authors_alone(drafts: Drafts) -> None:
    draft = drafts.hold(LAN, "mine")
    for ask in (drafts.get, drafts.take, drafts.discard):
        with pytest.raises(NotFound):
            ask(BO, draft.id)
    with pytest.raises(NotFound):
        drafts.save(BO, draft.id, "stolen")
    assert drafts.all(LAN) == [draft]


def test_of_many_who_take_one_draft_exactly_one_gets_it(drafts: Drafts) -> None:
    draft = drafts.hold(LAN, "once")
    got: list[str] = []

    def take() -> None:
        try:
            got.append(drafts.take(LAN, draft.id).text)
        except NotFound:
            got.append("")

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [""] * 7 + ["once"]
    with pytest.raises(NotFound):
        drafts.save(LAN, draft.id, "again")
    assert drafts.all(LAN) == []


def test_drafts_and_guard_go_with_their_person(drafts: Drafts, store: Store) -> None:
    drafts.hold(LAN, "gone")
    drafts.set_guard(LAN, Guard.HOLD)
    store.append([Deletion(LAN, "person", 1)])
    assert drafts.all(LAN) == [] and drafts.guard(LAN) is Guard.ADVISE
    with pytest.raises(NotFound):
        drafts.hold(LAN, "again")


@pytest.mark.parametrize("text", ["", "  \n", "a\x00b", "\ud800", "x" * 100_001])
def test_what_cannot_be_posted_is_not_held(drafts: Drafts, text: str) -> None:
    with pytest.raises(Problem):
        drafts.hold(LAN, text)
    assert drafts.all(LAN) == []


def test_a_time_that_has_passed_is_refused(drafts: Drafts) -> None:
    with pytest.raises(Problem, match="passed"):
        drafts.hold(LAN, "text", until=5)


def test_an_unusual_hour_of_the_night_counts_and_a_usual_one_does_not(drafts: Drafts, store: Store) -> None:
    day, hour = 86_400_000, 3_600_000
    store.append([Post(f"home:d{n}", LAN, NIGHT - 40 * day + n * day + 9 * hour, "by day") for n in range(30)])
    store.append([Post(f"home:n{n}", BO, NIGHT - 40 * day + n * day + 3 * hour, "by night") for n in range(30)])
    late = drafts.check(LAN, "hello", now=NIGHT)
    assert late.reasons[0].text.startswith("It is {hour} where you are")
    assert late.reasons[0].values == {"hour": "3:00"}
    usual = drafts.check(BO, "hello", now=NIGHT + 3 * hour)  # 01:26 in Berlin, as always
    assert usual.reasons == () and usual.probability < late.probability


def test_a_heated_conversation_counts_with_the_post_as_evidence(drafts: Drafts, store: Store) -> None:
    store.append(
        [
            Post("home:1", BO, NIGHT - 5000, "You are an idiot"),
            Post("home:2", JUNK, NIGHT - 900, "No, you fool", reply_to="home:1"),
        ]
    )
    store.append([Action("home:r", JUNK, "home:1", ActionKind.REPORT, NIGHT - 100)])
    calm, heated = drafts.check(LAN, "well", now=NIGHT), drafts.check(LAN, "well", reply_to="home:1", now=NIGHT)
    assert heated.probability > calm.probability
    assert [reason.evidence for reason in heated.reasons] == [("home:1",)]


def test_a_conversation_the_author_may_not_see_tells_nothing(drafts: Drafts, store: Store) -> None:
    hidden = Post("home:1", BO, NIGHT - 5000, "You idiot, you fool, you liar", visibility=Visibility.DIRECT)
    store.append([hidden, Consent("home:bo", Purpose.READ, True, "home:bo", 1)])
    assert drafts.check(LAN, "well", reply_to="home:1", now=NIGHT).reasons == ()


def test_another_process_sees_the_same_drafts_and_hashes(
    drafts: Drafts, store: Store, tmp_path: Path, make_drafts
) -> None:  # type: ignore[no-untyped-def]
    other = make_drafts(store, tmp_path / "drafts")
    draft = drafts.hold(LAN, "shared")
    assert other.take(LAN, draft.id) == draft
    log = DecisionLog(store)
    hashes = {log.get(part.check(LAN, "text").decision).input["hash"] for part in (drafts, other)}
    assert len(hashes) == 1
    assert (tmp_path / "drafts" / "hash.key").stat().st_mode & 0o777 == 0o600
