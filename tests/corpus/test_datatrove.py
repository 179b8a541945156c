"""The corpus's stages under datatrove's own executor, in several processes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytest.importorskip("datatrove")

from datatrove.executor import LocalPipelineExecutor

from myna.corpus import Document, build_corpus, export_corpus, gather, permitted, read_documents
from myna.corpus.datatrove import make_documents, stages
from myna.corpus.parquet import POST_COLUMNS, read_posts, write_posts
from myna.gate import Reader
from myna.network import Person, Post, Problem
from myna.network.store import Store

_DAY = 86_400_000
_WORDS = "rope lamp moss clay fern salt wool tin oak bell corn silk sand glue jar hook nail pear cup door".split()


def _posts(count: int = 900) -> list[Post]:
    """Threads and quotes across all, repeats, near-repeats, a spammer, links and mentions, posts of no words."""
    posts = []
    for n in range(count):
        words = [*np.random.default_rng(n % (count - 40)).choice(_WORDS, 24)]
        if n % 17 == 3:
            # Nearly what was said three posts before.
            words = [*np.random.default_rng(n - 3).choice(_WORDS, 24)[:23], "end"]
        text = " ".join(map(str, words)) + (" @lan https://x.org/1" if n % 7 == 0 else "")
        who = n % 9
        if n % 30 == 11:
            who, text = 99, "Buy one now while there are some left in the shop"
        text = "@lan https://x.org/1" if n % 50 == 21 else text
        reply = f"home:{n - 2 - n % 5}" if n % 3 == 2 and n > 9 else ""
        quote = f"home:{n // 2}" if n % 11 == 7 else ""
        at = (n + 40 * (n % 4 == 1)) * _DAY + 1
        lang = "en" if n % 2 else ""
        posts.append(Post(f"home:{n}", f"home:p{who}", at, text, lang, reply, "", quote))
    return posts


def _store(path: Path) -> Store:
    store = Store(f"sqlite:///{path / 'myna.db'}")
    store.append([Person(f"home:p{who}", f"p{who}") for who in (*range(9), 99)])
    store.append(_posts())
    return store


def _split(folder: Path, parts: int) -> None:
    """The one file of an exported folder as several."""
    (path,) = folder.iterdir()
    metadata = {"myna": pl.read_parquet_metadata(path)["myna"]}
    table = pl.read_parquet(path)
    path.unlink()
    for number in range(parts):
        table.gather_every(parts, number).write_parquet(folder / f"{number}.parquet", metadata=metadata)


def _plain(documents: Sequence[Document]) -> list[Document]:
    return sorted((replace(document, controls=()) for document in documents), key=lambda document: document.at)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    home = tmp_path_factory.mktemp("network")
    store = _store(home)
    export_corpus(Reader(store), home / "posts", posts=True)
    _split(home / "posts", 5)
    return store, home / "posts"


@pytest.mark.parametrize(("tasks", "workers"), [(1, 1), (4, 2)])
def test_the_documents_are_those_of_our_own_path_and_so_is_the_corpus(
    network: tuple[Store, Path], tmp_path: Path, tasks: int, workers: int
) -> None:
    store, posts = network
    found = make_documents(posts, tmp_path / "made", tasks, workers)
    own = gather(*permitted(Reader(store)))
    assert {"exact duplicate", "near-duplicate", "spam: by somebody who repeats"} <= own.dropped.keys()
    assert any(len(document.passages) > 3 for document in own.documents)
    assert _plain([*read_documents(tmp_path / "made")]) == _plain(own.documents)
    assert found["documents"] == len(own.documents)
    # What the export left out before is not among these.
    assert found["dropped"] == {name: n for name, n in own.dropped.items() if name != "nothing but mentions and links"}
    built = build_corpus(Reader(store), tmp_path / "corpus", folder=tmp_path / "made")
    assert built.description.hash == build_corpus(Reader(store), tmp_path / "own").description.hash
    assert not list(tmp_path.glob(".made*"))


def test_posts_that_nobody_cleaned_are_cleaned_first(tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    rows = [{name: getattr(post, name) for name in POST_COLUMNS} for post in _posts()]
    names = ["id", "author_id", "created_at", "text", "lang", "reply_to", "quote_of"]
    pl.DataFrame(rows, POST_COLUMNS).select(names).write_parquet(tmp_path / "posts" / "raw.parquet")
    found = make_documents(tmp_path / "posts", tmp_path / "made", 2, 1)
    own = gather(_posts())
    assert found["dropped"] == own.dropped
    assert _plain([*read_documents(tmp_path / "made")]) == _plain(own.documents)


def test_a_stopped_run_goes_on_with_the_tasks_that_are_left(network: tuple[Store, Path], tmp_path: Path) -> None:
    _, posts = network
    with pytest.raises(Problem, match=r"were stopped|spoilt"):
        _stopped(posts, tmp_path / "made")
    work = tmp_path / ".made.making"
    kept = {path: path.stat().st_mtime_ns for path in (work / "cleaned").iterdir()}
    assert len(kept) == 3
    with pytest.raises(Problem, match="another number of tasks"):
        make_documents(posts, tmp_path / "made", 2, 1)
    (work / "logs" / "clean" / "completions" / "00001").unlink()
    seen: list[dict[Path, int]] = []

    def look(done: int, total: int) -> None:
        if (done, total) == (1, 5):
            seen.append({path: path.stat().st_mtime_ns for path in kept})

    make_documents(posts, tmp_path / "made", 3, 1, look)
    again = [path.name for path, at in kept.items() if seen[0][path] != at]
    assert again == ["00001.parquet"], "only the task that was not done is done again"
    make_documents(posts, tmp_path / "whole", 3, 1)
    assert [*read_documents(tmp_path / "made")] == [*read_documents(tmp_path / "whole")]


def _stopped(posts: Path, directory: Path) -> None:
    """A run that stops when its first stage is done."""

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise Problem("were stopped")

    make_documents(posts, directory, 3, 1, stop)


def test_what_cannot_be_read_is_told_in_words_also_by_another_process(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "posts").mkdir(exist_ok=True)
        pl.DataFrame({"id": ["home:1"], "text": [name]}).write_parquet(tmp_path / "posts" / f"{name}.parquet")
    with pytest.raises(Problem, match="has no column author_id, created_at"):
        make_documents(tmp_path / "posts", tmp_path / "made", 2, 2)
    with pytest.raises(Problem, match="no Parquet files"):
        make_documents(tmp_path / "nowhere", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_posts_without_words_make_no_documents(tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    write_posts([Post("home:1", "home:a", 1, "x")], tmp_path / "posts", {})
    table = pl.read_parquet(tmp_path / "posts" / "posts-00000.parquet").with_columns(text=pl.lit("@lan"))
    (tmp_path / "posts" / "posts-00000.parquet").unlink()
    table.write_parquet(tmp_path / "posts" / "raw.parquet")
    with pytest.raises(Problem, match="none of the posts has words"):
        make_documents(tmp_path / "posts", tmp_path / "made", 3)


def test_steps_of_others_can_stand_between_ours(network: tuple[Store, Path], tmp_path: Path) -> None:
    _, posts = network
    (tmp_path / "out").mkdir()

    def short(data: object, rank: int = 0, world_size: int = 1) -> object:
        return (document for document in data if len(document.metadata["post_ids"]) == 1)  # type: ignore[attr-defined]

    for stage in stages(posts, tmp_path / "work", tmp_path / "out", 2):
        steps = [*stage.steps[:1], short, *stage.steps[1:]] if stage.name == "join" else stage.steps
        LocalPipelineExecutor(steps, stage.tasks, 1, str(tmp_path / "logs" / stage.name)).run()
    made = [*read_documents(tmp_path / "out")]
    assert made and all(len(document.passages) == 1 for document in made)
    assert read_posts(next(posts.iterdir()))
