"""The tokenizer of an open model that somebody else trained: any byte-level BPE `tokenizer.json`, through `tokenizers`.

Their tokens keep their ids. What Myna needs and they lack (the joints between posts, the placeholders for names, links,
addresses and numbers) is added after them: the embedding of most open models has spare rows there, and where it has
too few the model's table is made longer (myna.model.opening).

Their special tokens are never made from text: somebody may write `<s>` in a post.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myna.corpus.cleaning import EMAIL, PHONE, URL, USER
from myna.corpus.tokenizer import END, PAD, QUOTE, REPLY, Streaming, Tokenizer, byte_letters
from myna.network import Problem

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Theirs

FILE = "open_tokenizer.json"
"""Beside a tokenizer.json of this kind, in what Myna writes: which of its tokens stand for what."""
_CONTROLS, _PLACEHOLDERS = (REPLY, QUOTE), (USER, URL, EMAIL, PHONE)


class OpenTokenizer:
    """Text to ids and back, in another model's tokens.

    end, pad: names of their tokens for it; new: names that were added; config: their tokenizer_config.json.
    """

    def __init__(self, theirs: "Theirs", end: str, pad: str, new: Sequence[str], config: dict[str, Any]) -> None:
        self._theirs, self._config = theirs, config
        self._theirs.encode_special_tokens = True
        self._about = {"end": end, "pad": pad, "new": list(new)}
        ids = theirs.get_vocab(with_added_tokens=True)
        self._size = max(ids.values()) + 1
        self.special = {name: ids[name] for name in (end, pad, *_CONTROLS, *_PLACEHOLDERS)}
        self.end, self.pad = ids[end], ids[pad]
        self.reply, self.quote = ids[REPLY], ids[QUOTE]
        self.controls: dict[str, int] = {}
        """None: what an open model knows of languages and styles it does not know by a token."""
        self.never: tuple[int, ...] = (self.pad,)

    def __len__(self) -> int:
        return self._size

    def encode(self, cleaned: str) -> list[int]:
        """Ids of a cleaned text; its placeholders become the tokens added for them."""
        ids: list[int] = self._theirs.encode(cleaned, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these ids; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(map(self.bytes_of, ids)).decode(errors="replace")

    def bytes_of(self, id: int) -> bytes:
        """The bytes of one token; those of an added token are its name, those of an id without one none."""
        return self._bytes[id]

    @property
    def added(self) -> dict[int, list[int]]:
        """By the id of each token that was added to theirs, the ids that spell its name."""
        names = {name: self.special[name] for name in self._about["new"]}
        return {id: self.encode(name.strip("<|>")) for name, id in names.items()}

    @cached_property
    def _bytes(self) -> list[bytes]:
        bytes_by_letter = {letter: byte for byte, letter in enumerate(byte_letters())}
        found = [b""] * self._size
        for token, id in self._theirs.get_vocab(with_added_tokens=False).items():
            found[id] = bytes(bytes_by_letter[letter] for letter in token)
        for id, added in self._theirs.get_added_tokens_decoder().items():
            found[id] = added.content.encode()
        return found

    def streaming(self) -> Streaming:
        """Decodes token by token without ever cutting a character in two."""
        return Streaming(self)

    def save(self, directory: Path) -> None:
        """Writes `tokenizer.json` and `tokenizer_config.json`, theirs with what was added, and what stands for what."""
        end, pad = self._about["end"], self._about["pad"]
        # Not their class: some add tokens of their own to a text, and all that counts is in tokenizer.json.
        config = self._config | {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False}
        config |= {"bos_token": end, "eos_token": end, "pad_token": pad, "clean_up_tokenization_spaces": False}
        for name, content in (("tokenizer_config.json", config), (FILE, self._about)):
            (directory / name).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        (directory / "tokenizer.json").write_text(self._theirs.to_str(pretty=True), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "OpenTokenizer":
        """Reads what `save` wrote."""
        about, config = _read(directory / FILE), _read(directory / "tokenizer_config.json")
        return cls(_opened(directory), about["end"], about["pad"], about["new"], config)

    @classmethod
    def adopt(cls, directory: Path) -> "OpenTokenizer":
        """Reads an open model's own, and adds what it lacks. Raises Problem for one of another kind, or that does not
        say how a text ends."""
        theirs = _opened(directory)
        from tokenizers import AddedToken

        path = directory / "tokenizer_config.json"
        config = _read(path) if path.exists() else {}
        end = _end(theirs, config, directory)
        pad = _name(config.get("pad_token"))
        if pad == end or pad is None or theirs.token_to_id(pad) is None:
            # What a deleted post becomes must not look like the end of one.
            pad = PAD
        new = [name for name in (pad, *_CONTROLS, *_PLACEHOLDERS) if theirs.token_to_id(name) is None]
        controls = [AddedToken(name, special=True, normalized=False) for name in (pad, *_CONTROLS)]
        theirs.add_special_tokens(controls)
        # Ordinary ones, since special tokens are not made from text.
        theirs.add_tokens([AddedToken(name, special=False, normalized=False) for name in _PLACEHOLDERS])
        # A limit or a filling of theirs would cut posts, or add to them.
        theirs.no_truncation()
        theirs.no_padding()
        return cls(theirs, end, pad, new, config)


AnyTokenizer = Tokenizer | OpenTokenizer


def load_tokenizer(directory: Path) -> AnyTokenizer:
    """The tokenizer that Myna wrote into a corpus or a version, whoever's tokens they are."""
    return OpenTokenizer.load(directory) if (directory / FILE).exists() else Tokenizer.load(directory)


def _opened(directory: Path) -> "Theirs":
    try:
        from tokenizers import Tokenizer as Theirs
    except ImportError as error:
        raise Problem("The tokens of an open model need one more package: `pip install 'myna[open]'`.") from error
    path = directory / "tokenizer.json"
    if not path.exists():
        raise Problem(f"There is no tokenizer.json in {directory}. An open model is read with its own tokens.")
    try:
        theirs = Theirs.from_file(str(path))
        model = json.loads(path.read_text(encoding="utf-8"))["model"]
    except Exception as error:  # the package raises plain Exception for whatever it cannot read
        raise Problem(f"The tokenizer {path} cannot be read: {error}.") from error
    letters = set(byte_letters())
    spelt = model.get("type") == "BPE" and all(letters.issuperset(token) for token in model["vocab"])
    if not spelt or not letters.issubset(model["vocab"]):
        raise Problem(f"{path} is no byte-level BPE tokenizer ({model.get('type')}); Myna reads no other of others.")
    return theirs


def _end(theirs: "Theirs", config: dict[str, Any], directory: Path) -> str:
    """Their token at a text's end, by name."""
    named = _name(config.get("eos_token"))
    if named is None and (directory / "config.json").exists():
        id = _read(directory / "config.json").get("eos_token_id")
        first = id[0] if isinstance(id, list) and id else id
        named = theirs.id_to_token(first) if isinstance(first, int) else None
    for name in (named, END):
        if name is not None and theirs.token_to_id(name) is not None:
            return name
    raise Problem(f"{directory} does not say which token ends a text: name an eos_token in its tokenizer_config.json.")


def _name(token: Any) -> str | None:
    """A token's text; configurations have it as such, or as a table with its content."""
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise Problem(f"{path} is not a table of settings.")
    return found
