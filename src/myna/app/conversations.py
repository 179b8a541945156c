"""What a model learns to answer from: reply threads the gate admits, and the operator's own examples.

    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}       a line each

A conversation is a document whose turns are posts that answer each other; only the answers are learned, the rest is
read.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from myna.gate import MYNA, Reader
from myna.network import Post, Problem, Progress, Purpose, quiet

if TYPE_CHECKING:
    from myna.corpus import AnyTokenizer, Corpus, Document

_TURNS = 5
"""Posts of a thread before the answer, at most, counted from the answer."""
EXAMPLE = "example:"
_ROLES = ("system", "user", "assistant")


def build_conversations(
    reader: Reader, parent: Path, tokenizer: "AnyTokenizer", examples: Path | None, progress: Progress = quiet
) -> "Corpus":
    """The corpus of conversations, in a given model's tokens, at `parent`/its hash.

    Raises Problem where there is nobody to learn answering from, or for examples that cannot be read.
    """
    from myna.corpus import Gathered, permitted, write_corpus

    deletions = reader.last_seq()["deletions"]
    posts, admitted = permitted(reader, progress)
    # Examples are the oldest, so that what is held out to measure on are the network's newest answers.
    documents = [*(read_examples(examples) if examples is not None else ()), *threads(posts)]
    if not documents:
        raise Problem(
            "There is nothing to learn answering from: no permitted post answers another. Give conversations of your "
            "own with --examples FILE."
        )
    corpus = write_corpus(Gathered(documents, admitted), tokenizer, parent, deletions)
    keep_conversations_to_permitted(corpus, reader)
    return corpus


def threads(posts: Iterable[Post]) -> "list[Document]":
    """A document for each post that answers another one of these: the thread up to it, of which only it is learned."""
    from myna.corpus import Document, Passage, clean, has_words, kept, lang_token

    words = {post.id: (post, text) for post in posts if has_words(text := clean(post.text))}
    documents = []
    for post, text in words.values():
        before: list[Passage] = []
        seen = {post.id}
        above = post.reply_to
        while above in words and above not in seen and len(before) < _TURNS:
            seen.add(above)
            parent, said = words[above]
            before.insert(0, Passage(parent.id, parent.author_id, said, context=True))
            above = parent.reply_to
        if before:
            passages = (*before, Passage(post.id, post.author_id, text))
            controls = kept(post.id, (lang_token(post.lang),))
            documents.append(Document(passages, post.created_at, post.lang, controls))
    return sorted(documents, key=lambda document: document.at)


def read_examples(path: Path) -> "list[Document]":
    """The operator's conversations. Raises Problem, with the line, for one that is not of the form."""
    from myna.corpus import Document, Passage, clean

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"The examples {path} cannot be read: {error}.") from error
    documents = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        turns = _turns(line, f"{path}, line {number}")
        passages = tuple(
            Passage(f"{EXAMPLE}{number}.{place}", "", clean(content), context=role != "assistant")
            for place, (role, content) in enumerate(turns)
        )
        documents.append(Document(passages, 0))
    return documents


def _turns(line: str, where: str) -> list[tuple[str, str]]:
    try:
        turns = [(str(turn["role"]), str(turn["content"])) for turn in json.loads(line)["messages"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(
            f'{where}: not of the form {{"messages": [{{"role": ..., "content": ...}}, ...]}} ({error!r}).'
        ) from error
    if any(role not in _ROLES for role, _ in turns):
        raise Problem(f"{where}: a role is one of {', '.join(_ROLES)}.")
    if not any(role == "assistant" and content.strip() for role, content in turns):
        raise Problem(f"{where}: there is no answer of an assistant to learn.")
    return turns


def keep_conversations_to_permitted(corpus: "Corpus", reader: Reader) -> int:
    """Overwrites posts that were deleted or withdrawn since they were read; the operator's examples stay."""
    held = [id for id in corpus.posts["post_id"].unique().to_list() if not id.startswith(EXAMPLE)]
    permitted_now: set[str] = set()
    for start in range(0, len(held), 10_000):
        permitted_now |= reader.posts(MYNA, Purpose.TRAIN, held[start : start + 10_000]).keys()
    return corpus.drop([id for id in held if id not in permitted_now])
