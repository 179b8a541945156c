"""From chosen tokens to text: pieces of whole characters, up to the post's end or a stop string."""

from collections.abc import Callable, Iterator, Sequence

from myna.model.types import Ids, Sampler, Sampling, Tokens


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
        self._pieces = self._cut(tokenizer, [word for word in stop if word], show)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._pieces)

    def cancel(self) -> None:
        """Nobody waits for more. From any thread."""
        self._ids.cancel()

    def _cut(self, tokenizer: Tokens, stop: Sequence[str], show: Callable[[str], str]) -> Iterator[str]:
        stream = tokenizer.streaming()
        held = ""
        longest = max((len(text) for text in stop), default=0)
        for id in self._ids:
            self.tokens += 1
            held += show(stream.push(id))
            if cut := _first(held, stop):
                self._ids.cancel()
                self.finish = "stop"
                if cut > 1:
                    yield held[: cut - 1]
                return
            # What could be the beginning of a stop string waits for its end.
            ready = len(held) - max(longest - 1, 0)
            if ready > 0:
                yield held[:ready]
                held = held[ready:]
        held += stream.finish()
        cut = _first(held, stop)
        self.finish = "stop" if cut else self._ids.finish
        if text := held[: cut - 1] if cut else held:
            yield text


def write(
    sampler: Sampler,
    tokenizer: Tokens,
    prompt: str | Sequence[int],
    sampling: Sampling | None = None,
    stop: Sequence[str] = (),
    show: Callable[[str], str] = str,
    after: Sequence[str] = (),
) -> Writing:
    """Begins a text that goes on from a cleaned prompt, or from ids as they are.

    after: cleaned posts, each the answer to the one before, to the last of which the text is an answer. show: turns a
    token's text into what people are shown, placeholders above all. Raises Problem (503) where the sampler has no room.
    """
    ids = prompt_ids(tokenizer, prompt, after)
    ends = (tokenizer.end, tokenizer.reply)
    return Writing(sampler(ids, sampling or Sampling(), ends, (tokenizer.pad,)), tokenizer, len(ids), stop, show)


def prompt_ids(tokenizer: Tokens, prompt: str | Sequence[int], after: Sequence[str] = ()) -> list[int]:
    """What the model reads before it writes; arguments as of `write`."""
    if not isinstance(prompt, str):
        return list(prompt)
    ids = [tokenizer.end]
    for post in after:
        ids += [*tokenizer.encode(post), tokenizer.reply]
    return ids + tokenizer.encode(prompt)


def _first(text: str, stop: Sequence[str]) -> int:
    """One more than where the first stop string begins; 0 where there is none."""
    return min((text.find(word) + 1 for word in stop if word in text), default=0)
