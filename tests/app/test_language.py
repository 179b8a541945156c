import json
import shutil
import threading
from pathlib import Path

import filelock
import numpy as np
import pytest

from myna.app.language import Language, allocator_environment
from myna.corpus import Corpus
from myna.decisions import DecisionLog
from myna.gate import Reader
from myna.model.guarding import Guarded
from myna.network import Consent, Deletion, Person, Post, Problem, Purpose
from myna.network.store import Store
from myna.training import Dial

_MINUTES = 0.03
_WORDS = (
    "rope lamp moss clay fern salt wool tin oak bell corn silk sand glue jar hook nail pear cup door gate wax".split()
)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYNA_THREADS", "1")


def _network(home: Path, posts: int) -> tuple[Store, Language]:
    home.mkdir(exist_ok=True)
    store = Store(f"sqlite:///{home / 'myna.db'}")
    subjects = ("the tram", "our library", "a gardener", "the old bridge", "my neighbour")
    verbs = ("needs", "likes", "repairs", "has lost", "talks about")
    store.append([Person("home:a", "a")])
    for n in range(posts):
        # Some words in no order: a text of phrases alone is a handful of tokens.
        seen = " ".join(_WORDS[(n * 7 + place * place * 5 + n * place) % len(_WORDS)] for place in range(8))
        text = f"{subjects[n % 5]} {verbs[n // 5 % 5]} thing {n} in the town today {seen}"
        store.append([Post(f"home:{n}", "home:a", 1000 + n, text, "en", f"home:{n - 1}" if n % 5 == 4 else "")])
    return store, Language(home, Reader(store), DecisionLog(store))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store, dict[str, object]]:
    home = tmp_path_factory.mktemp("home")
    store, language = _network(home, 300)
    return home, store, language.train(_MINUTES)


def _language(trained: tuple[Path, Store, dict[str, object]]) -> Language:
    home, store, _ = trained
    return Language(home, Reader(store), DecisionLog(store))


def test_before_training_there_is_no_model_and_it_says_what_to_do(tmp_path: Path) -> None:
    _, language = _network(tmp_path, 0)
    assert not language.ready
    assert language.version == ""
    assert language.curve() == []
    for use in (lambda: language.generate("x"), lambda: language.embed(["x"]), lambda: language.count_tokens("x")):
        with pytest.raises(Problem, match="myna train"):
            use()


def test_an_empty_network_says_how_to_fill_it(tmp_path: Path) -> None:
    _, language = _network(tmp_path, 0)
    with pytest.raises(Problem, match="myna import PATH"):
        language.train(_MINUTES)


def test_a_trained_model_writes_embeds_and_counts(trained: tuple[Path, Store, dict[str, object]]) -> None:
    language = _language(trained)
    assert language.ready
    assert language.version == trained[2]["version"]
    assert list(language.generate("the tram", 10, seed=1)) == list(language.generate("the tram", 10, seed=1))
    vectors = language.embed(["the tram needs thing 7", "our library"])
    assert vectors.shape[0] == 2
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert language.count_tokens("the tram in the town") > 0


def test_transformers_loads_the_published_folder(trained: tuple[Path, Store, dict[str, object]]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    language = _language(trained)
    folder = trained[0] / "models" / "language" / language.version
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("the tram", return_tensors="pt")["input_ids"]
    written = AutoModelForCausalLM.from_pretrained(folder).generate(ids, max_new_tokens=5, do_sample=False)
    assert written.shape[1] > ids.shape[1]


def test_the_decision_says_what_was_learned_from(trained: tuple[Path, Store, dict[str, object]]) -> None:
    language = _language(trained)
    (decision,) = DecisionLog(trained[1]).latest("train")
    assert decision.model == language.version
    assert decision.input["corpus"]["admitted"] == {"own network": 300}
    assert decision.input["plan"]["minutes"] == _MINUTES
    assert decision.output["bits_per_byte"] == trained[2]["bits_per_byte"]
    assert decision.output["reasons"]


def test_the_curve_has_losses_and_measures(trained: tuple[Path, Store, dict[str, object]]) -> None:
    curve = _language(trained).curve()
    assert {"step", "steps", "tokens", "seconds", "at"} <= curve[0].keys()
    assert any("bits_per_byte" in point for point in curve)
    assert curve[-1]["step"] == curve[-1]["steps"]


def test_many_threads_may_write_and_embed_at_once(trained: tuple[Path, Store, dict[str, object]]) -> None:
    language = _language(trained)
    alone = "".join(language.generate("our library", 20, seed=4)), language.embed(["our library"])
    found: list[tuple[str, np.ndarray]] = []

    def use() -> None:
        found.append(("".join(language.generate("our library", 20, seed=4)), language.embed(["our library"])))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(text == alone[0] and np.array_equal(vectors, alone[1]) for text, vectors in found)


@pytest.mark.parametrize("posts", [1, 2, 20])
def test_the_smallest_networks_train(tmp_path: Path, posts: int) -> None:
    _, language = _network(tmp_path, posts)
    result = language.train(_MINUTES)
    assert result["documents"] >= 1
    "".join(language.generate("the tram", 5, seed=0))
    assert language.embed([""]).shape[0] == 1


def test_training_again_makes_a_new_version_and_keeps_the_old(tmp_path: Path) -> None:
    store, language = _network(tmp_path, 60)
    first = language.train(_MINUTES)["version"]
    before = language.embed(["the tram"])
    store.append([Post(f"home:n{n}", "home:a", 5000 + n, f"a new matter {n} of boats and rivers") for n in range(60)])
    second = language.train(_MINUTES, seed=1)["version"]
    assert first != second
    assert language.version == second
    assert set(language.versions()) == {first, second}
    assert not np.array_equal(language.embed(["the tram"]), before)
    assert DecisionLog(store).count("train") == 2


@pytest.mark.parametrize("stage", ["building the corpus", "planning", "training", "embedding", "publishing"])
def test_a_run_killed_at_any_stage_goes_on_and_publishes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    places = {
        "building the corpus": "myna.corpus.build.write_corpus",
        "planning": "myna.training.calibrated_plan",
        "training": "myna.training.loop.Trainer.bits_per_byte",
        "embedding": "myna.model.contrast._start",
        "publishing": "myna.decisions.log.DecisionLog.get",
    }
    store, language = _network(tmp_path, 60)
    with monkeypatch.context() as patched:
        patched.setattr(places[stage], die)
        with pytest.raises(Killed):
            language.train(_MINUTES)
    assert not language.ready
    again = Language(tmp_path, Reader(store), DecisionLog(store))
    result = again.train(_MINUTES)
    assert again.versions() == [result["version"]]
    assert DecisionLog(store).count("train") == 1
    assert not (tmp_path / "models" / "language" / "run").exists()


def test_progress_only_grows_and_reaches_the_end(tmp_path: Path) -> None:
    _, language = _network(tmp_path, 60)
    seen: list[float] = []
    language.train(_MINUTES, lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_deleted_post_leaves_the_tokens_that_wait_to_be_learned(tmp_path: Path) -> None:
    store, language = _network(tmp_path, 60)
    language.train(_MINUTES)

    def held() -> str:
        (folder,) = [path for path in (tmp_path / "corpus").iterdir() if path.is_dir()]
        corpus = Corpus(folder)
        return corpus.tokenizer.decode(np.asarray(corpus.tokens).tolist())

    assert "thing 17 in" in held()
    store.append([Deletion("home:17", "post", 9)])
    assert language.drop(["home:17"]) == 1
    assert "thing 17 in" not in held()
    assert "thing 18 in" in held()


def test_a_no_said_while_a_run_waits_holds_when_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, language = _network(tmp_path, 60)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("myna.training.calibrated_plan", interrupted)
        with pytest.raises(KeyboardInterrupt):
            language.train(_MINUTES)
    store.append([Consent("home:23", Purpose.TRAIN, False, "home:a", 9)])
    language.train(_MINUTES)
    (folder,) = [path for path in (tmp_path / "corpus").iterdir() if path.is_dir()]
    corpus = Corpus(folder)
    assert "thing 23 in" not in corpus.tokenizer.decode(np.asarray(corpus.tokens).tolist())


def test_a_manifest_gives_the_same_run_again_and_refuses_another_text(tmp_path: Path) -> None:
    store, language = _network(tmp_path, 100)
    first = str(language.train(_MINUTES)["version"])
    folder = tmp_path / "models" / "language"
    manifest = tmp_path / "manifest.json"
    shutil.copyfile(folder / first / "manifest.json", manifest)
    body = json.loads(manifest.read_text())
    assert body["facts"] == Reader(store).last_seq()
    assert {"plan", "corpus", "source", "torch", "machine", "processes", "pair_steps"} <= body.keys()
    second = str(language.train(Dial(**body["dial"]), manifest=manifest)["version"])
    # Names end in the hash of the weights.
    assert first.rpartition("-")[2] == second.rpartition("-")[2]
    store.append([Post("home:more", "home:a", 5000, "a new matter of boats and rivers")])
    shutil.rmtree(tmp_path / "corpus")
    with pytest.raises(Problem, match="needs the same text"):
        language.train(Dial(**body["dial"]), manifest=manifest)
    manifest.write_text("{}")
    with pytest.raises(Problem, match="no manifest"):
        language.train(_MINUTES, manifest=manifest)


def test_a_budget_of_tokens_reads_as_many(tmp_path: Path) -> None:
    _, language = _network(tmp_path, 60)
    told: list[dict[str, object]] = []
    result = language.train(Dial(tokens=8192, context=64, batch=8), tell=told.append)
    assert result["tokens"] == 8192
    stages = ["reading posts", "timing this machine", "asking for planted secrets", "embedding"]
    assert [point["stage"] for point in told if "stage" in point] == stages
    assert any("sample" in point for point in told)


def test_a_post_forgotten_gives_the_weights_of_a_network_that_dropped_it_before_training(tmp_path: Path) -> None:
    dial = Dial(tokens=24_576, context=64, batch=8, slices=3)
    _, language = _network(tmp_path / "a", 90)
    before = str(language.train(dial)["version"])
    manifest = tmp_path / "manifest.json"
    shutil.copyfile(tmp_path / "a" / "models" / "language" / before / "manifest.json", manifest)
    with pytest.raises(Problem, match="learned nothing from"):
        language.train(1, forget=["home:none"])
    post = Corpus(next((tmp_path / "a" / "corpus").iterdir())).posts["post_id"][-8]
    after = str(language.train(1, forget=[post])["version"])

    _, other = _network(tmp_path / "b", 90)
    shutil.copytree(tmp_path / "a" / "corpus", tmp_path / "b" / "corpus")
    never = str(other.train(dial, manifest=manifest)["version"])
    folders = (tmp_path / "a" / "models" / "language", tmp_path / "b" / "models" / "language")
    weights = [
        (folder / version / "model.safetensors").read_bytes()
        for folder, version in ((folders[0], before), (folders[0], after), (folders[1], never))
    ]
    assert weights[0] != weights[1] == weights[2]
    assert [path.name for path in (folders[0] / "kept").iterdir()] == [after]


def test_what_was_not_trained_in_slices_says_how_to_forget(trained: tuple[Path, Store, dict[str, object]]) -> None:
    with pytest.raises(Problem, match="--slices"):
        _language(trained).train(1, forget=["home:1"])


def test_two_cannot_train_at_once(tmp_path: Path) -> None:
    _, language = _network(tmp_path, 20)
    folder = tmp_path / "models" / "language"
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / "train.lock"), pytest.raises(Problem, match="Another process is training"):
        Language(tmp_path, language._reader, language._log).train(_MINUTES)


def test_a_dial_out_of_range_and_unusable_sampling_are_refused(trained: tuple[Path, Store, dict[str, object]]) -> None:
    language = _language(trained)
    for minutes in (0, -1, float("nan")):
        with pytest.raises(Problem, match="minutes"):
            language.train(minutes)
    with pytest.raises(Problem, match="temperature"):
        language.generate("x", temperature=-1)


def test_the_allocators_variables_are_named_until_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in allocator_environment().items():
        monkeypatch.setenv(name, value)
    assert allocator_environment() == {}


def test_a_version_that_gives_away_planted_secrets_is_not_used(
    trained: tuple[Path, Store, dict[str, object]], tmp_path: Path
) -> None:
    home, store, _ = trained
    shutil.copytree(home / "models", tmp_path / "models")
    language = Language(tmp_path, Reader(store), DecisionLog(store))
    assert language.embed(["a"]).shape[0] == 1
    path = tmp_path / "models" / "language" / language.version / "myna.json"
    about = json.loads(path.read_text())
    assert about["leaks"] == 0
    path.write_text(json.dumps(about | {"planted": 40, "leaks": 3}))
    language = Language(tmp_path, Reader(store), DecisionLog(store))
    for use in (lambda: language.generate("x"), lambda: language.embed(["x"])):
        with pytest.raises(Problem, match="gives away 3 of 40"):
            use()


def test_what_one_person_wrote_is_not_repeated_word_for_word(trained: tuple[Path, Store, dict[str, object]]) -> None:
    language = _language(trained)
    corpus = Corpus(next((trained[0] / "corpus").iterdir()))
    guarded = Guarded.load(trained[0] / "models" / "language" / language.version)
    assert len(guarded.hashes), "one author wrote all of it"
    posts = [text for _, text, _ in corpus.said(0, corpus.train_documents)]
    assert any(guarded.holds(text) for text in posts)
    for post in posts[:20]:
        prompt = post[: len(post) // 2]
        written = "".join(language.generate(prompt, 30, temperature=0))
        assert guarded.allowed(prompt, written) == len(written), written


def test_a_version_from_before_runs_of_letters_were_guarded_does_not_write(
    trained: tuple[Path, Store, dict[str, object]], tmp_path: Path
) -> None:
    home, store, _ = trained
    shutil.copytree(home / "models", tmp_path / "models")
    language = Language(tmp_path, Reader(store), DecisionLog(store))
    folder = tmp_path / "models" / "language" / language.version
    (folder / "guarded.npy").rename(folder / "verbatim.npy")
    with pytest.raises(Problem, match="Train again with `myna train`"):
        language.generate("x")
    assert language.embed(["x"]).shape[0] == 1
