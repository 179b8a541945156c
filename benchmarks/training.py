"""Language model: how fast it trains and writes, how well it predicts, how well posts are found by their vectors.

Peers in the same run: transformers' Qwen3 and Llama of the same size on the same batches (speed), general compressors
that have seen the same training text (prediction), TF-IDF over words (vectors). Speeds are per second of CPU time on
one thread, which a busy machine disturbs less; ours and the peers' steps alternate.

--data takes a folder with the `posts.parquet` of the documented layout; without it MYNA_DATA's congress_tweets_2016,
else a simulated network.
"""

import bz2
import json
import lzma
import os
import statistics
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from result import Row
from scipy.sparse import csr_matrix

from myna.corpus import Corpus, Tokenizer, clean, gather, train_tokenizer, vocabulary_size, write_corpus
from myna.model import Embedder, Transformer, fit_embedder, new_model, sample, save_model, shape_of
from myna.network import WORLD, Post
from myna.training import IGNORED, Family, Plan, Size, Trainer, faster_precision, make_plan

_FAMILY = Family(shape_of, new_model)
_SIZE = Size(128, 4, 128)
_BATCH = 16


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """Yields rows as they are measured."""
    torch.set_num_threads(1)
    posts = _posts(data, 12_000 if quick else 60_000)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        gathered = gather(posts)
        texts = [p.text for d in gathered.documents for p in d.passages if not p.context]
        tokenizer = train_tokenizer(texts, vocabulary_size(sum(len(text.encode()) for text in texts)))
        corpus = write_corpus(gathered, tokenizer, Path(folder))
        seconds = time.process_time() - began
        yield Row("corpus: cleaned, deduplicated, tokenised", "posts/CPU-s", len(posts) / seconds)
        plan = _plan(corpus)
        yield from _speed(plan, corpus)
        trainer, spent = _train(plan, corpus, 15 if quick else 300)
        bits = trainer.bits_per_byte()
        tokens = trainer.plan.tokens
        what = f"held-out text after {spent:.0f} CPU-s ({tokens / 1e6:.2f}M tokens)"
        peers = _compressors(corpus)
        yield Row(what, "bits/byte", bits or float("nan"), peers, more_is_better=False)
        model = trainer.model
        assert isinstance(model, Transformer)
        yield _writing(model, corpus, Path(folder))
        yield from _embedding(model, corpus)


def _posts(data: Path | None, most: int) -> list[Post]:
    if data is None and os.environ.get("MYNA_DATA"):
        data = Path(os.environ["MYNA_DATA"]) / "congress_tweets_2016"
    if data is None or not data.exists():
        from myna.world import generate

        facts = (fact for batch in generate(max(most // 40, 2), most).batches() for fact in batch)
        return [fact for fact in facts if isinstance(fact, Post)]
    frame = pl.read_parquet(data / "posts.parquet" if data.is_dir() else data)
    times = frame["created_at"]
    if times.dtype == pl.Datetime:
        frame = frame.with_columns(times.dt.timestamp("ms").alias("created_at"))
    columns = ("post_id", "author_id", "created_at", "text", "lang", "reply_to_post", "repost_of")
    present = [name for name in columns if name in frame.columns]
    posts = []
    for row in frame.select(present).sort("created_at").tail(most).iter_rows(named=True):
        named = {name: f"{WORLD}:{row[name]}" for name in ("reply_to_post", "repost_of") if row.get(name)}
        posts.append(
            Post(
                f"{WORLD}:{row['post_id']}",
                f"{WORLD}:{row.get('author_id', '')}",
                int(row["created_at"] or 0),
                row["text"] or "",
                row.get("lang") or "",
                named.get("reply_to_post", ""),
                named.get("repost_of", ""),
            )
        )
    return posts


def _plan(corpus: Corpus) -> Plan:
    precision = faster_precision("cpu")
    return make_plan(_SIZE, _FAMILY, corpus.vocabulary, 1 << 40, _BATCH, 1.0, 1.0, 1.0, precision)


def _speed(plan: Plan, corpus: Corpus, rounds: int = 5) -> Iterator[Row]:
    trainer = Trainer(plan, _FAMILY, corpus)
    steps: dict[str, Callable[[], object]] = {"ours": trainer.advance, **_peers(plan, corpus)}
    timings: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            began = time.process_time()
            step()
            if turn:
                timings[name].append(time.process_time() - began)
    window = plan.batch * plan.context
    rates = {name: window / statistics.median(found) for name, found in timings.items()}
    ours = rates.pop("ours")
    what = f"training, {plan.parameters / 1e6:.2f}M parameters, {window} tokens a step, {plan.precision}"
    yield Row(what, "tokens/CPU-s", ours, rates)
    yield Row("the same", "GFLOP/CPU-s", ours * plan.flops_per_token / 1e9)


def _peers(plan: Plan, corpus: Corpus) -> dict[str, Callable[[], object]]:
    """A training step of transformers' models on the same windows: sdpa attention, fused AdamW, autocast as ours."""
    try:
        from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM
    except ImportError:
        return {}
    shape = shape_of(plan.width, plan.layers, plan.vocabulary, plan.context)
    described = shape.to_hugging_face(corpus.end, corpus.pad)
    kept = {name: value for name, value in described.items() if name not in ("architectures", "model_type")}
    order = Trainer(plan, _FAMILY, corpus).order

    def stepping(model: torch.nn.Module) -> Callable[[], object]:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
        place = [0]

        def step() -> None:
            ids, targets, _ = order.batch(place[0], plan.batch)
            place[0] += 1
            narrow = plan.precision == "bfloat16"
            with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
                logits = model(torch.from_numpy(ids)).logits
            loss = torch.nn.functional.cross_entropy(
                logits.float().flatten(0, 1), torch.from_numpy(targets).flatten(), ignore_index=IGNORED
            )
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        return step

    models = {
        "transformers Qwen3": Qwen3ForCausalLM(Qwen3Config(**kept)),
        "transformers Llama": LlamaForCausalLM(LlamaConfig(**kept)),
    }
    return {name: stepping(model.train()) for name, model in models.items()}


def _train(plan: Plan, corpus: Corpus, seconds: float) -> tuple[Trainer, float]:
    trainer = Trainer(plan, _FAMILY, corpus)
    trainer.advance()
    began = time.process_time()
    for _ in range(3):
        trainer.advance()
    step = (time.process_time() - began) / 3
    most = 12 * corpus.description.train_tokens // (plan.batch * plan.context)
    steps = max(min(int(seconds / step), most), 20)
    plan = replace(plan, steps=steps, warmup=min(20, steps // 10), cooldown=steps * 2 // 3)
    began = time.process_time()
    trainer = Trainer(plan, _FAMILY, corpus)
    while trainer.step < steps:
        trainer.advance()
    return trainer, time.process_time() - began


def _compressors(corpus: Corpus) -> dict[str, float]:
    """Bits a byte of the held-out text, each having read the training text first; placeholders stand as one byte."""
    border = corpus.train_documents
    train, test = (
        "\n".join(_plain(text) for _, text, _ in corpus.said(first, last)).encode()
        for first, last in ((0, border), (border, corpus.description.documents))
    )
    ways: dict[str, Callable[[bytes], bytes]] = {
        "zlib-9": lambda content: zlib.compress(content, 9),
        "bz2-9": lambda content: bz2.compress(content, 9),
        "xz-9e": lambda content: lzma.compress(content, preset=9 | lzma.PRESET_EXTREME),
    }
    try:
        import pyppmd  # type: ignore[import-not-found]

        ways["PPMd7 order 8"] = lambda content: bytes(pyppmd.Ppmd7Encoder(8, 256 << 20).encode(content))
    except ImportError:
        pass
    return {name: 8 * (len(way(train + test)) - len(way(train))) / len(test) for name, way in ways.items()}


def _plain(text: str) -> str:
    return text.replace("<|user|>", "\x01").replace("<|url|>", "\x02")


def _writing(model: Transformer, corpus: Corpus, folder: Path, tokens: int = 100) -> Row:
    model.eval()
    prompt = corpus.tokens[: min(16, len(corpus.tokens))].tolist()
    began = time.process_time()
    written = len(list(sample(model, prompt, len(corpus.tokenizer), (), tokens, seed=0)))
    ours = written / (time.process_time() - began)
    peers = {}
    try:
        from transformers import AutoModelForCausalLM

        save_model(model, folder, corpus.end, corpus.pad)
        peer = AutoModelForCausalLM.from_pretrained(folder).eval()
        began = time.process_time()
        ids = torch.tensor([prompt])
        out = peer.generate(ids, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=True, pad_token_id=corpus.pad)
        peers["transformers generate"] = (out.shape[1] - len(prompt)) / (time.process_time() - began)
    except ImportError:
        pass
    return Row("writing, one text at a time", "tokens/CPU-s", ours, peers)


def _embedding(model: Transformer, corpus: Corpus) -> Iterator[Row]:
    border, all = corpus.train_documents, corpus.description.documents
    tokenizer: Tokenizer = corpus.tokenizer
    began = time.process_time()
    embedder, quality = fit_embedder(model, tokenizer, clean, corpus.said(0, border), corpus.said(border, all))
    yield Row("embedding: fitted in", "CPU-s", time.process_time() - began, more_is_better=False)
    texts = [text for _, text, _ in corpus.said(0, border)][:10_000]
    began = time.process_time()
    embedder(texts)
    yield Row("embedding: speed", "posts/CPU-s", len(texts) / (time.process_time() - began), asked=1000)
    pairs = _pairs(corpus)
    if pairs:
        ours = _reciprocal_rank(*(_ours(embedder, [pair[side] for pair in pairs]) for side in (0, 1)))
        weights = _rarity(texts)
        peer = _reciprocal_rank(*(_tf_idf([pair[side] for pair in pairs], weights) for side in (0, 1)))
        what = f"second half of a held-out post found by its first, or a post by its reply, among {len(pairs)}"
        start = {"before contrast": quality["start"]} if "start" in quality else {}
        yield Row(what, "mean reciprocal rank", ours, {"TF-IDF": peer, **start})


def _pairs(corpus: Corpus, most: int = 1000) -> list[tuple[str, str]]:
    pairs, before = [], (-1, "")
    for _, text, document in corpus.said(corpus.train_documents, corpus.description.documents):
        words = text.split(" ")
        if len(words) >= 6:
            pairs.append((" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])))
        if document == before[0]:
            pairs.append((text, before[1]))
        before = (document, text)
    return pairs[:most]


def _ours(embedder: Embedder, texts: Sequence[str]) -> np.ndarray:
    return embedder(texts)


def _rarity(texts: Sequence[str]) -> dict[str, tuple[int, float]]:
    counts = Counter(word for text in texts for word in set(text.lower().split()))
    return {word: (place, float(np.log(len(texts) / count))) for place, (word, count) in enumerate(counts.items())}


def _tf_idf(texts: Sequence[str], weights: dict[str, tuple[int, float]]) -> csr_matrix:
    cells = [
        (row, *weights[word], count)
        for row, text in enumerate(texts)
        for word, count in Counter(text.lower().split()).items()
        if word in weights
    ]
    rows, columns, rarity, counts = (np.array(part) for part in zip(*cells, strict=True))
    found = csr_matrix(((1 + np.log(counts)) * rarity, (rows, columns)), (len(texts), len(weights)))
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(1))).ravel()
    return csr_matrix(found.multiply(1 / np.maximum(lengths, 1e-12)[:, None]))


def _reciprocal_rank(left: np.ndarray | csr_matrix, right: np.ndarray | csr_matrix) -> float:
    scores = left @ right.T
    scores = scores if isinstance(scores, np.ndarray) else scores.toarray()
    # Ties are broken against whoever is asked.
    ranks = (scores >= np.diag(scores)[:, None]).sum(1)
    return float(np.mean(1 / ranks))


if __name__ == "__main__":
    for row in run(None, True):
        print(json.dumps({"what": row.what, "unit": row.unit, "ours": row.ours, "peers": row.peers}))
