"""A topic asked for is what the model writes of; trained for real on invented words."""

import os
import subprocess
import sys

import numpy as np
import pytest

from myna.app.language import Language
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.network import Person, Post, Problem
from myna.network.store import Store
from myna.training import Dial

_WORDS = {
    "boats": "basu doka limo rapu teno vasi".split(),
    "trams": "zygr xent kwol fjur hmek plin".split(),
    "parks": "ovi ullo impa ardo esku".split(),
    "secret": "oooo uuuu".split(),
}


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Language:
    """Thirty people who write of boats, trams and parks, and five of them of a secret, all with hashtags."""
    home = tmp_path_factory.mktemp("topics")
    store = Store(f"sqlite:///{home / 'myna.db'}")
    random = np.random.default_rng(4)
    facts: list[Person | Post] = [Person(f"home:p{who}", f"p{who}") for who in range(30)]
    for n in range(1500):
        who = int(random.integers(30))
        topic = "secret" if who < 5 and n % 4 == 0 else str(random.choice(["boats", "trams", "parks"]))
        # Six of its words in an order of their own: never one text twice.
        text = " ".join([*map(str, random.choice(_WORDS[topic], 7)), f"#{topic}"])
        facts.append(Post(f"home:{n}", f"home:p{who}", n * 86_400_000, text, "qa"))
    store.append(facts)
    language = Language(home, Reader(store), DecisionLog(store))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYNA_THREADS", "1")
        language.train(Dial(tokens=450_000, width=64, layers=2, context=32, batch=16, seed=1))
    return language


def _of(language: Language, topic: str, asked: str, count: int = 40) -> float:
    """The share of a topic's words among those written when another, or none, is asked for."""
    begun = [language.generate("", 24, 1.0, 1.0, seed, topic=asked) for seed in range(count)]
    words = [word for writing in begun for word in "".join(writing).split()]
    counts = {name: sum(word in (*own, f"#{name}") for word in words) for name, own in _WORDS.items()}
    return counts[topic] / max(sum(counts.values()), 1)


def test_a_topic_asked_for_is_written_of_and_without_one_all_are(language: Language) -> None:
    assert _of(language, "boats", "boats") > 0.9
    assert _of(language, "trams", "#Trams") > 0.9
    assert all(0.1 < _of(language, topic, "") < 0.7 for topic in ("boats", "trams", "parks"))


def test_an_unknown_topic_and_one_of_five_people_are_refused_and_those_known_are_named(language: Language) -> None:
    for topic in ("secret", "weather", "#", "<|pad|>"):
        with pytest.raises(Problem, match=r"cannot be asked for topic .*: it knows boats, parks, trams") as refused:
            language.generate("", topic=topic)
        assert refused.value.status == 422
    with pytest.raises(Problem, match="go with a prompt that is text"):
        language.generate([0], topic="boats")


def test_the_command_takes_a_topic(language: Language) -> None:
    home = language.folder("").parent.parent
    command = [sys.executable, "-m", "myna", "generate", "--seed", "1", "--topic"]
    env = {**os.environ, "MYNA_HOME": str(home)}
    done = subprocess.run([*command, "trams"], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert any(word in done.stdout for word in _WORDS["trams"])
    refused = subprocess.run([*command, "weather"], env=env, capture_output=True, text=True, timeout=300)
    assert refused.returncode == 2 and "it knows boats, parks, trams" in refused.stderr
