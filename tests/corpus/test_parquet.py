import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from myna.corpus import PLANTED, build_corpus, export_corpus, folder_hash, read_documents
from myna.corpus.parquet import about_shard, read_posts
from myna.gate import Reader
from myna.network import Consent, Deletion, Person, Post, Problem, Purpose, Visibility
from myna.network.store import Store

_DAY = 86_400_000
_WORDS = "rope lamp moss clay fern salt wool tin oak bell corn silk sand glue jar hook nail pear cup door".split()


def _text(n: int) -> str:
    return " ".join(np.random.default_rng(n).choice(_WORDS, 12))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Threads, quotes, repeats, mentions, languages said and not said, reactions, and what may not be learned."""
    store = Store(f"sqlite:///{tmp_path / 'myna.db'}")
    people = [Person(f"home:p{who}", f"p{who}") for who in range(24)]
    posts = []
    for n in range(600):
        reply = f"home:{n - 2}" if n % 3 == 2 else ""
        quote = f"home:{n - 5}" if n % 11 == 7 else ""
        text = (
            _text(n % 550)
            + (" #trams" if n % 5 == 0 else "")
            + (" @lan@example.org https://x.org/1" if n % 7 == 0 else "")
        )
        lang = "en" if n % 2 else ""
        posts.append(
            Post(f"home:{n}", f"home:p{n % 24}", (n + 1) * _DAY, text, lang, reply, "", quote, like_count=n % 13)
        )
    store.append([*people, *posts])
    store.append([Post("home:f", "home:p1", 5, "For followers only", visibility=Visibility.FOLLOWERS)])
    store.append([Post("home:m", "home:p1", 6, "@lan")])
    return store


def _held(corpus: Any) -> str:
    return corpus.tokenizer.decode(np.asarray(corpus.tokens).tolist())


def test_a_corpus_built_from_the_exported_documents_is_the_same_to_the_bit(store: Store, tmp_path: Path) -> None:
    reader = Reader(store)
    own = build_corpus(reader, tmp_path / "own")
    exported = export_corpus(reader, tmp_path / "out")
    theirs = build_corpus(reader, tmp_path / "theirs", folder=tmp_path / "out")
    assert theirs.description.hash == own.description.hash
    assert exported.rows == own.description.documents
    assert theirs.description.dropped == own.description.dropped == exported.dropped
    assert "<|reply|>" in _held(own) and "<|quote|>" in _held(own) and "<|reaction:" in _held(own)
    assert "<|topic:trams|>" in _held(own)


def test_documents_name_their_posts_authors_and_times_and_the_files_what_they_hold(
    store: Store, tmp_path: Path
) -> None:
    export_corpus(Reader(store), tmp_path / "out")
    (path,) = (tmp_path / "out").iterdir()
    about = about_shard(path)
    assert about["kind"] == "documents" and about["facts"] == Reader(store).last_seq()
    table = pl.read_parquet(path)
    rows = [row for row in table.iter_rows(named=True) if row["post_ids"][:3] == ["home:0", "home:2", "home:7"]]
    assert rows[0]["author_ids"][:3] == ["home:p0", "home:p2", "home:p7"]
    assert rows[0]["times"][:3] == [_DAY, 3 * _DAY, 8 * _DAY]
    first, rest = rows[0]["text"].split("<|reply|>")[:2]
    assert first.endswith("<|user|> <|url|>") and rest.split("<|quote|>")[0] == _text(2)
    words = " ".join(table["text"])
    assert "lan@" not in words and "followers" not in words


def test_what_was_deleted_or_withdrawn_since_is_left_out_and_its_thread_is_cut_there(
    store: Store, tmp_path: Path
) -> None:
    reader = Reader(store)
    export_corpus(reader, tmp_path / "out")
    store.append([Deletion("home:2", "post", 9), Consent("home:p3", Purpose.TRAIN, False, "home:p3", 9)])
    corpus = build_corpus(reader, tmp_path / "corpus", folder=tmp_path / "out")
    text = _held(corpus)
    assert _text(2) not in text and _text(3) not in text
    assert _text(0) in text and f"<|reply|>{_text(5)}" not in text, "what answered a post that is gone begins anew"
    assert _text(5) in text
    assert "home:p3" not in set(corpus.posts["author_id"])
    assert corpus.description.dropped["deleted, withdrawn or not in the log"] > 1


def test_posts_that_the_log_does_not_hold_are_not_learned(store: Store, tmp_path: Path) -> None:
    export_corpus(Reader(store), tmp_path / "out")
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(Problem, match="admits none of the posts"):
        build_corpus(Reader(other), tmp_path / "corpus", folder=tmp_path / "out")


def test_posts_are_written_cleaned_a_row_each_before_repeats_are_dropped(store: Store, tmp_path: Path) -> None:
    exported = export_corpus(Reader(store), tmp_path / "posts", posts=True)
    (path,) = (tmp_path / "posts").iterdir()
    posts = read_posts(path)
    assert exported.rows == len(posts) == 600
    assert exported.dropped == {"nothing but mentions and links": 1}
    assert posts[0].text.endswith("<|user|> <|url|>") and posts[0].lang
    assert (posts[2].reply_to, posts[7].quote_of, posts[12].like_count) == ("home:0", "home:2", 12)
    with pytest.raises(Problem, match="holds posts, not documents"):
        list(read_documents(tmp_path / "posts"))


def test_files_for_others_hold_only_what_may_be_exported(store: Store, tmp_path: Path) -> None:
    reader = Reader(store)
    with pytest.raises(Problem, match="nothing to write"):
        export_corpus(reader, tmp_path / "out", shared=True)
    assert not (tmp_path / "out").exists()
    store.append([Consent("home:p4", Purpose.EXPORT, True, "home:p4", 9)])
    for posts in (False, True):
        export_corpus(reader, tmp_path / f"out{posts}", posts, shared=True)
    authors = {p.author_id for d in read_documents(tmp_path / "outFalse") for p in d.passages}
    assert authors == {"home:p4"}
    assert {post.author_id for post in read_posts(*(tmp_path / "outTrue").iterdir())} == {"home:p4"}


def test_an_export_that_was_stopped_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done * 2 > total:
            raise KeyboardInterrupt

    for posts in (False, True):
        with pytest.raises(KeyboardInterrupt):
            export_corpus(Reader(store), tmp_path / "deep" / "out", posts, progress=stop)
        assert not list((tmp_path / "deep").iterdir())


def test_a_folder_with_something_in_it_is_not_written_into(store: Store, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(Problem, match="is there already"):
        export_corpus(Reader(store), tmp_path / "out")


def _rewritten(change: pl.Expr | None = None, drop: str = "") -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (path,) = folder.iterdir()
        table = pl.read_parquet(path)
        (table.drop(drop) if drop else table.with_columns(change)).write_parquet(path)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_rewritten(drop="post_ids"), "has no column post_ids"),
        (_rewritten(pl.lit(None, pl.String).alias("text")), "rows without text"),
        (_rewritten(pl.lit("one<|reply|>two<|reply|>three").alias("text")), "row 1: the text has 3 posts"),
        (_rewritten(pl.lit("<|endoftext|>").alias("text")), "row 1: there is a special token"),
        (_rewritten(pl.lit("ever").alias("times")), "cannot be read"),
        (lambda folder: next(folder.iterdir()).write_bytes(b"PAR1 no"), "cannot be read as Parquet"),
        (lambda folder: next(folder.iterdir()).rename(folder / "a.txt"), "no Parquet files"),
    ],
)
def test_a_folder_that_holds_no_documents_is_refused_with_what_is_wrong(
    spoil: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'one.db'}")
    store.append([Person("home:a", "a"), *(Post(f"home:{n}", "home:a", n + 1, _text(n)) for n in range(3))])
    export_corpus(Reader(store), tmp_path / "out")
    before = folder_hash(tmp_path / "out")
    spoil(tmp_path / "out")
    with pytest.raises(Problem, match=said):
        build_corpus(Reader(store), tmp_path / "corpus", folder=tmp_path / "out")
    if any(path.suffix == ".parquet" for path in (tmp_path / "out").iterdir()) and "as Parquet" not in said:
        assert folder_hash(tmp_path / "out") != before


def test_a_post_that_stands_twice_in_the_files_is_learned_once(store: Store, tmp_path: Path) -> None:
    reader = Reader(store)
    export_corpus(reader, tmp_path / "out")
    own = build_corpus(reader, tmp_path / "own", folder=tmp_path / "out")
    (file,) = (tmp_path / "out").glob("*.parquet")
    shutil.copyfile(file, file.with_name("zzz.parquet"))
    twice = build_corpus(reader, tmp_path / "twice", folder=tmp_path / "out")
    assert twice.posts.filter(pl.col("learn"))["post_id"].is_duplicated().sum() == 0
    assert twice.description.dropped["repeated in the files"] == own.posts.filter(pl.col("learn") & ~_planted()).height


def _planted() -> pl.Expr:
    return pl.col("post_id").str.starts_with(PLANTED)


def test_times_in_units_of_their_own_are_refused(store: Store, tmp_path: Path) -> None:
    export_corpus(Reader(store), tmp_path / "out")
    (file,) = (tmp_path / "out").glob("*.parquet")
    found = pl.read_parquet(file)
    found.with_columns(pl.col("times").cast(pl.List(pl.Datetime("us")))).write_parquet(file)
    with pytest.raises(Problem, match="milliseconds"):
        build_corpus(Reader(store), tmp_path / "corpus", folder=tmp_path / "out")
