"""From chosen tokens to text: pieces of whole characters, up to the post's end or a stop string."""

from collections.abc import Callable, Iterator, Sequence

from myna.model.types import Blocks, Ids, Sampler, Sampling, Tokens


class Writing:
    """A text as it is written: an iterator of its pieces. Let go of or cancelled, it is written no further.

    finish: empty until the last piece is taken; then "stop" (the post's end, a stop string) or "length". prompt_tokens,
    tokens: read, and written so far.
    """

    def __init__(
        self, ids: Ids, tokenizer: Tokens, prompt_tokens: int, stop: Sequence[str], show: Callable[[str], str]
    ):
        self.prompt_tokens = prompt_tokens
        self.tokens = 0
        self.finish = ""
        self._ids = ids
        self._stream, self._show = tokenizer.streaming(), show
        self._stop = [word for word in stop if word]
        # What could be the beginning of a stop string waits for its end.
        self._kept_back = max((len(word) for word in self._stop), default=1) - 1
        self._held = ""
        self._done = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        # No generator: one would refer to this object, and it would live on when let go of.
        while not self._done:
            if piece := self._advance():
                return piece
        raise StopIteration

    def cancel(self) -> None:
        """Nobody waits for more. From any thread."""
        self._ids.cancel()

    def _advance(self) -> str:
        """Takes one more token; what is ready with it, perhaps nothing."""
        id = next(self._ids, None)
        if id is None:
            self._held += self._stream.finish()
        else:
            self.tokens += 1
            self._held += self._show(self._stream.push(id))
        cut = _first(self._held, self._stop)
        if cut or id is None:
            self._done = True
            self.finish = "stop" if cut else self._ids.finish
            self._ids.cancel()
            return self._held[: cut - 1] if cut else self._held
        ready = max(len(self._held) - self._kept_back, 0)
        piece, self._held = self._held[:ready], self._held[ready:]
        return piece


def write(
    sampler: Sampler,
    tokenizer: Tokens,
    prompt: str | Sequence[int],
    sampling: Sampling | None = None,
    stop: Sequence[str] = (),
    show: Callable[[str], str] = str,
    blocks: Blocks | None = None,
    after: Sequence[str] = (),
) -> Writing:
    """Begins a text that goes on from a cleaned prompt, or from ids as they are.

    after: cleaned posts, each the answer to the one before, to the last of which the text is an answer. show: turns a
    token's text into what people are shown, placeholders above all. blocks: what may not be written.
    Raises Problem (503) where the sampler has no room.
    """
    ids = prompt_ids(tokenizer, prompt, after)
    ends = (tokenizer.end, tokenizer.reply)
    return Writing(sampler(ids, sampling or Sampling(), ends, tokenizer.never, blocks), tokenizer, len(ids), stop, show)


def prompt_ids(
    tokenizer: Tokens, prompt: str | Sequence[int], after: Sequence[str] = (), controls: Sequence[int] = ()
) -> list[int]:
    """What the model reads before it writes; arguments as of `write`. controls: ids of the control tokens that tell
    what to write."""
    if not isinstance(prompt, str):
        return list(prompt)
    ids = [tokenizer.end, *controls]
    for post in after:
        ids += [*tokenizer.encode(post), tokenizer.reply]
    return ids + tokenizer.encode(prompt)


def _first(text: str, stop: Sequence[str]) -> int:
    """One more than where the first stop string begins; 0 where there is none."""
    return min((text.find(word) + 1 for word in stop if word in text), default=0)
