"""How well the language model in use predicts later posts: by language, author and month, beside its peers.

Measured are bits per byte of the corpus's held-out documents, each read from its own start. Bytes are those of the
cleaned text in UTF-8 without placeholders; bits are of all its tokens, placeholders and the end included. Peers have
read the same training text: general compressors, PPMd, an n-gram model over the same tokens, and the version before.
"""

import lzma
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from myna.app.language import Language
from myna.app.memorisation import trained_on
from myna.corpus import PLANTED, AnyTokenizer, Corpus, load_tokenizer
from myna.gate import MYNA, Reader
from myna.model import Shape
from myna.network import Problem, Progress, Purpose, quiet

_MOST = 2000
"""The newest held-out documents that are measured."""
_AUTHORS = 20
_SAMPLES = 5
_SAMPLED = 100
"""Texts written to see how many repeat a training post."""
_ROWS, _VOCABULARY = 32, 16_384
"""Documents at once, of a model with at most so many tokens."""
_WINDOW_LOG = 27


@dataclass(frozen=True, slots=True)
class Later:
    """A held-out document: passages as (text, whether it is to be predicted), bytes of those, and whose it is."""

    passages: tuple[tuple[str, bool], ...]
    bytes: int
    author: str
    lang: str
    post_id: str


def evaluate(language: Language, reader: Reader, home: Path, progress: Progress = quiet) -> dict[str, Any]:
    """Everything there is to say of the version in use, as JSON keeps it. Raises Problem where there is no version, or
    its corpus is gone."""
    about = language.about()
    if not about:
        raise Problem("There is no language model yet. Train one with `myna train`.", 503)
    directory = home / "corpus" / about["corpus"]["hash"]
    if not (directory / "corpus.json").exists():
        raise Problem(f"The text that {about['version']} was trained on is gone; train again to measure it.", 404)
    corpus = Corpus(directory)
    context = Shape.from_hugging_face(language.folder(about["version"]) / "config.json").context
    documents = list(later_documents(corpus, context + 1))[-_MOST:]
    if not documents:
        raise Problem("The corpus holds no later posts to measure on.", 404)
    bits = _bits(language.folder(about["version"]), documents, lambda done: progress(done, 2 * len(documents)))
    peers = _peers(corpus, documents)
    before = [name for name in language.versions() if name < about["version"]]
    if before:
        earlier = _bits(language.folder(before[-1]), documents, quiet_count)
        peers[f"version {before[-1]}"] = _per_byte(earlier, documents)
    progress(2 * len(documents) - 1, 2 * len(documents))
    return {
        "version": about["version"],
        "documents": len(documents),
        "bytes": sum(document.bytes for document in documents),
        "bits_per_byte": _per_byte(bits, documents),
        "peers": peers,
        **_parts(corpus, reader, documents, bits),
        "samples": ["".join(language.generate("", 60, seed=seed)) for seed in range(_SAMPLES)],
        "memorisation": {
            **{name: about[name] for name in ("planted", "known", "leaks") if name in about},
            "repeating": _repeating(language, corpus),
            "sampled": _SAMPLED,
        },
    }


def later_documents(corpus: Corpus, most: int = 1 << 60) -> Iterator[Later]:
    """The held-out documents, without those deleted. most: tokens of each that are read; what is cut there is not to
    be predicted, and a document of which nothing is left to predict is none."""
    border, all = corpus.train_documents, corpus.description.documents
    begin = int(corpus.documents[border])
    rows = {
        (row["post_id"], int(np.searchsorted(corpus.documents, row["offset"], side="right")) - 1): row
        for row in corpus.posts.filter(corpus.posts["offset"] >= begin).iter_rows(named=True)
    }
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for id, text, document in corpus.said(border, all):
        found[document].append((id, text))
    for document, said in found.items():
        held = [rows[id, document] for id, _ in said]
        last = held[-1]
        end = int(corpus.documents[document]) + most
        wanted = [bool(row["learn"]) and row["offset"] + row["length"] <= end for row in held]
        passages = tuple((text, learn) for (_, text), learn in zip(said, wanted, strict=True))
        size = sum(row["bytes"] for row, learn in zip(held, wanted, strict=True) if learn)
        if size:
            yield Later(passages, size, last["author_id"], last["lang"], last["post_id"])


def ngram_bits_per_byte(corpus: Corpus, order: int = 5) -> float:
    """Of the held-out text, by an interpolated Kneser-Ney model over the same tokens, fitted to the training text."""
    from myna.model.ngram import NGram

    border = int(corpus.documents[corpus.train_documents])
    # Without controls, which the later text has none of.
    known = np.asarray(corpus.tokens[:border])
    known = known[~np.isin(known, list(corpus.tokenizer.controls.values()))]
    model = NGram(known, corpus.end, corpus.vocabulary, order)
    tokens = np.asarray(corpus.tokens[border:])
    learned = np.append((corpus.learn[border:] == 1) & (tokens != corpus.pad), True)
    learned[0] = False
    return float(model.bits(tokens)[learned].sum()) / sum(document.bytes for document in later_documents(corpus))


def ppmd_bits_per_byte(corpus: Corpus, order: int = 8) -> float:
    """Of the held-out text, by PPMd7 (7-Zip's PPMd var. H) that has read the training text. Raises Problem without
    the package pyppmd."""
    try:
        import pyppmd
    except ImportError as error:
        raise Problem("PPMd needs the package pyppmd: pip install pyppmd.") from error
    documents = list(later_documents(corpus))
    return _beyond(lambda text: bytes(pyppmd.Ppmd7Encoder(order, 1 << 28).encode(text)), corpus, documents)


def _peers(corpus: Corpus, documents: list[Later]) -> dict[str, float]:
    """Bits per byte of the same documents by each peer that is installed."""
    xz = lzma.PRESET_EXTREME | 9
    found = {"xz -9e": _beyond(lambda text: lzma.compress(text, preset=xz), corpus, documents)}
    try:
        import zstandard

        best = zstandard.ZstdCompressionParameters.from_level(19, window_log=_WINDOW_LOG, enable_ldm=True)
        found["zstd -19"] = _beyond(zstandard.ZstdCompressor(compression_params=best).compress, corpus, documents)
    except ImportError:
        pass
    with suppress(Problem):
        found["PPMd order 8"] = ppmd_bits_per_byte(corpus)
    found["Kneser-Ney order 5"] = ngram_bits_per_byte(corpus)
    return {name: round(bits, 4) for name, bits in found.items()}


def _beyond(compress: Callable[[bytes], bytes], corpus: Corpus, documents: list[Later]) -> float:
    """Bits a byte that the documents cost after the training text; a placeholder is one byte there."""
    known = "\n".join(_plain(text) for _, text, _ in corpus.said(0, corpus.train_documents)).encode()
    later = "\n".join(_plain(text) for each in documents for text, learn in each.passages if learn).encode()
    more = len(compress(known + b"\n" + later)) - len(compress(known))
    return 8 * more / sum(document.bytes for document in documents)


def _plain(text: str) -> str:
    for place, name in enumerate(("<|user|>", "<|url|>", "<|email|>", "<|phone|>"), 1):
        text = text.replace(name, chr(place))
    return text


def quiet_count(done: int) -> None:
    """Progress that nobody watches."""


def _bits(directory: Path, documents: list[Later], progress: Callable[[int], None]) -> np.ndarray:
    """(documents,) bits of what is to be predicted of each, by the version in this folder."""
    import torch

    from myna.model import load_model
    from myna.training import pick_device

    device = pick_device()
    model, tokenizer = load_model(directory, device), load_tokenizer(directory)
    found = np.zeros(len(documents))
    encoded = [_encoded(document, tokenizer) for document in documents]
    by_length = sorted(range(len(documents)), key=lambda place: len(encoded[place][0]))
    # Chances of every token at every place are held at once: fewer rows of the wide vocabulary of an open model.
    rows_each = max(min(_ROWS, _ROWS * _VOCABULARY // model.shape.vocabulary), 1)
    for begin in range(0, len(documents), rows_each):
        chosen = by_length[begin : begin + rows_each]
        longest = min(max(len(encoded[place][0]) for place in chosen), model.shape.context + 1)
        ids = np.full((len(chosen), longest), tokenizer.pad)
        learn = np.zeros((len(chosen), longest), bool)
        for row, place in enumerate(chosen):
            tokens, wanted = encoded[place]
            ids[row, : len(tokens)], learn[row, : len(tokens)] = tokens[:longest], wanted[:longest]
        with torch.inference_mode():
            rows = torch.from_numpy(ids).to(device)
            logs = model(rows[:, :-1]).float().log_softmax(-1).gather(-1, rows[:, 1:, None])[..., 0]
        found[chosen] = -(logs.cpu().numpy() * learn[:, 1:]).sum(1) / math.log(2)
        progress(begin + len(chosen))
    return found


def _encoded(document: Later, tokenizer: AnyTokenizer) -> tuple[list[int], list[bool]]:
    ids, learn = [tokenizer.end], [False]
    for place, (text, wanted) in enumerate(document.passages):
        if place:
            ids.append(tokenizer.reply)
            learn.append(False)
        words = tokenizer.encode(text)
        ids += words
        learn += [wanted] * len(words)
    return [*ids, tokenizer.end], [*learn, True]


def _parts(corpus: Corpus, reader: Reader, documents: list[Later], bits: np.ndarray) -> dict[str, Any]:
    """Bits per byte by language, author, month, and by whether the author's posts were trained on."""
    posts = reader.posts(MYNA, Purpose.TRAIN, [document.post_id for document in documents])
    known = {author for author in trained_on(corpus)["author_id"].unique() if not author.startswith(PLANTED)}
    names: dict[str, Callable[[Later], str]] = {
        "languages": lambda document: document.lang or "?",
        "authors": lambda document: document.author,
        "months": lambda document: _month(posts[document.post_id].created_at) if document.post_id in posts else "?",
        "seen": lambda document: "authors trained on" if document.author in known else "authors never seen",
    }
    found: dict[str, Any] = {}
    for name, of in names.items():
        groups: dict[str, list[int]] = defaultdict(list)
        for place, document in enumerate(documents):
            groups[of(document)].append(place)
        sizes = {key: sum(documents[place].bytes for place in places) for key, places in groups.items()}
        order = sorted(groups) if name == "months" else sorted(groups, key=sizes.__getitem__, reverse=True)
        found[name] = [
            {"name": key, "bytes": sizes[key], "bits_per_byte": round(float(bits[groups[key]].sum()) / sizes[key], 4)}
            for key in order[: _AUTHORS if name == "authors" else None]
        ]
    return found


def _month(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m")


def _per_byte(bits: np.ndarray, documents: list[Later]) -> float:
    return round(float(bits.sum()) / sum(document.bytes for document in documents), 4)


def _repeating(language: Language, corpus: Corpus) -> float:
    """The share of written posts that share 12 tokens or 50 characters in a row with a training post."""
    from myna.model.memorisation import Known

    learned = trained_on(corpus)
    texts = (text for _, text, _ in corpus.said(0, corpus.train_documents))
    known = Known(corpus.tokens, learned["offset"].to_numpy(), learned["length"].to_numpy(), texts)
    written = ["".join(language.generate("", 48, seed=1000 + n)) for n in range(_SAMPLED)]
    return float(np.mean([known.repeats(corpus.tokenizer.encode(text), text) for text in written]))
