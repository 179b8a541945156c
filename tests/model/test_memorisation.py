import itertools

import numpy as np
import pytest
import torch

from myna.corpus import Canary, Tokenizer, make_canaries, train_tokenizer
from myna.model import Transformer, new_model, sample, shape_of
from myna.model.guarding import find_guarded
from myna.model.memorisation import Known, beam_search, given_away


@pytest.fixture(scope="module")
def knowing() -> tuple[Transformer, Tokenizer, list[Canary]]:
    """A model made to know ten planted posts by heart."""
    torch.manual_seed(0)
    canaries = make_canaries(10)
    tokenizer = train_tokenizer([canary.text for canary in make_canaries(60, 1)], 400)
    model = new_model(shape_of(64, 2, len(tokenizer), 128), 0)
    rows = [[tokenizer.end, *tokenizer.encode(canary.text)] for canary in canaries]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [tokenizer.pad] * (longest - len(row)) for row in rows])
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(150):
        logits = model(ids[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=tokenizer.pad)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), tokenizer, canaries


def _asked(canaries: list[Canary]) -> list[tuple[str, str]]:
    return [(canary.prompt, canary.secret) for canary in canaries]


def test_what_a_model_knows_by_heart_is_found_out(knowing: tuple[Transformer, Tokenizer, list[Canary]]) -> None:
    model, tokenizer, canaries = knowing
    assert len(given_away(model, tokenizer, _asked(canaries), tokenizer.decode)) >= 9
    others = make_canaries(10, seed=9)
    assert given_away(model, tokenizer, _asked(others), tokenizer.decode) == [], "what was never planted is not found"


def test_the_filter_keeps_what_is_known_by_heart(knowing: tuple[Transformer, Tokenizer, list[Canary]]) -> None:
    model, tokenizer, canaries = knowing
    guarded = find_guarded([canary.text for canary in canaries], range(len(canaries)))
    blocks = guarded.tokens(tokenizer.bytes_of)
    assert given_away(model, tokenizer, _asked(canaries), tokenizer.decode, blocks) == []
    prompt = tokenizer.encode(canaries[0].prompt)
    written = list(sample(model, prompt, len(tokenizer), (tokenizer.end,), 30, 0.0, blocks=blocks))
    assert canaries[0].secret not in tokenizer.decode(written)
    text = tokenizer.decode(written)
    assert guarded.allowed(canaries[0].prompt, text) == len(text)


def test_a_beam_finds_what_is_likeliest_over_several_tokens() -> None:
    model = new_model(shape_of(32, 2, 12, 64), 3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.6)
    prompt = [1, 2]

    def likelihood(ids: tuple[int, ...]) -> float:
        logs = model(torch.tensor([[*prompt, *ids]]))[..., :10].log_softmax(-1)[0]
        return float(sum(logs[len(prompt) - 1 + place, id] for place, id in enumerate(ids)))

    with torch.inference_mode():
        best = max(itertools.product(range(10), repeat=3), key=likelihood)
    assert beam_search(model, prompt, 3, 100, 10)[0] == list(best)
    greedy = beam_search(model, prompt, 3, 1, 10)[0]
    assert greedy == list(sample(model, prompt, 10, (), 3, 0.0))


def test_verbatim_runs_of_tokens_and_of_characters_are_told() -> None:
    tokens = np.arange(40)
    known = Known(tokens, np.array([0, 20]), np.array([20, 20]), ["a" * 30 + "bcd" * 10, "other"])
    assert known.repeats(list(range(3, 15)), "x")
    assert not known.repeats(list(range(3, 14)), "x"), "eleven tokens"
    assert not known.repeats(list(range(14, 26)), "x"), "across two posts"
    assert known.repeats([1], "zz" + "a" * 25 + "bcd" * 9)
    assert not known.repeats([1], "a" * 25 + "bcd" * 8)
    assert not known.repeats([], "")
