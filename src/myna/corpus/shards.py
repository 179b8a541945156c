"""The corpus as the trainer reads it: one row of tokens on disk, mapped into memory, and where each post lies in it.

    tokens.bin     (tokens,) uint16, or uint32 for vocabularies beyond 65,536; documents in time order
    learn.bin      (tokens,) uint8: 1 where the token is to be predicted, 0 where it is context
    documents.npy  (documents,) int64: where each document begins
    posts.parquet  a row a passage: post_id, author_id, offset, length, bytes (placeholders not counted), learn,
                   placeholders (how many of its tokens are), lang
    tokenizer.json (of an open model: and open_tokenizer.json), corpus.json

A deleted post is overwritten in place: the mapping is shared, so a training run under way reads PAD from then on.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from myna.corpus.cleaning import measured
from myna.corpus.open_tokenizer import AnyTokenizer, load_tokenizer
from myna.corpus.types import Description, Document, Gathered, Joint
from myna.network import Problem, Progress, quiet

_HELD_OUT = 0.03
"""Share of the newest documents kept out of training; at most _HELD_OUT_MOST, whose tokens measure well enough."""
_HELD_OUT_MOST = 20_000
_ENOUGH_BYTES = 10_000


class Corpus:
    """A built corpus, opened."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        path = directory / "corpus.json"
        try:
            self.description = Description(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise Problem(
                f"The corpus at {directory} cannot be read ({error}). Remove that folder; `myna train` builds it again."
            ) from error
        kind = np.uint16 if self.description.vocabulary <= 2**16 else np.uint32
        self.tokens: np.ndarray = np.memmap(directory / "tokens.bin", kind, "r")
        self.learn: np.ndarray = np.memmap(directory / "learn.bin", np.uint8, "r")
        self.documents: np.ndarray = np.load(directory / "documents.npy")
        """(documents + 1,) int64: where each begins; the last is where all end."""

    @cached_property
    def tokenizer(self) -> AnyTokenizer:
        """The tokenizer its tokens are of."""
        return load_tokenizer(self.directory)

    @property
    def end(self) -> int:
        """The id every document begins with."""
        return self.tokenizer.end

    @property
    def pad(self) -> int:
        """The id that deleted posts' tokens become."""
        return self.tokenizer.pad

    @property
    def vocabulary(self) -> int:
        """How many ids there are."""
        return self.description.vocabulary

    @property
    def train_documents(self) -> int:
        """How many of the oldest documents are for training; the newer are held out."""
        return self.description.train_documents

    @property
    def passages(self) -> np.ndarray:
        """(passages, 4) int64: offset, tokens, bytes of text, and whether it is learned there."""
        return self.posts.select("offset", "length", "bytes", pl.col("learn").cast(pl.Int64)).to_numpy()

    def said(self, first: int, last: int) -> Iterator[tuple[str, str, int]]:
        """The posts of documents first to last (excluded), without those deleted: id, cleaned text, document."""
        begin, end = int(self.documents[first]), int(self.documents[last])
        posts = self.posts.filter((pl.col("offset") >= begin) & (pl.col("offset") < end))
        documents = np.searchsorted(self.documents, posts["offset"].to_numpy(), side="right") - 1
        places = posts.select("post_id", "offset", "length").iter_rows()
        for (id, offset, length), document in zip(places, documents.tolist(), strict=True):
            ids = self.tokens[offset : offset + length].tolist()
            if ids and ids[0] != self.pad:
                yield id, self.tokenizer.decode(ids), document

    @property
    def posts(self) -> pl.DataFrame:
        """A row a passage: post_id, author_id, offset, length, bytes, learn, placeholders, lang."""
        return pl.read_parquet(self.directory / "posts.parquet")

    def drop(self, ids: Iterable[str]) -> int:
        """Overwrites the tokens of these posts, and of all posts of these people; returns how many passages went."""
        wanted = list(ids)
        if not wanted:
            return 0
        found = (
            pl.scan_parquet(self.directory / "posts.parquet")
            .filter(pl.col("post_id").is_in(wanted) | pl.col("author_id").is_in(wanted))
            .select("offset", "length")
            .collect()
        )
        if found.height:
            tokens = np.memmap(self.directory / "tokens.bin", self.tokens.dtype, "r+")
            for offset, length in found.iter_rows():
                tokens[offset : offset + length] = self.tokenizer.pad
                self._drop_controls(tokens, offset, offset + length)
            tokens.flush()
        return found.height

    def _drop_controls(self, tokens: np.ndarray, begin: int, end: int) -> None:
        """Overwrites what tells of the passage at begin to end where it is its document's last."""
        document = int(np.searchsorted(self.documents, begin, side="right")) - 1
        if end != self.documents[document + 1]:
            return
        controls = frozenset(self.tokenizer.controls.values())
        at = int(self.documents[document]) + 1
        while at < begin and int(tokens[at]) in controls:
            tokens[at] = self.tokenizer.pad
            at += 1


def write_corpus(
    gathered: Gathered, tokenizer: AnyTokenizer, parent: Path, deletions: int = 0, progress: Progress = quiet
) -> Corpus:
    """Encodes the documents and puts the corpus at `parent`/its hash, whole or not at all."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob("building-*"):
        shutil.rmtree(left)
    directory = parent / f"building-{os.getpid()}"
    directory.mkdir()
    kind = np.uint16 if len(tokenizer) <= 2**16 else np.uint32
    starts: list[int] = [0]
    rows: list[tuple[Any, ...]] = []
    digest = hashlib.sha256()
    train = _train_documents(len(gathered.documents))
    with (directory / "tokens.bin").open("wb") as token_file, (directory / "learn.bin").open("wb") as learn_file:
        for done, document in enumerate(gathered.documents):
            if done % 2000 == 0:
                progress(done, len(gathered.documents))
            # Held out are documents without controls: what they tell of a text must not flatter the measure.
            ids, learn, places = _encode(document if done < train else replace(document, controls=()), tokenizer)
            rows += [(post, who, starts[-1] + at, *rest, document.lang) for post, who, at, *rest in places]
            data = np.asarray(ids, kind).tobytes()
            digest.update(data)
            token_file.write(data)
            learn_file.write(bytes(learn))
            starts.append(starts[-1] + len(ids))
    np.save(directory / "documents.npy", np.asarray(starts, np.int64))
    names = ["post_id", "author_id", "offset", "length", "bytes", "learn", "placeholders", "lang"]
    kinds: Any = [pl.String, pl.String, pl.Int64, pl.Int64, pl.Int64, pl.Boolean, pl.Int64, pl.String]
    posts = pl.DataFrame(rows, dict(zip(names, kinds, strict=True)), orient="row")
    posts.write_parquet(directory / "posts.parquet")
    tokenizer.save(directory)
    digest.update((directory / "tokenizer.json").read_bytes())
    digest.update((directory / "posts.parquet").read_bytes())
    held = posts.filter((pl.col("offset") >= starts[train]) & pl.col("learn"))
    description = Description(
        hash=digest.hexdigest()[:16],
        documents=len(gathered.documents),
        tokens=starts[-1],
        train_documents=train,
        train_tokens=starts[train],
        text_bytes=int(posts.filter("learn")["bytes"].sum()),
        held_out_bytes=int(held["bytes"].sum()),
        vocabulary=len(tokenizer),
        admitted=gathered.admitted,
        dropped=gathered.dropped,
        languages=gathered.languages,
        deletions=deletions,
        bytes_per_token=_bytes_per_token(posts),
        registers=list(gathered.registers),
    )
    (directory / "corpus.json").write_text(json.dumps(description.to_dict(), indent=1), encoding="utf-8")
    final = parent / description.hash
    persist(directory)
    if final.exists():
        shutil.rmtree(final)
    directory.replace(final)
    return Corpus(final)


def _train_documents(documents: int) -> int:
    """How many of the oldest documents are trained on; all but the newest few, which must leave something."""
    held_out = min(max(round(documents * _HELD_OUT), 1), _HELD_OUT_MOST)
    return max(documents - held_out, 1)


def _bytes_per_token(posts: pl.DataFrame) -> dict[str, float]:
    """How many bytes of text a token stands for, by language, the most written first."""
    sums = (
        posts.filter("learn")
        .group_by("lang")
        .agg(pl.col("bytes").sum(), (pl.col("length") - pl.col("placeholders")).sum().alias("tokens"))
        .filter((pl.col("bytes") >= _ENOUGH_BYTES) & (pl.col("tokens") > 0))
        .sort("bytes", "lang", descending=[True, False])
    )
    return {lang: round(size / tokens, 3) for lang, size, tokens in sums.iter_rows()}


def _encode(
    document: Document, tokenizer: AnyTokenizer
) -> tuple[list[int], list[int], list[tuple[str, str, int, int, int, bool, int]]]:
    """Ids, whether each is learned, and the passages' (post, author, offset in the document, tokens, bytes, learned,
    placeholders).

    The END it begins with is learned as the end of whatever document comes before: where to stop is part of writing.
    """
    # A tokenizer of before has none, and of a language that few write there is none.
    controls = [tokenizer.controls[name] for name in document.controls if name in tokenizer.controls]
    ids, learn = [tokenizer.end, *controls], [1, *(0 for _ in controls)]
    places = []
    for place, passage in enumerate(document.passages):
        if place:
            ids.append(tokenizer.quote if passage.joint is Joint.QUOTE else tokenizer.reply)
            learn.append(0)
        words = tokenizer.encode(passage.text)
        size, placeholders = measured(passage.text)
        learned = not passage.context
        places.append((passage.post_id, passage.author_id, len(ids), len(words), size, learned, placeholders))
        ids += words
        learn += [int(learned)] * len(words)
    return ids, learn, places


def persist(directory: Path) -> None:
    """Makes a folder and its files durable."""
    for path in (*directory.iterdir(), directory):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_other_corpora(parent: Path, kept: Sequence[str]) -> None:
    """Removes every corpus but those named: people's words lie in no more places than are needed."""
    for path in parent.iterdir():
        if path.is_dir() and path.name not in kept:
            shutil.rmtree(path)
