"""The network's training text as Parquet files, of what the gate admits now."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from myna.corpus.documents import cleaned, gather, languages_said, permitted
from myna.corpus.parquet import DOCUMENTS, POSTS, folder_hash, write_documents, write_posts
from myna.gate import MYNA, Reader
from myna.network import Post, Problem, Progress, Purpose, part, quiet


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. rows: documents or posts; dropped: posts left out, by reason; hash: of the files."""

    rows: int
    files: int
    hash: str
    dropped: dict[str, int] = field(default_factory=dict)


def export_corpus(
    reader: Reader, directory: Path, posts: bool = False, shared: bool = False, progress: Progress = quiet
) -> Exported:
    """Writes what the gate admits for training into a new or empty folder, whole or not at all.

    posts: a row a post, read and written bit by bit, instead of a row a document, for which all posts are held in
    memory as in training. shared: only what may be exported too, for files that go to others. Raises Problem where
    the folder holds something, or where there is nothing to write.
    """
    directory = directory.resolve()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Problem(f"{directory} is there already. Name an empty or a new folder.", 409)
    fresh = directory.with_name(f".{directory.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        rows, files, dropped = _write(reader, fresh, posts, shared, progress)
        fresh.replace(directory)
    finally:
        # Stopped on the way, no one's words are left lying about.
        shutil.rmtree(fresh, ignore_errors=True)
    progress(1, 1)
    return Exported(rows, files, folder_hash(directory, POSTS if posts else DOCUMENTS), dropped)


def _write(
    reader: Reader, directory: Path, posts: bool, shared: bool, progress: Progress
) -> tuple[int, int, dict[str, int]]:
    """Rows, files, and posts left out by reason."""
    about = {"facts": reader.last_seq(), "shared": shared}
    dropped: Counter[str] = Counter()
    if posts:
        files = write_posts(_posts(reader, shared, dropped, progress), directory, about)
        rows = dropped.pop("", 0)
    else:
        read, admitted = permitted(reader, part(progress, 0, 40, 100))
        if shared:
            read = _shared(reader, read, dropped)
        gathered = gather(read, admitted, part(progress, 40, 90, 100))
        dropped.update(gathered.dropped)
        rows = len(gathered.documents)
        files = write_documents(gathered.documents, directory, about | {"dropped": gathered.dropped})
    if not rows:
        raise Problem("There is nothing to write: the gate admits no post with words of its own.")
    return rows, files, dict(dropped)


def _posts(reader: Reader, shared: bool, dropped: Counter[str], progress: Progress) -> Iterator[Post]:
    """Permitted posts with cleaned texts and their languages; counts them in `dropped`, under "" those that stay."""
    seq, last = 0, reader.last_seq()["posts"]
    while True:
        read, reached = reader.posts_after(MYNA, Purpose.TRAIN, seq)
        if reached == seq:
            return
        kept: list[Post] = []
        for post in _shared(reader, read, dropped) if shared else read:
            text, reason = cleaned(post)
            dropped[reason] += 1
            if not reason:
                kept.append(replace(post, text=text))
        languages = languages_said(kept, [post.text for post in kept])
        yield from (replace(post, lang=lang) for post, lang in zip(kept, languages, strict=True))
        seq = reached
        progress(min(seq, last), last)


def _shared(reader: Reader, posts: list[Post], dropped: Counter[str]) -> list[Post]:
    """Those that may also be exported; the others are counted."""
    allowed = reader.posts(MYNA, Purpose.EXPORT, [post.id for post in posts])
    if len(allowed) < len(posts):
        dropped["may not be exported"] += len(posts) - len(allowed)
    return [post for post in posts if post.id in allowed]
