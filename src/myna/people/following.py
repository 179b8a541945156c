"""Keeping the activity up with the log: what is new, what is deleted, what may no longer be used."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import xxhash

from myna.gate import MYNA, Reader, is_own
from myna.network import ActionKind, Consent, EdgeKind, Post, Progress, Purpose, Visibility, quiet
from myna.people import snapshot
from myna.people.activity import Activity, Event
from myna.people.columns import Array
from myna.people.space import Embed
from myna.people.topics import NONE, Topics, discover

_EVENT = {
    ActionKind.SEEN: Event.SEEN,
    ActionKind.LIKE: Event.LIKE,
    ActionKind.UNLIKE: Event.UNLIKE,
    ActionKind.CLICK: Event.CLICK,
    ActionKind.DWELL: Event.DWELL,
    ActionKind.SHOW_LESS: Event.SHOW_LESS,
    ActionKind.REPORT: Event.REPORT,
}
_EDGE = {EdgeKind.FOLLOW: 0, EdgeKind.BLOCK: 1, EdgeKind.MUTE: 2}
_BATCH = 2_000
"""Facts taken in while the lock is held."""
_YIELD = 0.001
"""Seconds: a lock let go and taken again at once would go to nobody else."""
_SAMPLE = 12_000
"""Posts read to learn topics from."""
_FEWEST = 40
"""Posts with text below which there are no topics yet."""
_SAVE_AFTER = 5_000
"""Facts taken in since the last snapshot after which another is worth its time."""

_MOST_COUNTED = 2**31 - 1

Pending = list[tuple[int, int, int, int, float, int]]


class Following:
    """The activity of a network and its topics, derived from the log. Hold `lock` while reading them."""

    def __init__(self, directory: Path, reader: Reader, embed: Embed | None = None, version: str = "") -> None:
        self.directory = directory
        self.lock = threading.RLock()
        self._working = threading.Lock()
        self._reader = reader
        self._embed = embed
        self.embed_version = version if embed is not None else ""
        self.activity = Activity()
        self.topics: Topics = NONE
        self.cursors: dict[str, int] = {}
        self._unsaved = 0
        self._loaded = False

    def set_embed(self, embed: Embed | None, version: str) -> None:
        """Another language model. Takes part in vectors from the next rebuild on."""
        self._embed, self.embed_version = embed, version if embed is not None else ""

    # -- following -------------------------------------------------------------------------------------------------

    def follow(self, progress: Progress = quiet) -> int:
        """Takes in all that is new in the log; learns topics where there are none yet or posts have doubled since.

        Returns how many facts were new.
        """
        with self._working:
            self._load()
            new = self._catch_up(progress)
            said = int(np.count_nonzero(self.activity.posts["length"]))
            if said >= max(_FEWEST, 2 * self.topics.posts):
                self._learn(None)
            if self._unsaved >= _SAVE_AFTER:
                self._save()
            return new

    def follow_quickly(self) -> None:
        """What must hold for the very next request: edges, actions, deletions, consents. Posts are left to `follow`.

        Waits for nothing but the first loading: while another thread takes in a great deal, what it has is what holds.
        """
        if not self._loaded:
            self.follow()
            return
        if self._working.acquire(timeout=0.05):
            try:
                self._catch_up(quiet, posts=False)
            finally:
                self._working.release()

    def rebuild(self, progress: Progress = quiet) -> None:
        """Derives everything anew from the log, the topics with the language model's embeddings where there are any."""
        with self._working:
            self._loaded = True
            self.topics = snapshot.load_topics(self.directory) if not len(self.topics) else self.topics
            self._begin_again()
            self._catch_up(progress)
            if np.count_nonzero(self.activity.posts["length"]) >= _FEWEST:
                self._learn(self._embed, progress)
            self._save()

    def _begin_again(self) -> None:
        fresh = Activity()
        with self.lock:
            self.activity, self.cursors = fresh, {"consents": self._reader.last_seq()["consents"]}

    def _load(self) -> None:
        if self._loaded:
            return
        self.topics = snapshot.load_topics(self.directory)
        if self.topics.space.version and self.topics.space.version != self.embed_version:
            # Vectors of another model cannot be compared with new ones; words alone can, until the next rebuild.
            self.topics = snapshot.without_model(self.topics)
        loaded = snapshot.load(self.directory, self.topics)
        if loaded is None:
            self._begin_again()
        else:
            with self.lock:
                self.activity, self.cursors = loaded
        self._loaded = True

    def _save(self) -> None:
        with self.lock:
            snapshot.save(self.directory, self.activity, self.cursors, self.topics)
        self._unsaved = 0

    def _catch_up(self, progress: Progress, posts: bool = True) -> int:
        total = sum(self._reader.last_seq().values()) if progress is not quiet else 0
        new = 0
        pending: Pending = []
        takes: list[Callable[[], int]] = [self._people, self._edges, lambda: self._actions(pending)]
        if posts:
            takes.insert(1, lambda: self._posts(pending))
        with ExitStack() as held:
            with self.lock:
                new += self._consents(posts)
                if not self.cursors.get("posts"):
                    # From nothing: readers wait, rather than take a part of the network for all of it.
                    held.enter_context(self.lock)
            for take in takes:
                while count := take():
                    new += count
                    progress(min(new, total), total)
                    # Much may be new: whoever waits for the lock has it in between.
                    time.sleep(_YIELD)
            pending.sort(key=lambda event: event[3])
            for start in range(0, len(pending), _BATCH):
                with self.lock:
                    self.activity.record_many(pending[start : start + _BATCH])
                time.sleep(_YIELD)
            with self.lock:
                deleted = 0
                while count := self._deletions():
                    deleted += count
                self._unsaved += new + deleted
                if deleted and snapshot.exists(self.directory):
                    # The snapshot must not outlive what was deleted.
                    self._save()
        return new + deleted

    def _people(self) -> int:
        found = self._reader.people_after(self.cursors.get("people", 0), _BATCH)
        with self.lock:
            activity = self.activity
            for person in found:
                row = activity.person_row(person.id)
                activity.people["lang"][row] = activity.langs.add(person.lang)
                activity.people["bot"][row] = person.bot
                own = is_own(person.id)
                activity.people["followers"][row] = 0 if own else min(person.follower_count or 0, _MOST_COUNTED)
                self.cursors["people"] = person.seq
        return len(found)

    def _posts(self, pending: Pending) -> int:
        seq = self.cursors.get("posts", 0)
        found, last = self._reader.posts_after(MYNA, Purpose.READ, seq, _BATCH)
        scope = self._reader.scope(MYNA, Purpose.RECOMMEND)
        permitted = [post for post in found if scope.decide(post).allow]
        # The language model takes its time: not under the lock.
        vectors = self._vectors(permitted)
        with self.lock:
            self._take(found)
            self._derive(permitted, vectors, pending)
            self.cursors["posts"] = last
        return last - seq

    def _edges(self) -> int:
        found = self._reader.edges_after(self.cursors.get("edges", 0), _BATCH)
        with self.lock:
            activity = self.activity
            for edge in found:
                person, other = activity.person_row(edge.person_id), activity.person_row(edge.other_id)
                activity.relate(person, other, _EDGE[edge.kind], edge.at, edge.on)
                self.cursors["edges"] = edge.seq
        return len(found)

    def _actions(self, pending: Pending) -> int:
        found = self._reader.actions_after(self.cursors.get("actions", 0), _BATCH)
        with self.lock:
            person_row, post_row = self.activity.person_row, self.activity.post_row
            pending += [
                (person_row(a.person_id), post_row(a.post_id), int(_EVENT[a.kind]), a.at, a.value, -1) for a in found
            ]
            if found:
                self.cursors["actions"] = found[-1].seq
        return len(found)

    def _deletions(self) -> int:
        found = self._reader.deletions_after(self.cursors.get("deletions", 0))
        activity = self.activity
        for deletion in found:
            names = activity.post_ids if deletion.kind == "post" else activity.people_ids
            row = names.row(deletion.id)
            if row >= 0:
                (activity.erase_post if deletion.kind == "post" else activity.erase_person)(row)
            self.cursors["deletions"] = deletion.seq
        return len(found)

    def _consents(self, wholly: bool) -> bool:
        """Posts that consents given since have opened or closed to recommending.

        wholly: there is time to read all posts anew, as a word about a whole source needs. Until then the gate, which
        is asked about each post of each feed, refuses what must be refused.
        """
        found = self._reader.consents_after(self.cursors.get("consents", 0))
        if not found:
            return False
        told = [consent for consent in found if consent.purpose is Purpose.RECOMMEND]
        if any(consent.subject == "*" or consent.subject.endswith(":*") for consent in told):
            if wholly:
                self._begin_again()
            return wholly
        self.cursors["consents"] = found[-1].seq
        pending: Pending = []
        for consent in told:
            self._consent(consent, pending)
        self.activity.record_many(pending)
        return bool(told)

    def _consent(self, consent: Consent, pending: Pending) -> None:
        """Opens and closes the posts of one post's or one person's subject. Those not yet read are left to be read."""
        activity = self.activity
        found = list(self._reader.posts(MYNA, Purpose.RECOMMEND, [consent.subject]).values())
        if self._reader.people([consent.subject]):
            found += self._reader.posts_by(MYNA, Purpose.RECOMMEND, consent.subject, limit=1_000_000)
        author = activity.people_ids.row(consent.subject)
        rows = list(activity.posts_of(author)) if author >= 0 else []
        if (row := activity.post_ids.row(consent.subject)) >= 0:
            rows.append(row)
        activity.posts["alive"][rows] = False
        held = activity.posts["held"]
        rows_of = {post.id: activity.post_ids.row(post.id) for post in found}
        opened = [post for post in found if rows_of[post.id] >= 0 and held[rows_of[post.id]]]
        self._derive(opened, self._vectors(opened), pending)

    # -- taking posts in -------------------------------------------------------------------------------------------

    def _take(self, found: list[Post]) -> None:
        """Fills the rows of posts not yet held."""
        activity = self.activity
        columns = activity.posts
        new: list[tuple[int, Post]] = []
        for post in found:
            row = activity.post_row(post.id)
            if columns["held"][row]:
                continue
            activity.retimed(row)
            columns["held"][row] = True
            new.append((row, post))
        if not new:
            return
        rows = np.array([row for row, _ in new], np.int64)
        posts = [post for _, post in new]
        # Rows are made before columns are looked up: a new row may move them.
        authors = [activity.person_row(post.author_id) for post in posts]
        links = [[activity.post_row(id) for id in (post.reply_to, post.repost_of, post.quote_of)] for post in posts]
        columns["author"][rows] = authors
        columns["created"][rows] = [post.created_at for post in posts]
        columns["lang"][rows] = [activity.langs.add(post.lang) for post in posts]
        for place, name in enumerate(("reply", "repost", "quote")):
            columns[name][rows] = [link[place] for link in links]
        columns["direct"][rows] = [post.visibility is Visibility.DIRECT for post in posts]
        columns["followers_only"][rows] = [post.visibility is Visibility.FOLLOWERS for post in posts]
        columns["media"][rows] = [post.media for post in posts]
        columns["url"][rows] = [bool(post.urls) for post in posts]
        columns["length"][rows] = [len(post.text) for post in posts]
        # What a source counted elsewhere came with the post; what was counted here is in the actions.
        elsewhere = [(row, post) for row, post in new if not is_own(post.id)]
        for row, post in elsewhere:
            columns["source_likes"][row] = min(post.like_count, _MOST_COUNTED)
            columns["source_reposts"][row] = min(post.repost_count, _MOST_COUNTED)
            columns["source_replies"][row] = min(post.reply_count, _MOST_COUNTED)
        for row in rows.tolist():
            activity.placed(row)

    def _derive(self, permitted: list[Post], vectors: Array | None, pending: Pending) -> None:
        """Opens posts to recommending; the first time, places them among the topics and adds what writing them did.
        vectors: (permitted, WIDTH) float32, None where there are no topics yet."""
        activity = self.activity
        columns = activity.posts
        rows = [activity.post_row(post.id) for post in permitted]
        columns["alive"][rows] = True
        fresh = [place for place, row in enumerate(rows) if not columns["derived"][row]]
        new = [(rows[place], permitted[place]) for place in fresh]
        if not new:
            return
        places = np.array([row for row, _ in new], np.int64)
        columns["derived"][places] = True
        columns["print"][places] = [_print(post.text) for _, post in new]
        if vectors is not None:
            columns["vector"][places] = vectors[fresh]
            columns["topic"][places], columns["topic_weight"][places] = self.topics.of(vectors[fresh])
        for row, post in new:
            author, at = int(columns["author"][row]), post.created_at
            links = [(int(columns[n][row]), k) for n, k in (("reply", Event.REPLY), ("quote", Event.QUOTE))]
            if columns["repost"][row] >= 0:
                pending.append((author, int(columns["repost"][row]), int(Event.REPOST), at, 1.0, row))
                continue
            pending.append((author, row, int(Event.WROTE), at, 1.0, row))
            pending += [(author, other, int(kind), at, 1.0, row) for other, kind in links if other >= 0]

    def _model(self) -> Embed | None:
        """The language model's embeddings, where the topics in use were learnt with them."""
        return self._embed if self.topics.space.version and self.topics.space.version == self.embed_version else None

    def _vectors(self, posts: list[Post]) -> Array | None:
        """(posts, WIDTH) float32 in the space of the topics; None where there are none yet."""
        if not len(self.topics) or not posts:
            return None
        space = self.topics.space
        return space.vectors([post.text for post in posts], [post.lang for post in posts], self._model())

    # -- topics ----------------------------------------------------------------------------------------------------

    def _all_posts(self) -> Iterator[list[Post]]:
        seq = 0
        while True:
            found, last = self._reader.posts_after(MYNA, Purpose.RECOMMEND, seq, _BATCH)
            if last == seq:
                return
            seq = last
            yield [post for post in found if post.text]

    def _learn(self, embed: Embed | None, progress: Progress = quiet) -> None:
        """Learns the topics of the posts there are, and places every post among them."""
        rng = np.random.default_rng(7)
        sample: list[tuple[float, Post]] = []
        count = 0
        for batch in self._all_posts():
            count += len(batch)
            # What was written for some is not learnt from: its words would stand before everybody.
            public = [post for post in batch if post.visibility is Visibility.PUBLIC]
            sample += zip(rng.random(len(public)).tolist(), public, strict=True)
            if len(sample) > 4 * _SAMPLE:
                sample = sorted(sample, key=lambda pair: pair[0])[:_SAMPLE]
        sample = sorted(sample, key=lambda pair: pair[0])[:_SAMPLE]
        chosen = sorted((post for _, post in sample), key=lambda post: post.seq)
        version = self.embed_version if embed is not None else ""
        texts, langs = [post.text for post in chosen], [post.lang for post in chosen]
        topics = discover(texts, langs, [post.author_id for post in chosen], embed, version, self.topics, count)
        done = 0
        placed: list[tuple[list[str], Array]] = []
        for batch in self._all_posts():
            vectors = topics.space.vectors([p.text for p in batch], [p.lang for p in batch], embed)
            placed.append(([post.id for post in batch], vectors))
            done += len(batch)
            progress(done, count)
        with self.lock:
            columns = self.activity.posts
            columns["vector"][:] = 0
            columns["topic"][:] = -1
            columns["topic_weight"][:] = 0
            for ids, vectors in placed:
                rows = np.array([self.activity.post_ids.row(id) for id in ids], np.int64)
                # A post deleted, or not yet taken in, since it was read has no place.
                held = (rows >= 0) & columns["derived"][rows]
                columns["vector"][rows[held]] = vectors[held]
                columns["topic"][rows[held]], columns["topic_weight"][rows[held]] = topics.of(vectors[held])
            self.topics = topics
        snapshot.save_topics(self.directory, topics)
        self._unsaved = max(self._unsaved, _SAVE_AFTER)


def _print(text: str) -> int:
    """The same for the same text apart from case and spaces; 0 for one too short to be told a copy."""
    plain = " ".join(text.lower().split())
    return xxhash.xxh3_64_intdigest(plain.encode()) >> 1 if len(plain) >= 24 else 0
