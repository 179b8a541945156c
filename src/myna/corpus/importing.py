"""Documents from a folder of Parquet files, kept to what the gate admits now.

Only posts in this network's log are learned from, and the gate is asked about each of them anew: one that was deleted
or withdrawn since, or that the log never held, is left out, and its document is cut there in two. Who wrote a post, and
when, is taken from the log; the text and the language are taken from the file.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from myna.corpus.controls import controls_of
from myna.corpus.documents import languages_said, permitted
from myna.corpus.parquet import DOCUMENTS, about_shard, read_documents, shards
from myna.corpus.reactions import with_reactions
from myna.corpus.types import Document, Gathered, Joint, Passage
from myna.gate import MYNA, Reader
from myna.network import Post, Progress, Purpose, quiet

_TOGETHER = 10_000


def documents_of(reader: Reader, folder: Path, facts: dict[str, int], progress: Progress = quiet) -> Gathered:
    """The documents of a folder that `export_corpus` or `myna corpus make` wrote, as `gather` would give them.

    facts: the last post and action that count for reactions. Raises Problem, with file and row, for what is no such
    folder.
    """
    files = shards(folder, DOCUMENTS)
    # Every file tells of the whole folder.
    dropped: dict[str, int] = about_shard(files[0]).get("dropped", {})
    held, repeated = _each_once(read_documents(folder))
    if repeated:
        dropped["repeated in the files"] = repeated
    ids = sorted({passage.post_id for document in held for passage in document.passages})
    posts: dict[str, Post] = {}
    for start in range(0, len(ids), _TOGETHER):
        posts |= reader.posts(MYNA, Purpose.TRAIN, ids[start : start + _TOGETHER])
        progress(start, 2 * len(ids))
    # Reactions are of posts that need not be in the folder.
    among = (post for post in permitted(reader)[0] if post.seq <= facts["posts"])
    counted = with_reactions(reader, list(posts.values()), among, facts["actions"])
    posts = {post.id: post for post in counted}
    scope = reader.scope(MYNA, Purpose.TRAIN)
    admitted = Counter(scope.decide(post).reason for post in posts.values())
    if gone := len(ids) - len(posts):
        dropped["deleted, withdrawn or not in the log"] = gone
    documents = [part for document in held for part in _permitted(document, posts)]
    documents, registers = _controlled(documents, posts)
    languages = Counter(document.lang for document in documents)
    progress(1, 1)
    return Gathered(documents, dict(admitted), dropped, dict(languages), registers)


def _each_once(documents: Iterable[Document]) -> tuple[list[Document], int]:
    """The documents, each post learned in the first that teaches it and only read in others; and how many were so."""
    learned: set[str] = set()
    found, repeated = [], 0
    for document in documents:
        passages = []
        for passage in document.passages:
            again = not passage.context and passage.post_id in learned
            repeated += again
            passages.append(replace(passage, context=True) if again else passage)
            if not passage.context:
                learned.add(passage.post_id)
        found.append(replace(document, passages=tuple(passages)))
    return found, repeated


def _permitted(document: Document, posts: dict[str, Post]) -> Iterable[Document]:
    """What is left of a document, in the parts between posts that are not permitted; those that teach something."""
    part: list[Passage] = []
    for passage in (*document.passages, None):
        post = posts.get(passage.post_id) if passage else None
        if passage and post:
            joint = passage.joint if part else Joint.NONE
            part.append(replace(passage, author_id=post.author_id, at=post.created_at, joint=joint))
            continue
        if not all(passage.context for passage in part):
            last = posts[part[-1].post_id]
            whole = part[-1].post_id == document.passages[-1].post_id
            yield Document(tuple(part), last.created_at, document.lang if whole else last.lang)
        part = []


def _controlled(documents: list[Document], posts: dict[str, Post]) -> tuple[list[Document], tuple[float, ...]]:
    """The documents in the order of time, with their controls; and the quartiles of style."""
    told = {document.passages[-1].post_id: document.lang for document in documents}
    learned = {p.post_id: p.text for document in documents for p in document.passages if not p.context}
    ordered = sorted((posts[id] for id in learned), key=lambda post: (post.created_at, post.seq, post.id))
    texts = [learned[post.id] for post in ordered]
    spoken = languages_said(ordered, texts)
    spoken = [told.get(post.id) or found for post, found in zip(ordered, spoken, strict=True)]
    controls, registers = controls_of(ordered, texts, spoken)
    found = {post.id: names for post, names in zip(ordered, controls, strict=True)}
    said = {post.id: lang for post, lang in zip(ordered, spoken, strict=True)}
    lasts = [document.passages[-1].post_id for document in documents]
    documents = [
        replace(document, controls=found.get(last, ()), lang=document.lang or said.get(last, ""))
        for document, last in zip(documents, lasts, strict=True)
    ]
    return sorted(documents, key=lambda document: document.at), registers
