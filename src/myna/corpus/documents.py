"""From permitted posts to documents: cleaned, each text once, replies after what they answer.

Every post is learned once an epoch. A reply's document begins with the post it answers; where that one has been
learned already, in its own document or before an earlier reply, it stands there as context and is only read.
"""

from collections import Counter
from collections.abc import Iterable

from myna.corpus.cleaning import clean, has_words
from myna.corpus.duplicates import repeats
from myna.corpus.languages import language_of
from myna.corpus.types import Document, Gathered, Passage
from myna.gate import MYNA, Reader
from myna.network import Post, Progress, Purpose, quiet

_CONTEXTS = 4
"""Replies to one post that carry it as context; a famous post would fill the corpus otherwise."""


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
    dropped: Counter[str] = Counter()
    kept: list[Post] = []
    texts: list[str] = []
    ordered = sorted(posts, key=lambda post: (post.created_at, post.seq, post.id))
    for done, post in enumerate(ordered):
        if done % 2000 == 0:
            progress(done, len(ordered))
        if not post.text.strip():
            dropped["repost without text" if post.repost_of else "empty"] += 1
            continue
        if post.repost_of and post.text.startswith("RT @"):
            # Older archives spell a repost out; its text is the original author's, and is learned there if permitted.
            dropped["repost without text of its own"] += 1
            continue
        text = clean(post.text)
        if not has_words(text):
            dropped["nothing but mentions and links"] += 1
            continue
        kept.append(post)
        texts.append(text)
    exact, near = repeats(texts)
    dropped.update({"exact duplicate": int(exact.sum()), "near-duplicate": int(near.sum())})
    singular = [(post, text) for post, text, twin in zip(kept, texts, exact | near, strict=True) if not twin]
    documents = _documents(singular)
    languages = Counter(document.lang for document in documents)
    progress(len(ordered), len(ordered))
    return Gathered(documents, admitted or {}, {reason: n for reason, n in dropped.items() if n}, dict(languages))


def _documents(posts: list[tuple[Post, str]]) -> list[Document]:
    texts = {post.id: (post, text) for post, text in posts}
    answered = {post.reply_to for post, _ in posts if post.reply_to in texts}
    learned: set[str] = set()
    contexts: Counter[str] = Counter()
    documents = []
    for post, text in posts:
        passages: tuple[Passage, ...]
        parent = texts.get(post.reply_to) if post.reply_to != post.id else None
        if parent is not None and contexts[post.reply_to] < _CONTEXTS:
            contexts[post.reply_to] += 1
            before, words = parent
            passages = (
                Passage(before.id, before.author_id, words, context=before.id in learned),
                Passage(post.id, post.author_id, text, context=post.id in learned),
            )
            learned.update((before.id, post.id))
        elif post.id in answered and parent is None:
            continue  # stands before its first reply
        else:
            passages = (Passage(post.id, post.author_id, text),)
            learned.add(post.id)
        documents.append(Document(passages, post.created_at, post.lang or language_of(text)))
    documents += [
        # A post whose replies all went elsewhere (a circle of replies, or replies before it in time) still counts.
        Document((Passage(post.id, post.author_id, text),), post.created_at, post.lang or language_of(text))
        for post, text in posts
        if post.id not in learned
    ]
    return sorted(documents, key=lambda document: document.at)
