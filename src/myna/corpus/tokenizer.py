"""Byte-level BPE of the network's own language: rustbpe trains it, tiktoken encodes, `tokenizer.json` keeps it.

Words are learned first, then phrases (phrases.py); a token may therefore reach across spaces, to the end of its line.

The file is the Hugging Face format, so that transformers, vLLM and llama.cpp's converter read the same tokens. The
first 256 ids are the bytes, then the merges in the order learned, then the special tokens. (Sennrich et al. 2016,
arXiv 1508.07909; the byte alphabet is that of GPT-2.)
"""

import bisect
import codecs
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import rustbpe
import tiktoken

from myna.corpus.cleaning import EMAIL, PHONE, URL, USER
from myna.corpus.controls import is_control
from myna.corpus.phrases import LINES, with_phrases
from myna.network import Problem

END, PAD, REPLY, QUOTE = "<|endoftext|>", "<|pad|>", "<|reply|>", "<|quote|>"
SPECIAL = (END, PAD, REPLY, USER, URL, EMAIL, PHONE)
"""What every tokenizer has, in this order. END stands before every document and after the last; PAD is what a deleted
post's tokens become; REPLY stands between a post and what answers it, QUOTE before what quotes it."""

_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{M}\p{N}]?[\p{L}\p{M}]+|\p{N}{1,2}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
"""Where merges within words may not reach across. Marks stay with their letters: Thai, Hindi and decomposed Vietnamese
need them."""
_WITHIN_WORDS = 0.6
"""Share of the tokens that are learned within words before phrases are."""
_PHRASE_BYTES = 8_000_000
"""Of text, spread evenly, from which phrases are learned."""
_EVENING, _MOST_REPEATS = 0.2, 16
"""A text is read the more often the rarer its language: as this power of how much more the most written one has."""


class Tokenizer:
    """Text to ids and back. ranks: bytes of each ordinary token, by id.

    controls: ids of the control tokens (controls.py), of which older tokenizers have none; never: ids that no text has.
    """

    def __init__(self, ranks: Sequence[bytes], special: Sequence[str] = SPECIAL, pattern: str = LINES) -> None:
        self.ranks = tuple(ranks)
        self.pattern = pattern
        self.special = {name: len(ranks) + place for place, name in enumerate(special)}
        self._encoding = tiktoken.Encoding(
            "myna",
            pat_str=pattern,
            mergeable_ranks={token: rank for rank, token in enumerate(ranks)},
            special_tokens=self.special,
        )
        self.end, self.pad, self.reply = (self.special[name] for name in (END, PAD, REPLY))
        self.quote = self.special.get(QUOTE, self.reply)
        self.controls = {name: id for name, id in self.special.items() if is_control(name)}
        self.never = (self.pad, *self.controls.values())

    def __len__(self) -> int:
        return len(self.ranks) + len(self.special)

    def encode(self, cleaned: str) -> list[int]:
        """Ids of a cleaned text; its placeholders become their special tokens."""
        if "<|" in cleaned:
            return self._encoding.encode(cleaned, allowed_special="all", disallowed_special=())
        return self._encoding.encode_ordinary(cleaned)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these ids; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(map(self.bytes_of, ids)).decode(errors="replace")

    def bytes_of(self, id: int) -> bytes:
        """The bytes of one token; those of a special token are its name."""
        return self.ranks[id] if id < len(self.ranks) else self._special_names[id].encode()

    @cached_property
    def _special_names(self) -> dict[int, str]:
        return {id: name for name, id in self.special.items()}

    def streaming(self) -> "Streaming":
        """Decodes token by token without ever cutting a character in two."""
        return Streaming(self)

    def save(self, directory: Path) -> None:
        """Writes `tokenizer.json` and `tokenizer_config.json` as Hugging Face reads them."""
        letters = byte_letters()
        vocabulary = {_spell(token, letters): id for id, token in enumerate(self.ranks)}
        added = [
            {
                "id": id,
                "content": name,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for name, id in self.special.items()
        ]
        split = {"type": "Split", "pattern": {"Regex": self.pattern}, "behavior": "Isolated", "invert": False}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        document: dict[str, Any] = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
            "post_processor": None,
            "decoder": level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                # A piece that is a token is taken whole, as tiktoken does.
                "ignore_merges": True,
                "vocab": vocabulary,
                "merges": [[_spell(a, letters), _spell(b, letters)] for a, b in _merges(self.ranks)],
            },
        }
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": END,
            "eos_token": END,
            "pad_token": PAD,
            "additional_special_tokens": [name for name in self.special if name not in (END, PAD)],
            "clean_up_tokenization_spaces": False,
            "add_bos_token": False,
        }
        (directory / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        (directory / "tokenizer_config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "Tokenizer":
        """Reads what `save` wrote. Raises Problem for a tokenizer of another kind."""
        path = directory / "tokenizer.json"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            bytes_by_letter = {letter: byte for byte, letter in enumerate(byte_letters())}
            vocabulary = sorted(document["model"]["vocab"].items(), key=lambda item: item[1])
            ranks = [bytes(bytes_by_letter[letter] for letter in token) for token, _ in vocabulary]
            special = [token["content"] for token in sorted(document["added_tokens"], key=lambda token: token["id"])]
            pattern = document["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
        except FileNotFoundError as error:
            raise Problem(f"There is no tokenizer at {path}. Train one with `myna train`.", 404) from error
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise Problem(f"{path} is not a byte-level BPE tokenizer that Myna wrote. Train again.") from error
        missing = [name for name in SPECIAL if name not in special]
        if missing or [id for _, id in vocabulary] != list(range(len(ranks))):
            raise Problem(f"The tokenizer at {path} lacks what Myna needs ({', '.join(missing)}). Train again.")
        return cls(ranks, special, pattern)


class Spelt(Protocol):
    """Whatever knows its tokens' bytes."""

    def bytes_of(self, id: int) -> bytes:
        """The bytes of one token."""
        ...


class Streaming:
    """Holds back the bytes of a character until they are all there."""

    def __init__(self, tokenizer: Spelt) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, id: int) -> str:
        """The characters complete with this token; may be empty."""
        return self._decoder.decode(self._tokenizer.bytes_of(id))

    def finish(self) -> str:
        """What was held back: U+FFFD if a character was begun and not ended."""
        return self._decoder.decode(b"", final=True)


def vocabulary_size(text_bytes: int, languages: Mapping[str, int] | None = None) -> int:
    """How many tokens a corpus of this size can teach: each needs to be seen some hundreds of times. languages: how
    many documents each has; where many are spoken, each needs words of its own, and there are twice or four times as
    many tokens."""
    shares = np.asarray(list((languages or {}).values()), float)
    # As many languages of one size as are as hard to guess as these: 1 where nearly all speak the same.
    spoken = 1 / ((shares / shares.sum()) ** 2).sum() if shares.sum() else 1.0
    sizes = [1024, 2048, 4096, 8192, 16_384]
    place = bisect.bisect_right([300_000, 2_000_000, 20_000_000, 500_000_000], text_bytes)
    return sizes[min(place + (spoken >= 2) + (spoken >= 4), len(sizes) - 1)] if place else sizes[0]


def train_tokenizer(
    texts: Iterable[str], size: int, languages: Sequence[str] = (), controls: Sequence[str] = ()
) -> Tokenizer:
    """Learns at most `size` tokens, special ones included, from cleaned texts. languages: of each text; where given,
    rare ones are read more than once, so that their speakers' posts do not cost many times as many tokens. controls:
    the control tokens it is to have."""
    special = (*SPECIAL, QUOTE, *controls)
    placeholders = re.compile("|".join(map(re.escape, special)))
    # Placeholders are single tokens already: they lend no letters to merges, and none reaches across them.
    ordinary = [part for text in _evened(list(texts), languages) for part in placeholders.split(text) if part]
    every = max(sum(map(len, ordinary)) // _PHRASE_BYTES, 1)
    wanted = max(size - len(special), 257)
    within = max(round(wanted * _WITHIN_WORDS), 257)
    ranks = with_phrases(_words(ordinary, within), ordinary[::every], wanted)
    if len(ranks) < wanted:
        # Too few phrases are said often enough: what they leave is for words.
        ranks = with_phrases(_words(ordinary, wanted - (len(ranks) - within)), ordinary[::every], wanted)
    return Tokenizer(ranks, special)


def _words(texts: Sequence[str], size: int) -> list[bytes]:
    trainer = rustbpe.Tokenizer()
    trainer.train_from_iterator(iter(texts), vocab_size=size, pattern=_PATTERN)
    return [bytes(token) for token, _ in sorted(trainer.get_mergeable_ranks(), key=lambda item: item[1])]


def _evened(texts: Sequence[str], languages: Sequence[str]) -> Iterable[str]:
    """Texts, those of rare languages repeated."""
    sizes: Counter[str] = Counter()
    for text, language in zip(texts, languages, strict=False):
        sizes[language] += len(text)
    most = max(sizes.values(), default=0)
    repeats = {name: min(round((most / max(size, 1)) ** _EVENING), _MOST_REPEATS) for name, size in sizes.items()}
    for place, text in enumerate(texts):
        for _ in range(repeats[languages[place]] if place < len(languages) else 1):
            yield text


def _merges(ranks: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Every pair whose join is a token, in the order of the joins: what tiktoken does with ranks, spelt as merges."""
    known = set(ranks)
    merges = []
    for token in ranks[256:]:
        cuts = ((token[:at], token[at:]) for at in range(len(token) - 1, 0, -1))
        merges += [(a, b) for a, b in cuts if a in known and b in known]
    return merges


def byte_letters() -> list[str]:
    """A printable character for every byte: itself where printable in Latin-1, else from U+0100 on (GPT-2)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def _spell(token: bytes, letters: Sequence[str]) -> str:
    return "".join(letters[byte] for byte in token)
