import json
from pathlib import Path

import numpy as np
import pytest
import torch

from myna.app.conversations import build_conversations, read_examples, threads
from myna.app.language import Language
from myna.corpus import Corpus, Tokenizer
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.model import load_model
from myna.model.guarding import Guarded
from myna.network import Deletion, Person, Post, Problem
from myna.network.store import Store
from myna.training import Dial

_MINUTES = 0.03


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_THREADS", "1")


def _network(home: Path) -> tuple[Store, Language]:
    store = Store(f"sqlite:///{home / 'myna.db'}")
    store.append([Person("home:a", "a")])
    for n in range(80):
        words = " ".join(("rope", "lamp", "moss", "clay", "fern", "salt", "wool")[(n * k + k) % 7] for k in range(1, 9))
        text = f"{('the tram', 'our library')[n % 2]} needs thing {n} in the town today {words}"
        store.append([Post(f"home:{n}", "home:a", 1000 + n, text, "en", f"home:{n - 1}" if n % 4 in (1, 2) else "")])
    return store, Language(home, Reader(store), DecisionLog(store))


def _examples(folder: Path, *conversations: list[tuple[str, str]]) -> Path:
    path = folder / "examples.jsonl"
    lines = [{"messages": [{"role": role, "content": text} for role, text in turns]} for turns in conversations]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_a_thread_is_read_up_to_its_answer_and_only_the_answer_is_learned() -> None:
    posts = [
        *(Post("a", "p", 1, "who mends boats"), Post("b", "q", 2, "the smith", "", "a")),
        Post("c", "p", 3, "thanks", "", "b"),
    ]
    first, second = threads(posts)
    assert [(p.post_id, p.context) for p in first.passages] == [("a", True), ("b", False)]
    assert [(p.post_id, p.context) for p in second.passages] == [("a", True), ("b", True), ("c", False)]


def test_posts_that_answer_in_a_circle_end_somewhere() -> None:
    posts = [Post("a", "p", 1, "one", "", "b"), Post("b", "q", 2, "two", "", "a"), Post("c", "p", 3, "self", "", "c")]
    assert [len(document.passages) for document in threads(posts)] == [2, 2]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"messages": [{"role": "user"}]}', '{"messages": [{"role": "bird", "content": "x"}]}']
)
def test_examples_of_another_form_are_refused_with_their_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text("\n" + line)
    with pytest.raises(Problem, match="line 2"):
        read_examples(path)


def test_only_answers_carry_loss_and_a_deleted_post_goes_from_conversations_too(tmp_path: Path) -> None:
    store, language = _network(tmp_path)
    version = language.train(_MINUTES)["version"]
    tokenizer = Tokenizer.load(tmp_path / "models" / "language" / str(version))
    examples = _examples(tmp_path, [("user", "are you open"), ("assistant", "every day from nine")])
    corpus = build_conversations(Reader(store), tmp_path / "corpus", tokenizer, examples)
    ids, learn = np.asarray(corpus.tokens), np.asarray(corpus.learn).astype(bool)
    begin, end = corpus.documents[:2]
    learned = ids[begin:end][learn[begin:end]].tolist()
    assert tokenizer.decode(learned[1:]) == "every day from nine"
    assert "thing 5 in" in tokenizer.decode(ids.tolist())
    store.append([Deletion("home:5", "post", 9)])
    assert language.drop(["home:5"]) >= 1
    assert "thing 5 in" not in tokenizer.decode(np.asarray(Corpus(corpus.directory).tokens).tolist())


def test_the_version_in_use_learns_to_answer_and_a_new_version_says_so(tmp_path: Path) -> None:
    store, language = _network(tmp_path)
    with pytest.raises(Problem, match="no language model"):
        language.train(_MINUTES, chat=True)
    first = language.train(Dial(tokens=16_384, context=64, batch=8))["version"]
    vectors = language.embed(["the tram"])
    examples = _examples(tmp_path, *[[("user", "are you open"), ("assistant", "every day from nine")]] * 60)
    second = language.train(Dial(tokens=65_536, context=64, batch=8, rate=3), chat=True, examples=examples)["version"]
    assert language.version == second != first
    about = language.about()
    assert (about["chat"], about["start"]) == (True, first)
    assert np.array_equal(language.embed(["the tram"]), vectors)
    assert DecisionLog(store).count("train") == 2
    folder = tmp_path / "models" / "language" / str(second)
    tokenizer, model = Tokenizer.load(folder), load_model(folder)
    ids = [tokenizer.end, *tokenizer.encode("are you open"), tokenizer.reply]
    asked = len(ids)
    for _ in range(20):
        with torch.no_grad():
            ids.append(int(model.lm_head(model.hidden(torch.tensor([ids]), tokenizer.end)[0, -1]).argmax()))
    assert tokenizer.decode(ids[asked:]).startswith("every day from nine")


def test_what_the_first_version_may_not_repeat_one_that_learned_to_answer_may_not_either(tmp_path: Path) -> None:
    _, language = _network(tmp_path)
    first = language.train(Dial(tokens=2048, context=64, batch=8))["version"]
    answer = "we mend oars and sails every day but Sunday, from nine until the last boat is in"
    examples = _examples(tmp_path, *[[("user", "are you open"), ("assistant", answer)]] * 30)
    second = language.train(Dial(tokens=2048, context=64, batch=8), chat=True, examples=examples)["version"]
    before, after = (Guarded.load(tmp_path / "models" / "language" / str(version)) for version in (first, second))
    assert len(before.hashes)
    assert np.isin(before.hashes, after.hashes).all()
    # The operator's own answers are there to be given.
    assert not after.holds(answer)
