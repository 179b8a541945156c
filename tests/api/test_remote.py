"""A language model that lets another server write, which here is our own over real HTTP."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from myna.app.language import Language
from myna.app.remote import ModelServer
from myna.model.guarding import find_guarded
from myna.network import Problem


def _language(trained: Any, address: str, key: str = "") -> Language:
    ours = trained.myna
    secret = key or trained.operator["Authorization"].removeprefix("Bearer ")
    return Language(Path(ours.settings.home), ours.reader, ours.log, ModelServer(f"{address}/v1/", secret))


def test_what_a_server_writes_is_what_is_written_here(trained: Any, address: str) -> None:
    remote = _language(trained, address)
    for seed, after in ((1, ()), (2, ("Is the bridge open?", "Since Monday."))):
        asked: tuple[Any, ...] = ("The", 30, 1.0, 0.9, seed, (), after)
        here, there = trained.myna.language.generate(*asked), remote.generate(*asked)
        assert "".join(there) == "".join(here)
        assert (there.tokens, there.prompt_tokens, there.finish) == (here.tokens, here.prompt_tokens, here.finish)
    whole = "".join(remote.generate("The", 30, 1.0, 1.0, 3))
    letter = next(letter for letter in whole if letter.isalpha())
    assert "".join(remote.generate("The", 30, 1.0, 1.0, 3, [letter])) == whole[: whole.index(letter)]


def test_what_a_server_writes_ends_before_a_guarded_run(trained: Any, address: str, tmp_path: Path) -> None:
    ours = trained.myna
    asked: tuple[Any, ...] = ("The", 60, 1.0, 1.0, 1)
    whole = "".join(_language(trained, address).generate(*asked))
    shutil.copytree(Path(ours.settings.home) / "models", tmp_path / "models")
    # A network whose posts that text is taken from: its letters are guarded here, and are not there.
    guarded = find_guarded([f"The{whole}"], [0])
    guarded.save(tmp_path / "models" / "language" / ours.language.version)
    server = ModelServer(f"{address}/v1/", trained.operator["Authorization"].removeprefix("Bearer "))
    begun = Language(tmp_path, ours.reader, ours.log, server).generate(*asked)
    written = "".join(begun)
    assert whole.startswith(written) and len(written) < len(whole)
    assert not guarded.holds(f"The{written}") and guarded.holds(f"The{whole[: len(written) + 1]}")
    assert begun.finish == "stop" and 0 < begun.tokens <= 60


def test_nothing_is_written_there_for_who_has_gone(trained: Any, address: str) -> None:
    begun = [_language(trained, address).generate("The", 2000, 2.0, 1.0, seed) for seed in range(4)]
    next(begun[0])
    for each in begun:
        each.cancel()
        "".join(each)
    deadline = time.monotonic() + 20
    while trained.myna.language.busy and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not trained.myna.language.busy


def test_a_server_that_is_away_or_refuses_is_told(trained: Any, address: str) -> None:
    for wrong, key, said in (
        ("http://127.0.0.1:9", "", "does not answer"),
        ("nothing", "", "does not answer"),
        (address, "myna_none", "refused \\(401\\)"),
    ):
        with pytest.raises(Problem, match=said) as told:
            _language(trained, wrong, key).generate("The", 5)
        assert told.value.status == 503
