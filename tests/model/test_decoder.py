from pathlib import Path

import numpy as np
import pytest
import torch

from myna.model import Decoder, Shape, Transformer, new_model, save_model, shape_of
from myna.network import Problem

_SHAPES = [
    shape_of(64, 2, 500, 96),
    shape_of(128, 3, 1000, 96),
    Shape(512, 96, 2, 6, 2, 24, 160, 96, rope_theta=500.0, tied=False),
]


def _model(shape: Shape, seed: int) -> Transformer:
    model = new_model(shape, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model.eval()


def _decoder(model: Transformer, folder: Path, usable: int, most: int = 8) -> Decoder:
    save_model(model, folder, 0, 1)
    return Decoder.load(folder, usable, most)


def _ids(generator: np.random.Generator, usable: int, *lengths: int) -> list[list[int]]:
    return [generator.integers(2, usable, length).tolist() for length in lengths]


def _greedy(decoder: Decoder, prompts: list[list[int]], tokens: int) -> np.ndarray:
    logits = decoder.read({decoder.join(): prompt for prompt in prompts})
    chosen = [logits.argmax(1)]
    while len(chosen) < tokens:
        chosen.append(decoder.step(chosen[-1].tolist()).argmax(1))
    return np.stack(chosen, 1)


@torch.inference_mode()
def _logits(model: Transformer, ids: list[int], usable: int) -> np.ndarray:
    found: np.ndarray = model(torch.tensor([ids]))[0, -1, :usable].numpy()
    return found


@pytest.mark.parametrize("shape", _SHAPES)
def test_logits_are_the_transformers_for_prompts_of_all_lengths_read_together(shape: Shape, tmp_path: Path) -> None:
    model = _model(shape, 1)
    decoder = _decoder(model, tmp_path, 400)
    prompts = _ids(np.random.default_rng(1), 400, 1, 40, 7, 90)
    read = decoder.read({decoder.join(): prompt for prompt in prompts}).copy()
    stepped = decoder.step([5, 6, 7, 8])
    for place, prompt in enumerate(prompts):
        assert np.abs(read[place] - _logits(model, prompt, 400)).max() < 1e-5
        assert np.abs(stepped[place] - _logits(model, [*prompt, 5 + place], 400)).max() < 1e-5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", _SHAPES)
def test_the_likeliest_tokens_are_those_of_transformers_generate(shape: Shape, seed: int, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    decoder = _decoder(_model(shape, seed), tmp_path, shape.vocabulary)
    peer = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    prompts = _ids(np.random.default_rng(seed), 400, 3, 20, 11, 1)
    ours = _greedy(decoder, prompts, 64)
    for prompt, found in zip(prompts, ours, strict=True):
        ids = torch.tensor([prompt])
        asked = {"max_new_tokens": 64, "do_sample": False, "eos_token_id": None}
        theirs = peer.generate(ids, attention_mask=torch.ones_like(ids), **asked)
        assert theirs[0, len(prompt) :].tolist() == found.tolist()


def test_a_text_goes_on_the_same_when_others_leave_and_join(tmp_path: Path) -> None:
    model = _model(_SHAPES[0], 4)
    prompts = _ids(np.random.default_rng(4), 400, 9, 20, 3)
    alone = _greedy(_decoder(model, tmp_path, 400), [prompts[2]], 20)[0].tolist()
    decoder = _decoder(model, tmp_path, 400)
    chosen = _greedy(decoder, prompts, 5)
    written = chosen[2].tolist()
    decoder.leave(0)  # the last text moves to the first place
    others = [int(chosen[1, -1])]
    for _ in range(10):
        logits = decoder.step([written[-1], *others]).argmax(1)
        written.append(int(logits[0]))
        others = logits[1:].tolist()
    joined = decoder.join()
    first = decoder.read({joined: prompts[0]}).argmax(1)
    for _ in range(5):
        logits = decoder.step([written[-1], *others, int(first[0])]).argmax(1)
        written.append(int(logits[0]))
        others, first = logits[1:2].tolist(), logits[2:]
    assert written == alone


def test_scores_too_large_for_a_bare_exponential_are_computed_all_the_same(tmp_path: Path) -> None:
    model = _model(_SHAPES[0], 5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                parameter.mul_(12)
    prompt = _ids(np.random.default_rng(5), 400, 30)[0]
    decoder = _decoder(model, tmp_path, 400)
    found = decoder.read({decoder.join(): prompt})[0]
    assert np.isfinite(found).all()
    # Softmax near a step magnifies rounding.
    assert np.abs(found - _logits(model, prompt, 400)).max() < 1e-3


def test_a_full_context_and_a_full_house_are_refused(tmp_path: Path) -> None:
    decoder = _decoder(_model(_SHAPES[0], 6), tmp_path, 400, most=1)
    place = decoder.join()
    with pytest.raises(ValueError, match="places are taken"):
        decoder.join()
    decoder.read({place: [3] * 96})
    with pytest.raises(ValueError, match="context is full"):
        decoder.step([3])
    decoder.forget(place)
    assert decoder.read({place: [3]}).shape == (1, 400)


def test_weights_that_are_not_there_are_told(tmp_path: Path) -> None:
    save_model(_model(_SHAPES[0], 7), tmp_path, 0, 1)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(Problem, match="cannot be read"):
        Decoder.load(tmp_path, 400)
