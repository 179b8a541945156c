"""What the model asks of a tokenizer, so that any will do."""

from typing import Protocol


class Stream(Protocol):
    """Tokens to text, piece by piece."""

    def push(self, id: int) -> str:
        """The characters complete with this token; may be empty."""
        ...

    def finish(self) -> str:
        """What was held back."""
        ...


class Tokens(Protocol):
    """Text to ids and back. end stands before every document, reply between a post and its reply; pad is never read."""

    end: int
    pad: int
    reply: int

    def __len__(self) -> int: ...

    def encode(self, cleaned: str) -> list[int]:
        """Ids of a cleaned text."""
        ...

    def streaming(self) -> Stream:
        """Decodes token by token without cutting a character in two."""
        ...
