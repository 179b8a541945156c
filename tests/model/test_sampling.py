from collections.abc import Sequence

import numpy as np
import pytest
import torch

from myna.corpus import Tokenizer, clean, readable, train_tokenizer
from myna.model import Alone, Sampling, Transformer, new_model, sample, shape_of, write
from myna.model.choosing import choose

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


def _write(model: Transformer, tokenizer: Tokenizer, seed: int = 7, stop: Sequence[str] = ()) -> list[str]:
    sampling = Sampling(40, 1.5, 1.0, seed)
    return list(write(Alone(model, len(tokenizer)), tokenizer, clean("good morning"), sampling, stop, readable))


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
    alone = _write(model, tokenizer)
    shared, sampling = Alone(model, len(tokenizer)), Sampling(40, 1.5, 1.0, 7)
    first, second = (write(shared, tokenizer, "good morning", sampling, show=readable) for _ in range(2))
    begun = next(first)
    assert list(second) == alone
    assert [begun, *first] == alone


def test_writing_says_why_it_ended_and_what_it_took(model: Transformer, tokenizer: Tokenizer) -> None:
    shared = Alone(model, len(tokenizer))
    begun = write(shared, tokenizer, "good morning", Sampling(3, 0.0), show=readable)
    assert (begun.finish, begun.prompt_tokens) == ("", 1 + len(tokenizer.encode("good morning")))
    whole = "".join(begun)
    assert (begun.finish, begun.tokens) == ("length", 3)
    stopped = write(shared, tokenizer, "good morning", Sampling(3, 0.0), [whole[0]], readable)
    assert list(stopped) == []
    assert stopped.finish == "stop"


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.7, 1.0), (1.0, 0.8), (1.3, 0.5), (1.0, 0.05)])
def test_choices_are_as_frequent_as_the_nucleus_says(temperature: float, top_p: float) -> None:
    chance = np.random.default_rng(1)
    logits = chance.normal(size=50).astype(np.float32) * 2
    chances = np.exp(logits.astype(float) / temperature)
    chances /= chances.sum()
    order = np.argsort(-chances)
    inside = order[: int((chances[order].cumsum() < top_p).sum()) + 1]
    expected = np.zeros(50)
    expected[inside] = chances[inside] / chances[inside].sum()
    drawn = np.bincount([choose(logits, temperature, top_p, chance) for _ in range(20_000)], minlength=50)
    assert set(np.flatnonzero(drawn)) <= set(inside.tolist())
    assert np.abs(drawn / 20_000 - expected).max() < 0.015
