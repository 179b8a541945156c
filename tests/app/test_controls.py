"""What is asked for by control tokens is what the model writes; trained for real on two invented languages."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from myna.app.language import Language
from myna.app.suggesting import suggest
from myna.corpus import Tokenizer
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.network import Person, Post, Problem
from myna.network.store import Store
from myna.training import Dial

_DAY = 86_400_000
_WORDS = {"qa": "basu doka limo rapu teno vasi".split(), "qb": "zygr xent kwol fjur hmek plin".split()}
_LIKED = {"qa": "zuzu", "qb": "xexe"}
_OBEYED = 0.9
"""Share of words in the language asked for; by chance it would be about a half."""


def _network(home: Path, posts: int = 1500) -> Store:
    """Authors of two languages, half as many of each; posts with the word `zuzu` or `xexe` are liked far more."""
    store = Store(f"sqlite:///{home / 'myna.db'}")
    random = np.random.default_rng(4)
    facts: list[Person | Post] = [Person(f"home:p{who}", f"p{who}") for who in range(6)]
    for n in range(posts):
        who = int(random.integers(6))
        lang = ("qa", "qb")[who % 2]
        liked = random.random() < 0.25
        words = [*random.choice(_WORDS[lang], 7), *([_LIKED[lang]] if liked else [])]
        likes = int(random.integers(60, 120) if liked else random.integers(5, 20))
        text = " ".join(map(str, random.permutation(words)))
        facts.append(Post(f"home:{n}", f"home:p{who}", n * _DAY, text, lang, like_count=likes))
    store.append(facts)
    return store


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Language:
    home = tmp_path_factory.mktemp("controls")
    store = _network(home)
    language = Language(home, Reader(store), DecisionLog(store))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYNA_THREADS", "1")
        language.train(Dial(tokens=150_000, width=64, layers=2, context=32, batch=16, seed=1))
    return language


def _written(language: Language, count: int = 40, **controls: object) -> list[str]:
    how = {"max_tokens": 24, "temperature": 1.0, "top_p": 1.0}
    begun = [language.generate("", seed=seed, **how, **controls) for seed in range(count)]  # type: ignore[arg-type]
    return ["".join(writing) for writing in begun]


def _share(texts: list[str], lang: str) -> float:
    """Of the words of these texts that are words of either language, those of this one."""
    found = [word for text in texts for word in text.split()]
    counts = {name: sum(word in (*words, _LIKED[name]) for word in found) for name, words in _WORDS.items()}
    return counts[lang] / max(sum(counts.values()), 1)


def test_a_language_asked_for_is_written_and_without_one_both_are(language: Language) -> None:
    assert _share(_written(language, lang="qa"), "qa") > _OBEYED
    assert _share(_written(language, lang="qb"), "qb") > _OBEYED
    assert 0.2 < _share(_written(language), "qa") < 0.8


def test_asking_for_a_better_reception_brings_the_words_that_had_one(language: Language) -> None:
    def liked(texts: list[str]) -> float:
        return float(np.mean([any(word in text.split() for word in _LIKED.values()) for text in texts]))

    assert liked(_written(language, 60, reaction=4)) > liked(_written(language, 60, reaction=0)) + 0.3


def test_a_control_it_does_not_know_is_refused_in_words_and_a_mere_wish_passed_over(language: Language) -> None:
    with pytest.raises(Problem, match="cannot be asked for lang 'fr': it knows qa, qb"):
        language.generate("", lang="fr")
    with pytest.raises(Problem, match="go with a prompt that is text"):
        language.generate([0], reaction=4)
    assert language.knows("fr") == {}
    assert language.knows("qa-Latn", None, 3) == {"lang": "qa-Latn", "reaction": 3}


def test_suggestions_are_in_the_language_of_the_writer(language: Language) -> None:
    for lang, words in _WORDS.items():
        own = [" ".join(words)] * 6
        assert language.register_of(own) is not None
        offers = [offer for seed in range(0, 60, 6) for offer in suggest(language, "", seed=seed, lang=lang, own=own)]
        assert _share(offers, lang) > _OBEYED


def test_a_version_without_controls_writes_and_refuses_what_is_asked_for_outright(
    language: Language, tmp_path: Path
) -> None:
    store = _network(tmp_path, 1)
    old = Language(tmp_path, Reader(store), DecisionLog(store))
    version = language.version
    shutil.copytree(language.folder(version), old.folder(version))
    (old.folder(version).parent / "current").write_text(version)
    whole = Tokenizer.load(old.folder(version))
    special = [name for name in whole.special if name not in whole.controls]
    Tokenizer(whole.ranks, special, whole.pattern).save(old.folder(version))
    assert old.knows("qa", 0, 3) == {}
    assert suggest(old, "basu", seed=1, lang="qa")
    for asked, named in (
        ({"lang": "qa"}, "lang 'qa'"),
        ({"reaction": 4}, "reaction 4"),
        ({"register": 0}, "register 0"),
    ):
        with pytest.raises(Problem, match=named):
            old.generate("", **asked)  # type: ignore[arg-type]
