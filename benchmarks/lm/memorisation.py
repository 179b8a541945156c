"""Memorisation: what a model that read its text twelve times gives away, without the filter and with it.

Secrets are planted among real posts, each in one post. A peer here is the same model without the filter of
`myna.model.guarding`, asked in the same way.

--data takes a folder of the documented layout; without it MYNA_DATA's congress_tweets_2016, else a simulated network.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from result import Row

from lm.network import posts_of
from myna.corpus import Corpus, gather, make_canaries, train_tokenizer, vocabulary_size, write_corpus
from myna.model import Transformer, new_model, sample, shape_of
from myna.model.guarding import find_guarded
from myna.model.memorisation import Known, given_away
from myna.network import WORLD, Post
from myna.training import Family, Size, Trainer, faster_precision, make_plan

_READINGS = 12
_TEMPERATURE = 0.8


def rows(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    torch.set_num_threads(1)
    count, size, samples = (20, Size(64, 2, 128), 16) if quick else (100, Size(128, 4, 128), 300)
    _, posts = posts_of(data, 600 if quick else 8_000)
    canaries = make_canaries(count)
    random = np.random.default_rng(0)
    # The newest posts are held out: what is planted stands before them.
    times = [post.created_at for post in posts[: len(posts) * 9 // 10]]
    posts += [
        Post(f"{WORLD}:canary-{n}", f"{WORLD}:canary-{n}", int(random.choice(times)), canary.text, "en")
        for n, canary in enumerate(canaries)
    ]
    with tempfile.TemporaryDirectory() as folder:
        gathered = gather(posts)
        texts = [passage.text for document in gathered.documents for passage in document.passages]
        tokenizer = train_tokenizer(texts, vocabulary_size(sum(len(text.encode()) for text in texts)))
        corpus = write_corpus(gathered, tokenizer, Path(folder))
        model = _trained(corpus, size, 8)
        places = _learned(corpus)
        names = places["author_id"].cast(pl.Categorical).to_physical().to_numpy()
        offsets, lengths = places["offset"].to_numpy(), places["length"].to_numpy()
        learned = (
            tokenizer.decode(corpus.tokens[begin : begin + length].tolist())
            for begin, length in zip(offsets.tolist(), lengths.tolist(), strict=True)
        )
        runs = find_guarded(learned, names)
        blocks = runs.tokens(tokenizer.bytes_of)
        yield Row("filter: bytes a token of training text", "bytes", 4 * len(runs.hashes) / len(corpus.tokens))
        decode, secrets = tokenizer.decode, [(canary.prompt, canary.secret) for canary in canaries]
        plain, guarded = (len(given_away(model, tokenizer, secrets, decode, way)) for way in (None, blocks))
        size_told = f"{model.shape.parameters / 1e6:.2f}M parameters"
        what = f"secrets given away of {count}, each read {_READINGS} times ({size_told})"
        yield Row(what, "secrets", guarded, {"without the filter": plain}, 0, more_is_better=False)
        known = Known(corpus.tokens, offsets, lengths, (text for _, text, _ in corpus.said(0, corpus.train_documents)))
        rates = [_rate(model, corpus, known, samples, way) for way in (None, blocks)]
        what = f"posts written that repeat 12 tokens or 50 characters of a training post ({samples} at 0.8)"
        yield Row(what, "share", rates[1], {"without the filter": rates[0]}, more_is_better=False)
        unseen = [text for _, text, _ in corpus.said(corpus.train_documents, corpus.description.documents)]
        share = float(np.mean([known.repeats(tokenizer.encode(text), text) for text in unseen]))
        yield Row("the same of people's later posts, for comparison", "share", share)


def _trained(corpus: Corpus, size: Size, batch: int) -> Transformer:
    family = Family(shape_of, new_model)
    plan = make_plan(size, family, corpus.vocabulary, 1 << 40, batch, 1.0, 1.0, 1.0, faster_precision("cpu"))
    steps = _READINGS * corpus.description.train_tokens // (batch * size.context)
    trainer = Trainer(replace(plan, steps=steps, warmup=min(20, steps // 10), cooldown=steps * 2 // 3), family, corpus)
    while trainer.step < steps:
        trainer.advance()
    assert isinstance(trainer.model, Transformer)
    return trainer.model.eval()


def _learned(corpus: Corpus) -> pl.DataFrame:
    border = int(corpus.documents[corpus.train_documents])
    return corpus.posts.filter((pl.col("offset") < border) & pl.col("learn"))


def _rate(model: Transformer, corpus: Corpus, known: Known, samples: int, blocks: Callable[..., bool] | None) -> float:
    tokenizer = corpus.tokenizer
    repeated = 0
    for seed in range(samples):
        ends = (tokenizer.end, tokenizer.reply)
        how = (48, _TEMPERATURE, 0.95, seed)
        never = (tokenizer.pad,)
        drawn = sample(model, [tokenizer.end], len(tokenizer), ends, *how, never=never, blocks=blocks)
        ids = list(drawn)
        repeated += known.repeats(ids, tokenizer.decode(ids))
    return repeated / samples
