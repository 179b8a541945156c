"""From the network to a corpus, and a corpus kept to what is permitted now."""

from pathlib import Path

from myna.corpus.canaries import PLANTED, with_canaries
from myna.corpus.controls import vocabulary_of
from myna.corpus.documents import gather, permitted
from myna.corpus.importing import documents_of
from myna.corpus.open_tokenizer import AnyTokenizer
from myna.corpus.reactions import with_reactions
from myna.corpus.shards import Corpus, remove_other_corpora, write_corpus
from myna.corpus.tokenizer import train_tokenizer, vocabulary_size
from myna.corpus.types import Gathered
from myna.gate import MYNA, Reader
from myna.network import Problem, Progress, Purpose, part, quiet

_TEACHING_BYTES = 50_000_000
"""Of text, spread evenly over the corpus, from which the tokenizer is learned; more changes no merge that matters."""


def build_corpus(
    reader: Reader,
    parent: Path,
    progress: Progress = quiet,
    tokenizer: AnyTokenizer | None = None,
    folder: Path | None = None,
    facts: dict[str, int] | None = None,
) -> Corpus:
    """Builds the corpus of all posts that may be trained on, at `parent`/its hash, and removes those before it.

    tokenizer: of a model that is gone on from; without one, one is learned from these posts. folder: documents as
    Parquet (parquet.py) instead of all posts; the gate is asked about each of theirs. facts: the last of each
    table that counts for reactions, as `Reader.last_seq` gives them; the newest without it.
    Raises Problem where there is nothing to learn from.
    """
    progress(0, 100)
    deletions = reader.last_seq()["deletions"]
    facts = facts or reader.last_seq()
    if folder is None:
        gathered = _gathered(reader, facts["actions"], part(progress, 0, 80, 100))
    else:
        gathered = documents_of(reader, folder, facts, part(progress, 0, 80, 100))
        if not gathered.documents:
            raise Problem(
                f"There is nothing to train on: the gate admits none of the posts of {folder}. Their posts must be in "
                "this network's log and allowed for training."
            )
    gathered = with_canaries(gathered)
    said = [
        (passage.text, document.lang)
        for document in gathered.documents
        for passage in document.passages
        if not passage.context
    ]
    texts, languages = [text for text, _ in said], [lang for _, lang in said]
    if not texts:
        raise Problem(
            f"There is nothing to train on: of {sum(gathered.admitted.values())} permitted posts none has words of its "
            "own. Import posts with text."
        )
    if tokenizer is None:
        size = sum(len(text.encode()) for text in texts)
        every = max(size // _TEACHING_BYTES, 1)
        controls = vocabulary_of(document.controls for document in gathered.documents)
        words = vocabulary_size(size, gathered.languages)
        tokenizer = train_tokenizer(texts[::every], words, languages[::every], controls)
    progress(90, 100)
    corpus = write_corpus(gathered, tokenizer, parent, deletions)
    remove_other_corpora(parent, [corpus.description.hash])
    # What was deleted while the corpus was being written was not yet there to be dropped.
    keep_to_permitted(corpus, reader)
    progress(100, 100)
    return corpus


def _gathered(reader: Reader, actions: int, progress: Progress) -> Gathered:
    """The documents of all permitted posts."""
    posts, admitted = permitted(reader, part(progress, 0, 40, 100))
    if not posts:
        there = reader.last_seq()["posts"]
        raise Problem(
            "There is nothing to train on: the network has no posts yet. Import some with `myna import PATH`, or make "
            "a simulated network with `myna demo`."
            if not there
            else "There is nothing to train on: the gate admits none of the posts for training. Posts from elsewhere "
            "need their author's yes or the operator's: `myna import PATH --allow train`."
        )
    posts = with_reactions(reader, posts, posts, actions, part(progress, 40, 50, 100))
    return gather(posts, admitted, part(progress, 50, 100, 100))


def keep_to_permitted(corpus: Corpus, reader: Reader) -> int:
    """Overwrites posts that were deleted, or whose author or operator said no, since they were read."""
    held = corpus.posts["post_id"].unique().to_list()
    permitted_now: set[str] = set()
    for start in range(0, len(held), 10_000):
        permitted_now |= reader.posts(MYNA, Purpose.TRAIN, held[start : start + 10_000]).keys()
    return corpus.drop([id for id in held if id not in permitted_now and not id.startswith(PLANTED)])


def drop_from_all(parent: Path, ids: list[str]) -> int:
    """Overwrites the tokens of these posts or people in every corpus under `parent`."""
    return sum(Corpus(path.parent).drop(ids) for path in parent.glob("*/corpus.json") if _built(path.parent))


def _built(directory: Path) -> bool:
    return not directory.name.startswith("building-")
