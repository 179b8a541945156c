"""The parts of a network, put together: what the pages, the API and the command line call."""

import logging
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import available_timezones

import myna as package
from myna.ads import Ads
from myna.ads.types import Campaign, Report, Status
from myna.app import counts
from myna.app.accounts import Accounts
from myna.app.embedding import Embedding
from myna.app.language import Language
from myna.app.reception import Forecaster
from myna.app.remote import ModelServer
from myna.app.types import Forecast, Overview, Standing, Thread
from myna.decisions import DecisionLog, Replay
from myna.drafts import Drafts
from myna.drafts.types import Draft, Risk
from myna.feed import Feeds
from myna.feed.types import AdSlot, Feed, Mode, Request
from myna.gate import Actor, ActorKind, Key, Keys, Reader, person_actor
from myna.network import (
    HOME,
    Action,
    ActionKind,
    Consent,
    Deletion,
    Edge,
    EdgeKind,
    Forbidden,
    NotFound,
    Person,
    Post,
    Problem,
    Purpose,
    Records,
    Visibility,
    now_ms,
)
from myna.network.store import Store
from myna.people import Interests
from myna.people.types import Interest
from myna.search import Search
from myna.search.types import Answer, Results
from myna.settings import Settings

_LOG = logging.getLogger("myna.app")
_Part = TypeVar("_Part")
_FOLLOW_EVERY = 0.2
"""Seconds between looks at the fact log for what other processes wrote."""


def new_id() -> str:
    """A fresh id for what is written here; sorts by time."""
    return f"{HOME}:{now_ms():011x}{secrets.token_hex(5)}"


def _size(path: Path) -> int:
    """The bytes of a file; 0 for a folder, and for a file of the index that was merged away meanwhile."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


class Myna:
    """One network. Parts are opened when first used, so that the service answers within seconds of its start."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # All that people wrote for some only lies in here.
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.store = Store(settings.database)
        self.log = DecisionLog(self.store)
        self.reader = Reader(self.store, self._on_ruling)
        self.keys = Keys(Records(self.store, "key"))
        self.accounts = Accounts(self.store)
        self._opening = threading.RLock()
        self._parts: dict[str, Any] = {}
        self._version = self._embedding()[1]
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._follower: threading.Thread | None = None
        self.follow_error = ""

    # -- the parts -------------------------------------------------------------------------------------------------

    def _open(self, folder: str, make: Callable[[Path], _Part], name: str = "") -> _Part:
        """The part of this name, by default its folder's, made at first use, once, whatever thread comes first."""
        name = name or folder
        with self._opening:
            if name not in self._parts:
                path = self.settings.home / folder
                path.mkdir(parents=True, exist_ok=True)
                self._parts[name] = make(path)
            return cast(_Part, self._parts[name])

    @property
    def language(self) -> Language:
        """The network's own language model."""
        return self._open("models", self._language, "language")

    def _language(self, path: Path) -> Language:
        server = ModelServer(self.settings.model_url, self.settings.model_key) if self.settings.model_url else None
        return Language(path.parent, self.reader, self.log, server)

    @property
    def search(self) -> Search:
        """The index."""
        return self._open("search", lambda path: Search(path, self.reader, self.log, *self._embedding()))

    @property
    def interests(self) -> Interests:
        """What people are interested in."""
        return self._open(
            "people",
            lambda path: Interests(path, self.reader, Records(self.store, "interests"), *self._embedding()),
        )

    @property
    def feeds(self) -> Feeds:
        """The feeds."""
        return self._open("feed", lambda path: Feeds(path, self.reader, self.log, self.interests, *self._embedding()))

    @property
    def ads(self) -> Ads:
        """The ads."""
        return self._open(
            "ads",
            lambda path: Ads(
                path,
                self.reader,
                self.log,
                Records(self.store, "campaign"),
                lambda person_id, topics: self.interests.matches(person_id, topics),
                self.settings.links_address,
                self.settings.address,
            ),
        )

    @property
    def drafts(self) -> Drafts:
        """Drafts and their guard."""
        return self._open(
            "drafts",
            lambda path: Drafts(path, self.reader, self.log, Records(self.store, "drafts"), self._embedding()[0]),
        )

    @property
    def reception(self) -> Forecaster:
        """The forecast of how a draft would be received."""
        return self._open(
            "models",
            lambda path: Forecaster(path / "reception", self.store, self.reader, self.log, self.language),
            "reception",
        )

    @property
    def embedding(self) -> Embedding:
        """The language model's vectors, as every part takes them."""
        return self._open("models", lambda path: Embedding(self.language), "embedding")

    def _embedding(self) -> tuple[Embedding | None, str]:
        return (self.embedding, self.language.version) if self.language.ready else (None, "")

    # -- keeping derived state up with the logs --------------------------------------------------------------------

    def start(self) -> None:
        """Opens the parts and keeps them up with the logs, in the background, until `close`."""
        if self._follower is None:
            self._follower = threading.Thread(target=self._follow_on, name="follower", daemon=True)
            self._follower.start()

    def _follow_on(self) -> None:
        while not self._stopping.is_set():
            try:
                self.follow()
                self.follow_error = ""
            except Exception as error:
                # Whatever it was, this thread goes on. Shown by the doctor and on the overview; the log of facts keeps
                # what is to be caught up with.
                _LOG.error("Derived state could not be kept up with the logs", exc_info=error)
                self.follow_error = f"{type(error).__name__}: {error}"
                self._stopping.wait(2)
            self._wake.wait(_FOLLOW_EVERY)
            self._wake.clear()

    def follow(self) -> None:
        """Brings index, interests, feed and ads up with what the logs hold now."""
        self._take_new_model()
        failed: list[Exception] = []
        steps = (
            lambda: self.search.follow(), lambda: self.feeds.follow(), self._mask_deleted, lambda: self.ads.ingest(),
        )  # fmt: skip
        for step in steps:
            try:
                step()
            except Exception as error:
                # What fails in one part must not keep a deletion in the others.
                failed.append(error)
        if failed:
            raise failed[0]

    def _take_new_model(self) -> None:
        """Hands a language model trained since to the parts that are open."""
        embed, version = self._embedding()
        if version == self._version:
            return
        self._version = version
        for name in ("search", "people", "feed"):
            if name in self._parts:
                self._parts[name].set_embed(embed, version)
        if "drafts" in self._parts:
            self.drafts.set_embed(embed)

    def _mask_deleted(self) -> None:
        """Takes deleted posts out of the training data. The cursor is kept after: a crash repeats, never skips."""
        records = Records(self.store, "cursor")
        seq = (records.get("language") or {"seq": 0})["seq"]
        if new := self.store.deletions_after(seq):
            self.language.drop([deletion.id for deletion in new])
            records.put("language", {"seq": new[-1].seq})

    def close(self) -> None:
        """Stops the follower and lets go of everything."""
        self._stopping.set()
        self._wake.set()
        if self._follower is not None:
            self._follower.join(timeout=10)
        if "search" in self._parts:
            self.search.close()
        self.store.close()

    def _wrote(self) -> None:
        self._wake.set()

    def _on_ruling(self, actor: Actor, purpose: Purpose, allowed: Counter[str], refused: Counter[str]) -> None:
        self.log.write("access", str(actor), purpose, {}, {"allowed": dict(allowed), "refused": dict(refused)})

    # -- reading ---------------------------------------------------------------------------------------------------

    def person(self, id_or_handle: str) -> Person:
        """A person by id or @handle. Raises NotFound."""
        return self.store.person(id_or_handle)

    def sign_up(self, handle: str, name: str = "", lang: str = "", timezone: str = "UTC") -> Person:
        """Adds a person to this network. Raises Problem for a handle that is none or taken, and an unknown zone."""
        handle = handle.strip().removeprefix("@")
        if not re.fullmatch(r"\w[\w.-]{0,63}", handle):
            raise Problem(
                f"{handle!r} is no handle: at most 64 letters, digits, _, . and -, beginning with none of . -", 422
            )
        if timezone not in available_timezones():
            raise Problem(f"{timezone!r} is no time zone; give an IANA name, such as Europe/Berlin.", 422)
        try:
            self.store.person(f"@{handle}")
        except NotFound:
            person = Person(new_id(), handle, name.strip() or handle, lang=lang, timezone=timezone, created_at=now_ms())
            self.store.append([person])
            self._wrote()
            return person
        raise Problem(f"There is a person @{handle} here already.", 409)

    def make_key(
        self,
        name: str,
        purposes: Iterable[Purpose],
        days: int = 90,
        on_behalf_of: str = "",
        operator: bool = False,
        write: bool = False,
        by: str = "operator",
    ) -> tuple[str, Key]:
        """A new API key: its secret, to be shown this once, and the key as kept."""
        secret, key = self.keys.make(name, purposes, days, on_behalf_of, operator, write)
        self.log.write("key", by, "", {}, {"made": key.id, "purposes": sorted(key.purposes), "write": write})
        return secret, key

    def revoke_key(self, id: str, by: str = "operator") -> None:
        """Ends an API key at once."""
        self.keys.revoke(id)
        self.log.write("key", by, "", {}, {"revoked": id})

    def people(self, limit: int = 50, after_seq: int = 0) -> list[Person]:
        """People in the order they came."""
        return self.store.people_after(after_seq, limit)

    def post(self, actor: Actor, id: str) -> Post:
        """A post this actor may read. Raises NotFound."""
        return self.reader.post(actor, Purpose.READ, id)

    def posts_by(self, actor: Actor, person_id: str, before: int = 2**62, limit: int = 20) -> list[Post]:
        """A person's posts that this actor may read, newest first."""
        return self.reader.posts_by(actor, Purpose.READ, person_id, before, limit)

    def thread(self, actor: Actor, id: str) -> Thread:
        """A post with what it answers and its replies."""
        post = self.post(actor, id)
        ancestors: list[Post] = []
        parent = post.reply_to
        while parent and len(ancestors) < 50:
            found = self.reader.posts(actor, Purpose.READ, [parent]).get(parent)
            if found is None or found in ancestors:
                break
            ancestors.insert(0, found)
            parent = found.reply_to
        return Thread(tuple(ancestors), post, tuple(self.reader.replies_to(actor, Purpose.READ, id)))

    def standing(self, viewer_id: str, posts: Iterable[Post]) -> dict[str, Standing]:
        """The counts shown beside posts, by post id."""
        return counts.standing(self.store, viewer_id, posts)

    def feed(self, person_id: str, mode: Mode = Mode.FOR_YOU, limit: int = 20, cursor: str = "") -> Feed:
        """A page of a person's feed, with ads in their places."""
        person = self.store.person(person_id)
        request = Request(person.id, now_ms(), limit, mode)
        if cursor:
            request = self.feeds.next_page(request, cursor)
        return self.feeds.feed(request, self._fill)

    def _fill(self, person_id: str, context: Sequence[Post]) -> AdSlot | None:
        slot = self.ads.fill(person_id, context)
        if slot is None:
            return None
        return AdSlot(slot.campaign_id, slot.post_id, slot.payer, slot.link, slot.decision, slot.reasons)

    def search_posts(self, actor: Actor, text: str, limit: int = 20, cursor: str = "", sort: str = "top") -> Results:
        """Posts that match a query, as this actor may find them."""
        return self.search.search(actor, text, limit, cursor, sort)

    def ask(self, actor: Actor, question: str) -> Answer:
        """An answer made of citations."""
        return self.search.ask(actor, question)

    def suggest(self, actor: Actor, prefix: str) -> list[str]:
        """What one may go on typing."""
        return self.search.suggest(actor, prefix)

    # -- writing ---------------------------------------------------------------------------------------------------

    def publish(
        self,
        person_id: str,
        text: str,
        reply_to: str = "",
        quote_of: str = "",
        visibility: Visibility = Visibility.PUBLIC,
        id: str = "",
    ) -> Post:
        """Writes a post; durable and, within a second, findable. Raises Problem for an empty or invalid one.

        id: where it was chosen beforehand, so that doing it again writes nothing twice; else a fresh one.
        """
        person = self.store.person(person_id)
        if not text.strip():
            raise Problem("A post needs some text.", 422)
        for other in filter(None, (reply_to, quote_of)):
            self.post(person_actor(person.id), other)
        found = (self._mentioned(word) for word in text.split() if word.startswith("@"))
        mentions = tuple(dict.fromkeys(id for id in found if id))
        urls = tuple(word for word in text.split() if word.startswith(("http://", "https://")))
        post = Post(
            id or new_id(), person.id, now_ms(), text, person.lang, reply_to, "", quote_of, visibility, mentions, urls
        )  # fmt: skip
        self.store.append([post])
        self._wrote()
        return post

    def _mentioned(self, word: str) -> str:
        try:
            return self.store.person(word.rstrip(".,;:!?)'\"")).id
        except NotFound:
            return ""

    def repost(self, person_id: str, post_id: str) -> Post:
        """Passes a post on. Raises Problem for one not public: what was written for some is not passed on to others."""
        person = self.store.person(person_id)
        original = self.post(person_actor(person.id), post_id)
        if original.visibility not in (Visibility.PUBLIC, Visibility.UNLISTED):
            raise Forbidden("This post was written for some readers only and cannot be reposted.")
        for repost in self.store.reposts_of(post_id, 10_000):
            if repost.author_id == person.id:
                return repost
        post = Post(new_id(), person.id, now_ms(), "", original.lang, repost_of=post_id)
        self.store.append([post])
        self._wrote()
        return post

    def act(self, person_id: str, post_id: str, kind: ActionKind, value: float = 1.0) -> Action:
        """Keeps what a person did with a post they may read."""
        person = self.store.person(person_id)
        self.post(person_actor(person.id), post_id)
        action = Action(new_id(), person.id, post_id, kind, now_ms(), value)
        self.store.append([action])
        self._wrote()
        return action

    def relate(self, person_id: str, other_id: str, kind: EdgeKind, on: bool = True) -> Edge:
        """Follows, blocks or mutes, or no longer does. Blocking ends the follows between the two."""
        person, other = self.store.person(person_id), self.store.person(other_id)
        now = now_ms()
        edge = Edge(person.id, other.id, kind, now, on)
        facts = [edge]
        if kind is EdgeKind.BLOCK and on:
            facts += [
                Edge(a, b, EdgeKind.FOLLOW, now, False) for a, b in ((person.id, other.id), (other.id, person.id))
            ]
        if kind is EdgeKind.FOLLOW and on:
            blocks = [e for e in self.store.edges_of(other.id) if e.kind is EdgeKind.BLOCK and e.other_id == person.id]
            if blocks:
                raise Forbidden("This person cannot be followed.")
        self.store.append(facts)
        self._wrote()
        return edge

    def delete(self, actor: Actor, id: str, reason: str = "") -> None:
        """Deletes a post or a person: the author's or that person's own to do, or the operator's."""
        posts = self.store.posts([id])
        people = {} if posts else self.store.people([id])
        owner = posts[id].author_id if posts else id
        allowed = actor.kind is ActorKind.OPERATOR or (bool(actor.person_id) and actor.person_id == owner)
        if not (posts or people) or not allowed:
            raise NotFound(f"There is no post or person {id!r} that is yours to delete.")
        self.store.append([Deletion(id, "post" if posts else "person", now_ms(), reason)])
        self.log.write("deletion", str(actor), "", {}, {"id": id, "kind": "post" if posts else "person"})
        self._wrote()

    def consent(self, by: Actor, subject: str, purpose: Purpose, allow: bool) -> Consent:
        """Keeps a yes or no. A person speaks for themself and their own posts; the operator for anything here."""
        if by.kind is ActorKind.OPERATOR:
            who = "operator"
            whole = subject == "*" or subject.endswith(":*")
            if not (whole or self.store.posts([subject]) or self.store.people([subject])):
                raise Problem(
                    f"There is no post or person {subject!r} here. A whole source is SOURCE:*, everything is *.", 422
                )
        else:
            who = by.person_id
            posts = self.store.posts([subject])
            if not who or (subject != who and (subject not in posts or posts[subject].author_id != who)):
                raise Forbidden("A person can say yes or no for themself and for their own posts only.")
        consent = Consent(subject, purpose, allow, who, now_ms())
        self.store.append([consent])
        self.log.write("consent", who, purpose, {}, {"subject": subject, "allow": allow})
        self._wrote()
        return consent

    def interests_of(self, person_id: str) -> list[Interest]:
        """What Myna takes a person to be interested in, with the posts that made it think so."""
        return self.interests.of(person_id)

    def hide_interest(self, person_id: str, interest_id: str, hidden: bool = True) -> None:
        """A person says "not me" (or takes it back)."""
        self.interests.hide(person_id, interest_id, hidden)

    # -- drafts ----------------------------------------------------------------------------------------------------

    def check_draft(self, person_id: str, text: str, reply_to: str = "") -> Risk:
        """The risk of a draft, with its reasons."""
        return self.drafts.check(person_id, text, reply_to)

    def forecast(self, person_id: str, text: str, reply_to: str = "", quote_of: str = "") -> Forecast | None:
        """What likes, reposts and replies a draft can expect; None where nothing is known of that."""
        return self.reception.forecast(self.store.person(person_id).id, text, reply_to, quote_of)

    def expected_likes(self, person_id: str) -> dict[str, float]:
        """By id, the likes that a person's own newest posts could expect if they were posted now."""
        return self.reception.expected_likes(self.store.person(person_id).id)

    def hold_draft(
        self,
        person_id: str,
        text: str,
        reply_to: str = "",
        quote_of: str = "",
        until: int | None = None,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> Draft:
        """Keeps a draft until the author's morning, and for whom it was written."""
        return self.drafts.hold(person_id, text, reply_to, quote_of, until, visibility)

    def drafts_of(self, person_id: str) -> list[Draft]:
        """A person's held drafts."""
        return self.drafts.all(person_id)

    def post_draft(self, person_id: str, draft_id: str) -> Post:
        """Posts a held draft now. The post's id is the draft's: killed in between or asked twice, it is posted once."""
        draft = self.drafts.get(person_id, draft_id)
        id = f"{HOME}:{draft.id}"
        post = self.publish(person_id, draft.text, draft.reply_to, draft.quote_of, draft.visibility, id)
        self.drafts.discard(person_id, draft_id)
        return post

    def discard_draft(self, person_id: str, draft_id: str) -> None:
        """Throws a held draft away."""
        self.drafts.discard(person_id, draft_id)

    # -- ads -------------------------------------------------------------------------------------------------------

    def create_campaign(self, **fields: Any) -> Campaign:
        """Makes a campaign, paused. Without a url a click leads to the promoted post."""
        return self.ads.create(**fields)

    def campaigns(self, owner_id: str | None = None) -> list[Campaign]:
        """All campaigns, or one person's."""
        return self.ads.campaigns(owner_id)

    def campaign_report(self, id: str) -> Report:
        """A campaign's figures."""
        return self.ads.report(id)

    def set_campaign_status(self, id: str, status: Status, by: str = "") -> Campaign:
        """Starts, pauses or ends a campaign. by: who asked, where it was not its owner."""
        return self.ads.set_status(id, status, by)

    # -- why -------------------------------------------------------------------------------------------------------

    def why(self, decision_id: str) -> dict[str, Any]:
        """The reasons of a decision."""
        return self.log.why(decision_id)

    def replay(self, decision_id: str) -> Replay:
        """A decision computed again."""
        kind = self.log.get(decision_id).kind
        part = {"feed": "feeds", "search": "search", "answer": "search", "auction": "ads", "draft": "drafts"}.get(kind)
        if part:
            getattr(self, part)  # opening a part names its replayers
        return self.log.replay(decision_id)

    def overview(self) -> Overview:
        """The operator's page: what came in, the model, the index, the feed, and whether all is well."""
        from myna.app.doctor import examine

        return Overview(
            counts=self.store.counts(),
            decisions=counts.decision_counts(self.store),
            arrivals=counts.arrivals(self.store),
            curve=tuple(self.language.curve()),
            language={"ready": self.language.ready, "version": self.language.version},
            search=self.search.check(),
            feed=self.feeds.check(),
            health=tuple(examine(self)),
            disk_bytes=sum(map(_size, self.settings.home.rglob("*"))),
            version=package.__version__,
        )
