"""What the model asks of a tokenizer, so that any will do, and what one may ask of writing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose tokens: temperature 0 takes the likeliest; top_p as in nucleus sampling; the same seed writes the
    same text, None another each time."""

    max_tokens: int = 64
    temperature: float = 0.8
    top_p: float = 0.95
    seed: int | None = None


Blocks = Callable[[Sequence[int], int], bool]
"""Whether an id may not be written after a history of ids (myna.model.guarding)."""


class Ids(Protocol):
    """Token ids as they are chosen. finish: empty until the last one, then "stop" or "length"."""

    @property
    def finish(self) -> str: ...

    def __iter__(self) -> Iterator[int]: ...

    def __next__(self) -> int: ...

    def cancel(self) -> None:
        """Nobody waits for more. From any thread."""
        ...


class Sampler(Protocol):
    """A model that goes on from ids until one of `ends`, which is not given, never writing one of `never`
    nor what `blocks` forbids."""

    def __call__(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        ends: Sequence[int] = (),
        never: Sequence[int] = (),
        blocks: Blocks | None = None,
    ) -> Ids: ...


class Pieces(Protocol):
    """A text as it is written, whoever writes it. Let go of or cancelled, it is written no further.

    finish: empty until the last piece is taken; then "stop" (the post's end, a stop string) or "length".
    """

    prompt_tokens: int
    tokens: int
    finish: str

    def __iter__(self) -> Iterator[str]: ...

    def __next__(self) -> str: ...

    def cancel(self) -> None:
        """Nobody waits for more. From any thread."""
        ...


class Stream(Protocol):
    """Tokens to text, piece by piece."""

    def push(self, id: int) -> str:
        """The characters complete with this token; may be empty."""
        ...

    def finish(self) -> str:
        """What was held back."""
        ...


class Tokens(Protocol):
    """Text to ids and back. end stands before every document, reply between a post and its reply; pad is never read;
    never: ids that no text has."""

    end: int
    pad: int
    reply: int
    never: tuple[int, ...]

    def __len__(self) -> int: ...

    def encode(self, cleaned: str) -> list[int]:
        """Ids of a cleaned text."""
        ...

    def streaming(self) -> Stream:
        """Decodes token by token without cutting a character in two."""
        ...
