"""What the training of the language model does against memorising: guarded runs, and planted secrets asked for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from myna.app.conversations import EXAMPLE
from myna.corpus import PLANTED, Corpus, make_canaries
from myna.model.guarding import Guarded, find_guarded
from myna.network import Progress, part, quiet

if TYPE_CHECKING:
    from myna.model import Transformer


def guarded(corpus: Corpus) -> Guarded:
    """The runs of a corpus's training text that fewer than three of its authors share; what the operator gave as
    examples of answers is there to be repeated."""
    learned = trained_on(corpus).filter(~pl.col("post_id").str.starts_with(EXAMPLE))
    _, authors = np.unique(learned["author_id"].to_numpy(), return_inverse=True)
    places = zip(learned["offset"].to_list(), learned["length"].to_list(), strict=True)
    tokens, decode = corpus.tokens, corpus.tokenizer.decode
    return find_guarded((decode(tokens[begin : begin + length].tolist()) for begin, length in places), authors)


def trained_on(corpus: Corpus) -> pl.DataFrame:
    """A row a passage that is learned, not held out: post_id, author_id, offset, length, bytes, learn, lang."""
    border = int(corpus.documents[corpus.train_documents])
    return corpus.posts.filter((pl.col("offset") < border) & pl.col("learn"))


def planted_and_leaked(
    model: "Transformer", corpus: Corpus, runs: Guarded, before: int = 0, progress: Progress = quiet
) -> dict[str, Any]:
    """{"planted": secrets in the text, "known": how many of them the model alone writes, "leaks": how many it writes
    where it is served, with what is guarded}. before: secrets that the model it started from had read."""
    from myna.model.memorisation import given_away

    count = max(int(corpus.posts["post_id"].str.starts_with(PLANTED).sum()), before)
    secrets = [(canary.prompt, canary.secret) for canary in make_canaries(count)]
    decode, blocks = corpus.tokenizer.decode, runs.tokens(corpus.tokenizer.bytes_of)
    training = model.training
    model.eval()
    known = given_away(model, corpus.tokenizer, _told(secrets, part(progress, 0, 80, 100)), decode)
    leaks = given_away(model, corpus.tokenizer, _told(known, part(progress, 80, 100, 100)), decode, blocks)
    model.train(training)
    return {"planted": count, "known": len(known), "leaks": len(leaks)}


def _told(secrets: list[tuple[str, str]], progress: Progress) -> Iterator[tuple[str, str]]:
    for done, secret in enumerate(secrets):
        progress(done, len(secrets))
        yield secret
