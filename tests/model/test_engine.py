import gc
import threading
import time
from pathlib import Path

import pytest
import torch

from myna.corpus import Tokenizer, train_tokenizer
from myna.model import Decoder, Engine, Sampling, Transformer, new_model, sample, save_model, shape_of, write
from myna.network import Problem

_TEXTS = ["Xin chào các bạn 😀", "good morning to all of you", "see you tomorrow 😀😀"] * 5


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(_TEXTS, 320)


@pytest.fixture(scope="module")
def model(tokenizer: Tokenizer) -> Transformer:
    model = new_model(shape_of(64, 2, len(tokenizer), 48), 3)
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


@pytest.fixture
def engine(model: Transformer, tokenizer: Tokenizer, tmp_path: Path) -> Engine:
    return _engine(model, tokenizer, tmp_path, 6)


def _engine(model: Transformer, tokenizer: Tokenizer, folder: Path, most: int, waiting: int = 256) -> Engine:
    save_model(model, folder, tokenizer.end, tokenizer.pad)
    return Engine(Decoder.load(folder, len(tokenizer), most), waiting)


def _prompt(tokenizer: Tokenizer, seed: int) -> list[int]:
    return [tokenizer.end, *tokenizer.encode(_TEXTS[seed % 3] * (1 + seed % 4))]


def _until(engine: Engine, busy: int) -> None:
    deadline = time.monotonic() + 20
    while engine.busy != busy and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.busy == busy


def test_it_writes_what_the_transformer_writes_past_a_full_context_too(
    engine: Engine, model: Transformer, tokenizer: Tokenizer
) -> None:
    for seed in range(4):
        prompt = _prompt(tokenizer, seed)
        for temperature in (0.0, 1.0):
            expected = list(sample(model, prompt, len(tokenizer), (), 100, temperature, 0.9, seed))
            assert list(engine(prompt, Sampling(100, temperature, 0.9, seed))) == expected


def test_a_seed_writes_the_same_whoever_stands_beside_it(engine: Engine, tokenizer: Tokenizer) -> None:
    asked = [(_prompt(tokenizer, n), Sampling(20 + 7 * (n % 9), 1.2, 0.95, n)) for n in range(24)]
    alone = [list(engine(*each)) for each in asked]
    together = [engine(*each) for each in asked]
    assert [list(each) for each in together] == alone
    found: dict[int, list[int]] = {}

    def use(n: int) -> None:
        time.sleep(n % 5 * 0.003)
        found[n] = list(engine(*asked[n]))

    threads = [threading.Thread(target=use, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(24)] == alone


def test_who_asks_for_no_seed_gets_another_text_each_time(engine: Engine, tokenizer: Tokenizer) -> None:
    prompt = _prompt(tokenizer, 0)
    first, second = (list(engine(prompt, Sampling(30, 1.5, 1.0))) for _ in range(2))
    assert first != second


def test_ends_are_not_written_and_what_is_forbidden_never(engine: Engine, tokenizer: Tokenizer) -> None:
    prompt = _prompt(tokenizer, 1)
    free = engine(prompt, Sampling(60, 1.5, 1.0, 5))
    ids = list(free)
    assert free.finish == "length"
    ended = engine(prompt, Sampling(60, 1.5, 1.0, 5), [ids[10]])
    assert list(ended) == ids[: ids.index(ids[10])]
    assert ended.finish == "stop"
    assert ids[0] not in list(engine(prompt, Sampling(60, 1.5, 1.0, 5), (), [ids[0]]))


def test_what_may_not_follow_is_not_written_whether_drawn_or_the_likeliest(
    engine: Engine, tokenizer: Tokenizer
) -> None:
    prompt = _prompt(tokenizer, 0)
    for temperature in (0.0, 1.0):
        free = list(engine(prompt, Sampling(20, temperature, seed=3)))
        seen = set(zip([prompt[-1], *free], free, strict=False))
        kept = list(
            engine(prompt, Sampling(20, temperature, seed=3), blocks=lambda ids, id, seen=seen: (ids[-1], id) in seen)
        )
        assert len(kept) == 20
        assert not seen & set(zip([prompt[-1], *kept], kept, strict=False))


def test_a_short_text_does_not_wait_for_a_long_one(engine: Engine, tokenizer: Tokenizer) -> None:
    long = engine(_prompt(tokenizer, 0), Sampling(1_000_000, 1.0, 1.0, 1))
    next(long)
    assert len(list(engine(_prompt(tokenizer, 1), Sampling(10, 1.0, 1.0, 2)))) == 10
    assert engine.busy == 1
    long.cancel()
    _until(engine, 0)


def test_what_nobody_reads_any_more_is_not_written(engine: Engine, tokenizer: Tokenizer) -> None:
    begun = [engine(_prompt(tokenizer, n), Sampling(1_000_000, 1.0, 1.0, n)) for n in range(10)]
    next(begun[0])
    assert engine.busy == 10
    gc.disable()  # it is not left to chance when
    try:
        begun.clear()
        _until(engine, 0)
        text = write(engine, tokenizer, "good morning", Sampling(1_000_000, 1.0, 1.0, 1))
        next(text)
        del text
        _until(engine, 0)
    finally:
        gc.enable()


def test_too_many_waiting_are_refused_and_room_comes_back(
    model: Transformer, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    engine = _engine(model, tokenizer, tmp_path, most=1, waiting=2)
    long = engine(_prompt(tokenizer, 0), Sampling(1_000_000, 1.0, 1.0, 1))
    next(long)
    waiting = [engine(_prompt(tokenizer, n), Sampling(5, 1.0, 1.0, n)) for n in range(2)]
    with pytest.raises(Problem, match="Try again") as refused:
        engine(_prompt(tokenizer, 3), Sampling(5))
    assert refused.value.status == 503
    long.cancel()
    assert [len(list(each)) for each in waiting] == [5, 5]
    assert len(list(engine(_prompt(tokenizer, 3), Sampling(5)))) == 5


def test_an_error_reaches_who_waits_and_the_next_are_served(engine: Engine, tokenizer: Tokenizer) -> None:
    bad = engine([len(tokenizer) + 10_000], Sampling(5))
    with pytest.raises(IndexError):
        list(bad)
    assert len(list(engine(_prompt(tokenizer, 0), Sampling(5, 1.0, 1.0, 1)))) == 5


def test_a_network_that_writes_does_without_torch(model: Transformer, tokenizer: Tokenizer, tmp_path: Path) -> None:
    import subprocess
    import sys

    save_model(model, tmp_path, tokenizer.end, tokenizer.pad)
    tokenizer.save(tmp_path)
    program = """
import sys
from pathlib import Path
from myna.corpus import Tokenizer
from myna.model import Decoder, Engine, Sampling, write
folder = Path(sys.argv[1])
tokenizer = Tokenizer.load(folder)
engine = Engine(Decoder.load(folder, len(tokenizer)))
print(repr("".join(write(engine, tokenizer, "good morning", Sampling(20, 1.0, 1.0, 1)))), "torch" in sys.modules)
"""
    out = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    expected = write(
        Engine(Decoder.load(tmp_path, len(tokenizer))), tokenizer, "good morning", Sampling(20, 1.0, 1.0, 1)
    )
    assert out.stdout.strip() == f"{''.join(expected)!r} False"


def test_an_answer_goes_on_from_the_posts_before_it(engine: Engine, tokenizer: Tokenizer) -> None:
    posts = ["good morning", "see you tomorrow"]
    ids = [tokenizer.end, *tokenizer.encode(posts[0]), tokenizer.reply, *tokenizer.encode(posts[1]), tokenizer.reply]
    ends, sampling = (tokenizer.end, tokenizer.reply), Sampling(20, 0.0)
    expected = tokenizer.decode(engine([*ids, *tokenizer.encode("to")], sampling, ends, (tokenizer.pad,)))
    begun = write(engine, tokenizer, "to", sampling, after=posts)
    assert "".join(begun) == expected
    assert begun.prompt_tokens == len(ids) + len(tokenizer.encode("to"))
