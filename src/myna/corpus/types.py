"""What training text is made of, and what a build of it is called."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Joint(StrEnum):
    """How a passage follows on the one before it."""

    NONE = ""
    REPLY = "reply"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Passage:
    """A post's cleaned text within a document. context: it stands there to be read, and is learned elsewhere; joint:
    what it is to the passage before, NONE for a document's first; at: when it was written, in milliseconds."""

    post_id: str
    author_id: str
    text: str
    context: bool = False
    joint: Joint = Joint.NONE
    at: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """What the model reads in one piece: a post, or a thread from its root to one of its ends. at, lang, controls: the
    last one's time, language, and the control tokens that tell of it (controls.py)."""

    passages: tuple[Passage, ...]
    at: int
    lang: str = ""
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """Documents in time order, and what became of the posts: admitted by the gate's rule, dropped by reason.
    registers: the quartiles of style that separate them."""

    documents: list[Document]
    admitted: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    registers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """A corpus as built, kept beside it in `corpus.json`.

    hash: of tokens, index and tokenizer. train_tokens: tokens before the newest ones held out; deletions: the newest
    deletion in the fact log when the posts were read. bytes_per_token: of each language's text, placeholders not
    counted, where there are enough of them to say. registers: quartiles of style (controls.py).
    """

    hash: str
    documents: int
    tokens: int
    train_documents: int
    train_tokens: int
    text_bytes: int
    held_out_bytes: int
    vocabulary: int
    admitted: dict[str, int]
    dropped: dict[str, int]
    languages: dict[str, int]
    deletions: int
    bytes_per_token: dict[str, float] = field(default_factory=dict)
    registers: list[float] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}
