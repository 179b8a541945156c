"""From permitted posts to documents: cleaned, each text once, threads from their root to each of their ends.

Every post is learned once an epoch. A reply stands after the post it answers, a quote after the post it quotes, and so
back to the root; a post that an earlier document has taught stands there as context and is only read.
"""

import gc
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from myna.corpus.cleaning import clean, has_words
from myna.corpus.controls import controls_of
from myna.corpus.duplicates import repeats
from myna.corpus.languages import languages_of
from myna.corpus.types import Document, Gathered, Joint, Passage
from myna.gate import MYNA, Reader
from myna.network import Post, Progress, Purpose, quiet

_THREAD = 8
_THREAD_CHARACTERS = 1000
"""Posts and characters of a document at most: what a small model's context holds."""
_CONTEXTS = 4
"""Documents that carry one post as context; a famous post would fill the corpus otherwise."""
_SPAMMING = 20
"""Posts from which on somebody whose posts are mostly repeats of their own is taken for a spammer."""
_REPEATED = 0.8
_ALONE = (-1, Joint.NONE)
_BESIDE_TAGS = re.compile(r"(?<![#\w|])\w")
"""A word that is neither a #tag nor a placeholder."""


def permitted(reader: Reader, progress: Progress = quiet) -> tuple[list[Post], dict[str, int]]:
    """All posts the gate lets Myna train on, and how many each of its rules admitted."""
    posts: list[Post] = []
    admitted: Counter[str] = Counter()
    last = reader.last_seq()["posts"]
    seq = 0
    while True:
        found, reached = reader.posts_after(MYNA, Purpose.TRAIN, seq)
        if reached == seq:
            return posts, dict(admitted)
        scope = reader.scope(MYNA, Purpose.TRAIN)
        admitted.update(scope.decide(post).reason for post in found)
        posts += found
        seq = reached
        progress(min(seq, last), last)


def gather(posts: Iterable[Post], admitted: dict[str, int] | None = None, progress: Progress = quiet) -> Gathered:
    """Documents in time order from posts in any order."""
    # A million small objects and no circle among them: the collector would look for one again and again, a quarter of
    # the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _gathered(posts, admitted or {}, progress)
    finally:
        if collecting:
            gc.enable()


def _gathered(posts: Iterable[Post], admitted: dict[str, int], progress: Progress) -> Gathered:
    dropped: Counter[str] = Counter()
    kept: list[Post] = []
    texts: list[str] = []
    ordered = sorted(posts, key=lambda post: (post.created_at, post.seq, post.id))
    for done, post in enumerate(ordered):
        if done % 2000 == 0:
            progress(done, len(ordered))
        text, reason = cleaned(post)
        if reason:
            dropped[reason] += 1
            continue
        kept.append(post)
        texts.append(text)
    exact, near = repeats(texts)
    spam = _spam(kept, exact | near) & ~(exact | near)
    dropped.update(
        {
            "exact duplicate": int(exact.sum()),
            "near-duplicate": int(near.sum()),
            "spam: by somebody who repeats": int(spam.sum()),
        }
    )
    singular = np.flatnonzero(~(exact | near | spam)).tolist()
    kept, texts = [kept[place] for place in singular], [texts[place] for place in singular]
    spoken = languages_said(kept, texts)
    controls, registers = controls_of(kept, texts, spoken)
    documents = joined(kept, texts, spoken, controls)
    languages = Counter(document.lang for document in documents)
    progress(len(ordered), len(ordered))
    return Gathered(documents, admitted, {reason: n for reason, n in dropped.items() if n}, dict(languages), registers)


def cleaned(post: Post) -> tuple[str, str]:
    """A post's cleaned text, and why it teaches nothing; that is empty where it does."""
    # Older archives spell a repost out; its text is the original author's, and is learned there if permitted.
    if post.repost_of and post.text.startswith("RT @"):
        return "", "repost without text of its own"
    text = clean(post.text)
    return text, _useless(post, text)


def _useless(post: Post, text: str) -> str:
    if not text:
        return "repost without text" if post.repost_of else "empty"
    if not has_words(text):
        return "nothing but mentions and links"
    return "spam: nothing but tags and links" if "#" in text and not _BESIDE_TAGS.search(text) else ""


def _spam(posts: Sequence[Post], repeated: np.ndarray) -> np.ndarray:
    """Posts, (posts,) bool, of people who hardly ever say anything new: what is left of them is more of the same."""
    said = Counter(post.author_id for post in posts)
    again = Counter(posts[place].author_id for place in np.flatnonzero(repeated).tolist())
    found = spammers(said, again)
    return np.array([post.author_id in found for post in posts], bool)


def spammers(said: Mapping[Any, int], again: Mapping[Any, int]) -> set[Any]:
    """Authors most of whose posts repeat. said: how many posts each wrote; again: how many of these are repeats."""
    return {who for who, times in again.items() if said[who] >= _SPAMMING and times >= _REPEATED * said[who]}


def languages_said(posts: Sequence[Post], texts: Sequence[str]) -> list[str]:
    """What the source said, else what the text looks like."""
    found = [post.lang for post in posts]
    unknown = [place for place, lang in enumerate(found) if not lang]
    for place, lang in zip(unknown, languages_of([texts[place] for place in unknown]), strict=True):
        found[place] = lang
    return found


def joined(
    posts: Sequence[Post], texts: Sequence[str], languages: Sequence[str], controls: Sequence[tuple[str, ...]]
) -> list[Document]:
    """The threads of these posts as documents. posts, texts, languages, controls: in the order of time."""
    places = {post.id: place for place, post in enumerate(posts)}
    before = [_before(post, place, places) for place, post in enumerate(posts)]
    answered = {at for at, _ in before}
    learned = bytearray(len(posts))
    contexts: Counter[int] = Counter()
    documents: list[Document] = []

    def add(last: int) -> None:
        passages: list[Passage] = []
        at, room = last, _THREAD_CHARACTERS
        while True:
            post, text = posts[at], texts[at]
            earlier, joint = before[at]
            known = learned[at] == 1
            contexts[at] += known
            learned[at] = 1
            room -= len(text)
            alone = (
                earlier < 0
                or len(passages) + 1 == _THREAD
                or len(texts[earlier]) > room
                or (learned[earlier] and contexts[earlier] == _CONTEXTS)
            )
            joint = Joint.NONE if alone else joint
            passages.append(Passage(post.id, post.author_id, text, known, joint, post.created_at))
            if alone:
                break
            at = earlier
        passages.reverse()
        documents.append(Document(tuple(passages), posts[last].created_at, languages[last], controls[last]))

    # From each end of a thread back to its root, then from what that left out: of a post with many answers, most.
    for last, post in enumerate(posts):
        if before[last][0] < 0 and last not in answered:
            passages = (Passage(post.id, post.author_id, texts[last], at=post.created_at),)
            documents.append(Document(passages, post.created_at, languages[last], controls[last]))
            learned[last] = 1
        elif last not in answered:
            add(last)
    for last in range(len(posts) - 1, -1, -1):
        if not learned[last]:
            add(last)
    return sorted(documents, key=lambda document: document.at)


def _before(post: Post, place: int, places: dict[str, int]) -> tuple[int, Joint]:
    """Which post stands before this one, and why; -1 for none. Only an earlier one, so that no thread is a circle."""
    if not post.reply_to and not post.quote_of:
        return _ALONE
    for id, joint in ((post.reply_to, Joint.REPLY), (post.quote_of, Joint.QUOTE)):
        found = places.get(id, place) if id else place
        if found < place:
            return found, joint
    return _ALONE
