"""Ads: the part as the app sees it. Holds the derived state, keeps it up with the log, and fills slots."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock

from myna.ads.auction import RESERVE, decide
from myna.ads.audience import InterestsOf, Match, Nearby
from myna.ads.book import Book
from myna.ads.campaigns import Campaigns
from myna.ads.clicklog import Line
from myna.ads.clicks import Cursor, click_id, judge
from myna.ads.ledger import Ledger
from myna.ads.pacing import day_of
from myna.ads.reach import Reaches
from myna.ads.reports import public, report
from myna.ads.serving import Candidates, chunks, draw, rank, too_often
from myna.ads.snapshot import load, save
from myna.ads.token import Keyring, Link, destination
from myna.ads.types import Campaign, PublicAd, Reach, Report, Slot, Status
from myna.decisions import Decision, DecisionLog, new_id
from myna.gate import MYNA, Reader, Scope, person_actor
from myna.network import (
    ActionKind,
    EdgeKind,
    NotFound,
    Person,
    Post,
    Progress,
    Purpose,
    Records,
    now_ms,
    quiet,
)
from myna.people.types import Reason

_KINDS = ("campaign", "auction", "click")
_COMPLAINTS = (ActionKind.SHOW_LESS, ActionKind.REPORT)
_SAVE_EVERY = 5_000
"""Decisions after which the ledger is written down, so that the next start reads at most so many."""
_KNOWN_FOR = 2_000
"""Milliseconds for which a person's blocks, language and wish about personal ads are remembered: one page's slots."""


@dataclass(slots=True)
class _Reader:
    """A person as auctions need them for a page. unwanted: whom they blocked or muted; scope: the gate for them; fits:
    campaigns of `book` that fit by interest, once asked for."""

    at: int
    person: Person | None
    personal: bool
    unwanted: frozenset[str]
    scope: Scope
    book: Book | None = None
    fits: dict[int, Match] = field(default_factory=dict)


class Ads:
    """Campaigns, the auction, clicks and reports of one network. Safe for many threads; for processes see `follow`."""

    def __init__(
        self,
        directory: Path,
        reader: Reader,
        log: DecisionLog,
        records: Records,
        interests: InterestsOf,
        links_url: str,
        pages_url: str = "",
    ) -> None:
        """links_url: the address of the links process; pages_url: of the pages, where a click on an ad without a
        link of its own leads: to the post's page there."""
        directory.mkdir(parents=True, exist_ok=True)
        self._reader = reader
        self._log = log
        self._records = records
        self._interests = interests
        self._links_url = links_url.rstrip("/")
        self._pages_url = pages_url.rstrip("/")
        self._keys = Keyring(directory)
        self._reaches = Reaches(directory, reader, interests)
        self._directory = directory
        self._lock = threading.RLock()
        self._reading = FileLock(directory / "reading.lock")
        self._people: dict[str, _Reader] = {}
        self._posts: dict[str, tuple[int, Post | None]] = {}
        log.replays("auction", lambda decision: decide(decision.input))
        log.replays("click", lambda decision: judge(decision.input))
        self._forget_state()
        self._recall()
        self.follow()
        self._campaigns.mend()

    def _forget_state(self) -> None:
        self._campaigns = Campaigns(self._reader, self._log, self._records)
        self._ledger = Ledger()
        self._cursor = Cursor(self._directory)
        self._seqs = dict.fromkeys(_KINDS, 0)
        self._marks: dict[str, tuple[int, str]] = {}
        """By kind: place and id of the newest decision read, which a snapshot must find again to be of this log."""
        self._unsaved = 0
        self._own: set[str] = set()
        self._authors: dict[str, str] = {}
        self._complaints: dict[str, int] = {}
        self._book: Book | None = None
        facts = self._reader.last_seq()
        self._facts = {"actions": facts["actions"], "deletions": facts["deletions"]}

    # -- campaigns -------------------------------------------------------------------------------------------------

    def create(
        self,
        owner_id: str,
        payer: str,
        name: str,
        post_id: str,
        bid: int,
        budget: int,
        starts_at: int,
        ends_at: int,
        day_budget: int = 0,
        url: str = "",
        interests: Iterable[str] = (),
        words: Iterable[str] = (),
        langs: Iterable[str] = (),
        holdout: float = 0.1,
    ) -> Campaign:
        """Makes a campaign, paused. Money in micros, times in milliseconds. Raises Problem for what is wrong."""
        with self._lock:
            campaign, decision = self._campaigns.create(
                owner_id, payer, name, post_id, bid, budget, starts_at, ends_at,
                day_budget, url, interests, words, langs, holdout,
            )  # fmt: skip
            self._take(decision)
            return campaign

    def campaigns(self, owner_id: str | None = None) -> list[Campaign]:
        """All campaigns, or one person's, the oldest first."""
        with self._lock:
            return self._campaigns.all(owner_id)

    def campaign(self, id: str) -> Campaign:
        """A campaign. Raises NotFound."""
        with self._lock:
            return self._campaigns.get(id)

    def set_status(self, id: str, status: Status, by: str = "") -> Campaign:
        """Starts, pauses or ends a campaign. by: who asked, its owner where empty."""
        with self._lock:
            self.follow()
            campaign, decision = self._campaigns.set_status(id, status, by)
            self._take(decision)
            return campaign

    # -- serving ---------------------------------------------------------------------------------------------------

    def fill(self, person_id: str, context: Sequence[Post], now: int | None = None) -> Slot | None:
        """The ad for one slot of a person's feed, None for none. context: the posts around it, those nearest first.

        The auction is in the log before its ad is shown. None also where the person is held out from who won.
        """
        now = now_ms() if now is None else now
        with self._lock:
            book = self._settled(now)
            if not book.campaigns:
                return None
            who = self._person(person_id, now)
            if who.person is None or who.person.bot:
                return None
            listed, told = self._candidates(book, who, who.person, context, now)
            id = new_id("d", now)
            input = {"reserve": RESERVE, "candidates": listed, **told}
            output = decide(input)
            self._log.write("auction", person_id, Purpose.ADS, input, output, at=now, id=id)
            self._take(Decision(id, now, "auction", person_id, Purpose.ADS, "", input, output))
            if not output["winner"] or output["ghost"]:
                return None
            won = book.campaigns[book.places[output["winner"]]]
            return Slot(
                won.id, won.post_id, won.payer, self._link(won, id, now), id,
                tuple(Reason(r["text"], r["values"], tuple(r["evidence"])) for r in output["reasons"]),
            )  # fmt: skip

    def _candidates(
        self, book: Book, who: _Reader, person: Person, context: Sequence[Post], now: int
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        nearby = Nearby.of(context)
        langs = (person.lang,) if who.personal and person.lang else nearby.langs
        candidates = Candidates(book, now)
        candidates.exclude("own", book.people.get(person.id, ()))
        unwanted = who.unwanted & book.people.keys()
        candidates.exclude("blocked", [place for other in unwanted for place in book.people[other]])
        candidates.exclude("language", book.audiences.speaking(langs))
        matches: dict[int, Match] = book.audiences.near(nearby)
        if who.personal:
            if who.book is not book:
                who.book, who.fits = book, book.audiences.of_person(person.id, self._interests)
            matches.update(who.fits)
        candidates.only("audience", [*matches, *book.audiences.unrestricted])
        often, recent = too_often(self._ledger.seen.get(person.id, {}), book.places, now)
        candidates.exclude("frequency", often)
        candidates.exclude("recent", recent)
        candidates.pace()
        listed = rank(candidates, matches, self._ledger.clicks.mean, self._ledger.clicks.factors())
        self._ask_gate(who.scope, listed, now)
        for entry in listed:
            entry["draw"] = draw(entry["campaign"], person.id)
        told = {"excluded": candidates.told(), "eligible": int(candidates.open.sum()), "personal": who.personal}
        return listed, told

    def _ask_gate(self, scope: Scope, listed: list[dict[str, Any]], now: int) -> None:
        """Marks who may be shown to this person, from the best down until two may: the winner and the price."""
        passed = 0
        for chunk in chunks(listed):
            if passed >= 2:
                for entry in chunk:
                    entry["gate"] = None
                continue
            posts = self._promoted([entry["post"] for entry in chunk], now)
            for entry in chunk:
                post = posts[entry["post"]]
                entry["gate"] = post is not None and scope.decide(post).allow
                passed += entry["gate"]

    def _promoted(self, ids: list[str], now: int) -> dict[str, Post | None]:
        """Promoted posts that may be advertised at all; remembered for as long as people are, deletions excepted."""
        stale = [id for id in ids if id not in self._posts or not 0 <= now - self._posts[id][0] < _KNOWN_FOR]
        if stale:
            found = self._reader.posts(MYNA, Purpose.ADS, stale)
            self._posts.update({id: (now, found.get(id)) for id in stale})
        return {id: self._posts[id][1] for id in ids}

    def _link(self, campaign: Campaign, decision: str, now: int) -> str:
        url = campaign.url
        if not url and self._pages_url:
            url = destination(f"{self._pages_url}/post/{quote(campaign.post_id, safe=':')}") or ""
        if not url:
            return ""
        return f"{self._links_url}/c/{self._keys.sign(Link(url, campaign.id, decision, now))}"

    def _person(self, id: str, now: int) -> _Reader:
        known = self._people.get(id)
        if known is None or not 0 <= now - known.at < _KNOWN_FOR:
            if len(self._people) > 10_000:
                self._people.clear()
            scope = self._reader.scope(person_actor(id), Purpose.ADS)
            edges = self._reader.edges_of(id)
            unwanted = frozenset(edge.other_id for edge in edges if edge.kind in (EdgeKind.BLOCK, EdgeKind.MUTE))
            personal = self._reader.policy.author_preference(id, Purpose.ADS) is not False
            person = self._reader.people([id]).get(id)
            known = self._people[id] = _Reader(now, person, personal, unwanted, scope)
        return known

    def _settled(self, now: int) -> Book:
        if self._book is None:
            playing = [c for c in self._campaigns.all() if c.status is Status.ACTIVE]
            fresh = [c.post_id for c in playing if c.post_id not in self._authors]
            if fresh:
                found = self._reader.posts(MYNA, Purpose.ADS, fresh)
                self._authors.update({id: post.author_id for id, post in found.items()})
                for id in found:
                    self._count_complaints(id)
            self._book = Book(playing, self._authors, self._complaints, self._campaigns.started_at)
        self._book.settle(self._ledger, now)
        return self._book

    def _count_complaints(self, post_id: str) -> None:
        self._complaints[post_id] = sum(len(self._reader.actions_on(post_id, kind)) for kind in _COMPLAINTS)

    # -- keeping up with the logs ----------------------------------------------------------------------------------

    def _take(self, decision: Decision) -> None:
        """Takes in a decision made here; the log will show it again."""
        self._own.add(decision.id)
        self._apply(decision)

    def _apply(self, decision: Decision) -> None:
        if decision.kind == "campaign":
            self._campaigns.apply(decision)
            self._book = None
        else:
            changed = self._ledger.apply(decision)
            if self._book is not None and changed:
                self._book.touch(changed)

    def follow(self, progress: Progress = quiet) -> int:
        """Takes in what other processes wrote since: campaigns, auctions, clicks, complaints, deletions.

        Several processes may serve at once; each sees the others' spending when it follows, so between two follows
        they can together go past a pace, never past a budget, which is held when clicks are charged.
        """
        with self._lock:
            taken = self._follow_decisions(progress) + self._follow_facts()
            # Only where all that was decided here has been read back: else it would be read, and counted, again.
            if self._unsaved >= _SAVE_EVERY and not self._own:
                self._save()
            return taken

    def _save(self) -> None:
        marks = {"kinds": self._marks, "deletions": self._facts["deletions"]}
        save(self._directory / "ledger.json", self._ledger, marks)
        self._unsaved = 0

    def _recall(self) -> None:
        """Goes on from the ledger on disk, if it is one of this log. Campaigns are few and read anew."""
        found = load(self._directory / "ledger.json")
        if found is None:
            return
        ledger, marks = found
        kinds = {kind: tuple(mark) for kind, mark in marks["kinds"].items() if kind != "campaign"}
        for kind, (seq, id) in kinds.items():
            first, _ = self._log.after(seq - 1, kind, 1)
            if not first or first[0].id != id:
                return
        self._ledger, self._marks = ledger, kinds
        self._seqs.update({kind: seq for kind, (seq, _) in kinds.items()})
        self._facts["deletions"] = marks["deletions"]

    def _follow_decisions(self, progress: Progress) -> int:
        taken = 0
        behind = max(self._seqs.values())
        for kind in _KINDS:
            while True:
                found, seq = self._log.after(self._seqs[kind], kind)
                for decision in found:
                    if decision.id in self._own:
                        self._own.discard(decision.id)
                    else:
                        self._apply(decision)
                        taken += 1
                progress(taken, 0)
                if not found:
                    break
                self._seqs[kind] = seq
                self._marks[kind] = (seq, found[-1].id)
                self._unsaved += len(found)
            # What was seen of any kind before this question was asked need not be searched again for this one.
            self._seqs[kind] = max(self._seqs[kind], behind)
        return taken

    def _follow_facts(self) -> int:
        taken = 0
        while deletions := self._reader.deletions_after(self._facts["deletions"]):
            self._facts["deletions"] = deletions[-1].seq
            for deletion in deletions:
                self._people.pop(deletion.id, None)
                self._posts.pop(deletion.id, None)
                if deletion.kind == "person":
                    self._ledger.forget(deletion.id)
                    # The ledger on disk must not outlive them either.
                    self._unsaved = _SAVE_EVERY
                    if self._campaigns.forget_owner(deletion.id):
                        self._book = None
                taken += 1
        while actions := self._reader.actions_after(self._facts["actions"]):
            self._facts["actions"] = actions[-1].seq
            for action in actions:
                if action.kind in _COMPLAINTS and action.post_id in self._complaints:
                    self._count_complaints(action.post_id)
                    self._book = None
        return taken

    def ingest(self) -> int:
        """Follows the log, then reads new clicks of the links process into it, each once; returns how many clicks."""
        with self._lock:
            self.follow()
            grown = self._cursor.fresh()
            if not grown:
                return 0
            with self._reading:
                # Another process may have read these meanwhile: its cursor and its decisions come first.
                self._cursor = Cursor(self._directory)
                self.follow()
                taken = 0
                for path in self._cursor.fresh():
                    for line in self._cursor.lines(path):
                        taken += self._take_click(line)
                self._cursor.keep()
                return taken

    def _take_click(self, line: Line) -> int:
        id = click_id(line)
        if id in self._ledger.known_clicks:
            return 0
        auction = self._auction_of(line)
        account = self._ledger.account(line.campaign)
        campaign = self._campaigns.get(line.campaign) if auction else None
        day = account.days.get(day_of(line.at))
        input: dict[str, Any] = {
            "at": line.at,
            "kind": line.kind,
            "campaign": line.campaign,
            "auction": line.decision,
            "issued": line.issued,
            "file": line.file,
            "offset": line.offset,
            "shown_at": auction.at if auction else None,
            "price": auction.output["price"] if auction else 0,
            "kind_of_match": auction.output["kind"] if auction else "",
            "first": self._ledger.clicked.get(line.decision),
            "last": self._ledger.last_click.get(line.decision),
            "left": campaign.budget - account.spent if campaign else 0,
            "left_today": (
                campaign.day_budget - (day.spend if day else 0) if campaign and campaign.day_budget else None
            ),
        }
        # The actor is nobody: the links process knows no person, and a bill must outlive who clicked.
        self._log.write("click", "", Purpose.ADS, input, judge(input), at=line.at, id=id)
        self._take(Decision(id, line.at, "click", "", Purpose.ADS, "", input, judge(input)))
        return 1

    def _auction_of(self, line: Line) -> Decision | None:
        try:
            found = self._log.get(line.decision)
            self._campaigns.get(line.campaign)
        except NotFound:
            return None
        fits = found.kind == "auction" and found.output["winner"] == line.campaign and not found.output["ghost"]
        return found if fits else None

    def rebuild(self, progress: Progress = quiet) -> int:
        """Forgets all derived state and finds it again from the log; returns how many decisions were read."""
        with self._lock:
            (self._directory / "ledger.json").unlink(missing_ok=True)
            self._forget_state()
            return self.follow(progress)

    # -- telling ---------------------------------------------------------------------------------------------------

    def report(self, id: str) -> Report:
        """A campaign's figures and its lift. Raises NotFound."""
        with self._lock:
            campaign, account = self._campaigns.get(id), self._ledger.account(id)
            return report(self._reader, campaign, account)

    def repository(self) -> list[PublicAd]:
        """Every ad that was shown, for everybody to look up: who paid, when, for whom it was meant, its reach."""
        with self._lock:
            found = (public(c, self._ledger.account(c.id)) for c in self._campaigns.all())
            return [ad for ad in found if ad is not None]

    def reach(self, owner_id: str, interests: Iterable[str] = (), langs: Iterable[str] = ()) -> Reach:
        """About how many people these interests and languages reach, told so that nobody can be singled out."""
        return self._reaches.estimate(self._reader.person(owner_id).id, interests, langs)

    def state(self, now: int | None = None) -> dict[str, Any]:
        """The derived state as plain values; equal before and after `rebuild`."""
        with self._lock:
            return self._ledger.state(now_ms() if now is None else now)

    def check(self) -> dict[str, object]:
        """Counts for the doctor."""
        with self._lock:
            active = sum(c.status is Status.ACTIVE for c in self._campaigns.all())
            return {
                "campaigns": len(self._campaigns.all()),
                "active": active,
                "impressions": self._ledger.clicks.impressions,
                "clicks": self._ledger.clicks.clicks,
                "unreadable click lines": self._cursor.malformed.total(),
            }
