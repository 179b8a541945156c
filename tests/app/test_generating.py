"""What a text leaves in the decision log."""

import gc
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from myna.app import Myna
from myna.app.suggesting import suggest
from myna.decisions import Decision
from myna.gate import OPERATOR, person_actor
from myna.network import Problem
from myna.settings import Settings

PROMPT = "the heron zanzibar waits"


@pytest.fixture(scope="module")
def myna(small_network: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Myna]:
    home = tmp_path_factory.mktemp("generating") / "home"
    shutil.copytree(small_network, home, symlinks=True)
    found = Myna(Settings(home=home))
    yield found
    found.close()


def _kept(myna: Myna, id: str) -> Decision:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for decision in myna.log.latest("generate"):
            if decision.id == id:
                return decision
        time.sleep(0.02)
    raise AssertionError("no decision was kept")


def test_a_text_is_one_decision_with_its_settings_and_counts(myna: Myna) -> None:
    before = myna.log.count("generate")
    writing = myna.language.generate(PROMPT, 12, 0.7, 0.8, 5, actor=person_actor("world:p1"))
    "".join(writing)
    assert myna.log.count("generate") == before + 1
    decision = myna.log.get(writing.decision)
    assert (decision.kind, decision.actor, decision.purpose) == ("generate", "world:p1", "answer")
    assert decision.model == myna.language.version
    assert decision.input == {
        "seed": 5, "temperature": 0.7, "top_p": 0.8, "max_tokens": 12, "prompt_tokens": writing.prompt_tokens,
    }  # fmt: skip
    assert (decision.output["tokens"], decision.output["finish"]) == (writing.tokens, writing.finish)
    (reason,) = myna.why(writing.decision)["reasons"]
    assert reason["text"].format(**reason["values"]).count("seed 5") == 1


def test_a_seed_is_chosen_and_kept_with_which_the_text_comes_again(myna: Myna) -> None:
    first = myna.language.generate(PROMPT, 20, 1.0, 1.0)
    text = "".join(first)
    seed = myna.log.get(first.decision).input["seed"]
    assert "".join(myna.language.generate(PROMPT, 20, 1.0, 1.0, seed)) == text
    other = myna.language.generate(PROMPT, 20, 1.0, 1.0)
    "".join(other)
    assert myna.log.get(other.decision).input["seed"] != seed


def test_no_word_of_prompt_or_text_is_kept(myna: Myna) -> None:
    writing = myna.language.generate(PROMPT, 60, 1.0, 1.0, 2, after=["quetzal yonder"])
    text = "".join(writing)
    decision = myna.log.get(writing.decision)
    kept = str((decision.input, decision.output))
    assert len(text) > 20
    assert not any(word in kept for word in (*PROMPT.split()[1:], "quetzal", text, text.strip()[:12]))


def test_what_is_let_go_of_or_cancelled_or_closed_is_kept_as_such(myna: Myna) -> None:
    dropped = myna.language.generate(PROMPT, 2000, 2.0, 1.0)
    next(dropped)
    id = dropped.decision
    del dropped
    gc.collect()
    assert _kept(myna, id).output["finish"] == "cancelled"
    assert _kept(myna, id).output["tokens"] > 0
    cancelled = myna.language.generate(PROMPT, 2000, 2.0, 1.0)
    cancelled.cancel()
    "".join(cancelled)
    assert myna.log.get(cancelled.decision).output["finish"] == "cancelled"
    closed = myna.language.generate(PROMPT, 2000, 2.0, 1.0)
    closed.close()
    before = myna.log.count("generate")
    assert myna.log.get(closed.decision).output["finish"] == "cancelled"
    closed.close()
    del closed
    assert myna.log.count("generate") == before


def test_letting_go_within_a_write_to_the_database_does_not_wait_for_it(myna: Myna) -> None:
    writing = myna.language.generate(PROMPT, 2000, 2.0, 1.0)
    id = writing.decision
    with myna.store.writing():
        del writing
    assert _kept(myna, id).output["finish"] == "cancelled"


def test_many_at_once_leave_one_each_and_are_counted(myna: Myna) -> None:
    before, counted = myna.log.count("generate"), myna.language.generated.tokens
    begun = [myna.language.generate("", 8, seed=seed) for seed in range(12)]
    threads = [threading.Thread(target=lambda each=each: "".join(each)) for each in begun]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert myna.log.count("generate") == before + 12
    assert myna.language.generated.tokens["written"] - counted["written"] == sum(each.tokens for each in begun)


def test_suggestions_are_decisions_of_whom_they_were_made_for(myna: Myna) -> None:
    suggest(myna.language, "the", seed=1, actor=person_actor("world:p3"))
    assert len(myna.log.latest("generate", "world:p3")) == 6


def test_it_is_not_replayed_and_says_so(myna: Myna) -> None:
    writing = myna.language.generate("", 4, actor=OPERATOR)
    "".join(writing)
    assert myna.log.get(writing.decision).actor == "operator"
    with pytest.raises(Problem, match="are not replayed"):
        myna.replay(writing.decision)
