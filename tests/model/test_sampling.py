import threading
from collections.abc import Iterator

import pytest
import torch

from myna.corpus import Tokenizer, clean, readable, train_tokenizer
from myna.model import Transformer, new_model, sample, shape_of, write

_TEXTS = ["Xin chào các bạn 😀", "good morning to all of you", "see you tomorrow 😀😀"] * 5


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(_TEXTS, 320)


@pytest.fixture(scope="module")
def model(tokenizer: Tokenizer) -> Transformer:
    model = new_model(shape_of(64, 2, len(tokenizer), 32), 3)
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def _write(model: Transformer, tokenizer: Tokenizer, **more: object) -> list[str]:
    asked: dict[str, object] = {"max_tokens": 40, "temperature": 1.5, "top_p": 1.0, "seed": 7, "show": readable}
    return list(write(model, tokenizer, clean("good morning"), **(asked | more)))  # type: ignore[arg-type]


def test_the_same_seed_writes_the_same_and_another_does_not(model: Transformer, tokenizer: Tokenizer) -> None:
    assert _write(model, tokenizer) == _write(model, tokenizer)
    assert _write(model, tokenizer) != _write(model, tokenizer, seed=8)


def test_pieces_never_cut_a_character_the_whole_would_not(model: Transformer, tokenizer: Tokenizer) -> None:
    for seed in range(5):
        pieces = _write(model, tokenizer, seed=seed)
        ids = sample(
            model, [tokenizer.end, *tokenizer.encode("good morning")], len(tokenizer),
            (tokenizer.end, tokenizer.reply), 40, 1.5, 1.0, seed, None, (tokenizer.pad,),
        )  # fmt: skip
        assert "".join(pieces) == readable(tokenizer.decode(ids))


def test_writing_stops_before_a_stop_string_however_it_is_cut_in_pieces(
    model: Transformer, tokenizer: Tokenizer
) -> None:
    whole = "".join(_write(model, tokenizer))
    for begin in range(5, len(whole) - 3, 4):
        stop = whole[begin : begin + 3]
        assert "".join(_write(model, tokenizer, stop=["never there", stop])) == whole[: whole.find(stop)]


def test_writing_goes_on_when_the_context_is_full(model: Transformer, tokenizer: Tokenizer) -> None:
    ids = list(sample(model, [tokenizer.end] * 50, len(tokenizer), (), 100, seed=1))
    assert len(ids) == 100
    assert max(ids) < len(tokenizer)


def test_temperature_zero_takes_the_likeliest_whatever_the_seed(model: Transformer, tokenizer: Tokenizer) -> None:
    prompt = [tokenizer.end]
    first, second = (list(sample(model, prompt, len(tokenizer), (), 10, 0.0, seed=seed)) for seed in (1, 2))
    logits = model(torch.tensor([prompt]))[0, -1, : len(tokenizer)]
    assert first == second
    assert first[0] == int(logits.argmax())


def test_a_small_top_p_leaves_only_the_likeliest(model: Transformer, tokenizer: Tokenizer) -> None:
    greedy = list(sample(model, [tokenizer.end], len(tokenizer), (), 10, 0.0))
    assert list(sample(model, [tokenizer.end], len(tokenizer), (), 10, 1.0, 1e-9, seed=5)) == greedy


def test_two_write_at_once_by_turns(model: Transformer, tokenizer: Tokenizer) -> None:
    lock = threading.Lock()
    alone = _write(model, tokenizer)
    first: Iterator[str] = write(model, tokenizer, "good morning", 40, 1.5, 1.0, 7, (), lock, readable)
    begun = next(first)
    assert _write(model, tokenizer, lock=lock) == alone
    assert [begun, *first] == alone
