"""What a person is taken to be interested in, and how they have a say in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from myna.network import Action, ActionKind, Consent, Deletion, Fact, Post, Problem, Purpose, now_ms
from myna.network.store import Store
from myna.people import Interests
from myna.people.space import learn

Open = Callable[[], Interests]
FOOTBALL = {"match", "goal", "striker", "keeper", "league", "penalty", "referee", "stadium"}


@pytest.fixture
def filled(store: Store, interests: Open, network: Callable[..., list[Fact]]) -> Interests:
    store.append(network())
    found = interests()
    found.follow()
    return found


def test_interests_are_the_planted_ones_with_their_posts(filled: Interests, store: Store) -> None:
    found = filled.of("home:p0")
    assert found and all(set(interest.topic.split(", ")) <= FOOTBALL for interest in found)
    assert sum(interest.weight for interest in found) == pytest.approx(1)
    for interest in found:
        for post in store.posts(interest.evidence).values():
            assert FOOTBALL & set(post.text.split())


def test_words_of_grammar_name_no_topic(filled: Interests) -> None:
    for name in filled.topics():
        assert not {"the", "a", "is", "of", "my", "very", "with"} & set(name.split(", "))


def test_vietnamese_topics_are_named_in_vietnamese(filled: Interests) -> None:
    topic = filled.of("home:p3")[0].topic
    assert any(syllable in topic for syllable in ("phở", "bánh", "mắm", "húng", "bò", "quế", "tái", "cuốn"))


def test_somebody_unknown_or_silent_has_none(filled: Interests) -> None:
    assert filled.of("home:nobody") == []


def test_one_like_makes_no_interest(filled: Interests, store: Store) -> None:
    from myna.network import Person

    cooking = next(post.id for post in store.posts_by("home:p1"))
    store.append([Person("home:shy", "shy"), Action("home:one", "home:shy", cooking, ActionKind.LIKE, now_ms())])
    filled.follow()
    assert filled.of("home:shy") == []


def test_a_hidden_interest_has_no_weight_is_used_for_nothing_and_can_be_taken_back(filled: Interests) -> None:
    before = filled.of("home:p0")
    filled.hide("home:p0", before[0].id)
    after = filled.of("home:p0")
    hidden = [interest for interest in after if interest.hidden]
    assert [interest.id for interest in hidden] == [before[0].id] and hidden[0].weight == 0 and not hidden[0].evidence
    assert all(interest.id != before[0].id for interest in after if not interest.hidden)
    assert not filled.matches("home:p0", [before[0].id])
    filled.hide("home:p0", before[0].id, hidden=False)
    assert [interest.id for interest in filled.of("home:p0")] == [interest.id for interest in before]


def test_hiding_what_is_no_topic_is_refused(filled: Interests) -> None:
    with pytest.raises(Problem):
        filled.hide("home:p0", "t-nothing")


def test_what_was_hidden_stays_hidden_after_a_restart_and_a_rebuild(filled: Interests, interests: Open) -> None:
    hidden = filled.of("home:p0")[0]
    filled.hide("home:p0", hidden.id)
    again = interests()
    again.rebuild()
    assert [interest.id for interest in again.of("home:p0") if interest.hidden] == [hidden.id]


def test_topics_keep_their_ids_when_learnt_again_from_more(
    filled: Interests, store: Store, network: Callable[..., list[Fact]]
) -> None:
    before = dict(zip(filled.known.ids, filled.known.telling, strict=True))
    more = [fact for fact in network(posts=520, likes=0) if isinstance(fact, Post)]
    store.append([Post(f"{post.id}b", post.author_id, post.created_at, post.text, post.lang) for post in more[:120]])
    filled.rebuild()
    kept = set(filled.known.ids) & set(before)
    assert len(kept) >= 0.5 * min(len(before), len(filled.known))


def test_a_deletion_takes_a_post_out_of_the_evidence(filled: Interests, store: Store) -> None:
    gone = filled.of("home:p0")[0].evidence[0]
    store.append([Deletion(gone, "post", now_ms())])
    assert all(gone not in interest.evidence for interest in filled.of("home:p0"))


def test_ads_see_only_evidence_permitted_for_ads(filled: Interests, store: Store) -> None:
    assert filled.matches("home:p0", ["goal", "match", "striker", "league"])
    assert not filled.matches("home:p0", ["garlic", "dough"])
    store.append([Consent(f"home:p{n}", Purpose.ADS, False, f"home:p{n}", now_ms()) for n in (4, 8)])
    found = filled.matches("home:p0", list(FOOTBALL))
    authors = {store.posts([id])[id].author_id for interest in found for id in interest.evidence}
    assert authors == {"home:p0"}
    store.append([Consent("home:p0", Purpose.ADS, False, "home:p0", now_ms())])
    assert not filled.matches("home:p0", list(FOOTBALL))


def test_a_post_closed_to_recommending_is_no_evidence(filled: Interests, store: Store) -> None:
    store.append([Consent("home:p4", Purpose.RECOMMEND, False, "home:p4", now_ms())])
    authors = {
        store.posts([id])[id].author_id for interest in filled.of("home:p0") for id in interest.evidence
    }  # fmt: skip
    assert authors and "home:p4" not in authors


def test_a_restart_reads_the_snapshot_and_comes_to_the_same(filled: Interests, interests: Open, tmp_path: Path) -> None:
    filled.rebuild()
    before = [filled.of(f"home:p{n}") for n in range(4)]
    reopened = interests()
    assert (tmp_path / "people" / "activity.npz").exists()
    for n in range(4):
        after = reopened.of(f"home:p{n}")
        assert [(i.id, i.topic, i.evidence) for i in after] == [(i.id, i.topic, i.evidence) for i in before[n]]
        assert [i.weight for i in after] == pytest.approx([i.weight for i in before[n]], rel=1e-4)


@pytest.mark.parametrize("name", ["activity.npz", "topics.npz"])
def test_a_damaged_file_is_made_again(filled: Interests, interests: Open, tmp_path: Path, name: str) -> None:
    filled.rebuild()
    file = tmp_path / "people" / name
    file.write_bytes(file.read_bytes()[:200])
    again = interests()
    again.follow()
    assert again.of("home:p0")


def test_a_snapshot_does_not_outlive_a_deletion(filled: Interests, store: Store, tmp_path: Path) -> None:
    filled.rebuild()
    gone = filled.of("home:p0")[0].evidence[0]
    store.append([Deletion(gone, "post", now_ms())])
    filled.follow()
    row = filled.activity.post_ids.row(gone)
    with np.load(tmp_path / "people" / "activity.npz") as kept:
        assert not kept["posts.vector"][row].any() and not kept["posts.held"][row]


def test_embeddings_take_part_after_a_rebuild(store: Store, tmp_path: Path, network: Callable[..., list[Fact]]) -> None:
    from myna.gate import Reader
    from myna.network import Records

    store.append(network())

    def embed(texts: Any) -> Any:
        found = np.array([[hash_of(text, d) for d in range(64)] for text in texts], np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def hash_of(text: str, d: int) -> float:
        return float(sum((len(word) * 7 + d * 13 + ord(word[0])) % 17 for word in text.split()) + 1)

    opened = Interests(tmp_path / "people", Reader(store), Records(store, "interests"), embed, "model-1")
    opened.rebuild()
    assert opened.known.space.version == "model-1" and opened.of("home:p0")
    # Without that model, words alone place the posts; nothing breaks.
    plain = Interests(tmp_path / "people", Reader(store), Records(store, "interests"))
    assert plain.of("home:p0")


def test_the_space_is_the_same_by_seed_and_rare_words_stay_out_of_it() -> None:
    texts = [f"goal match league keeper story{n}" if n % 2 else f"garlic oven dough sauce tale{n}" for n in range(300)]
    langs, authors = ["en"] * 300, [f"a{n % 20}" for n in range(300)]
    one, two = learn(texts, langs, authors), learn(texts, langs, authors)
    assert one.vocabulary == two.vocabulary and np.allclose(one.axes, two.axes)
    assert not any(word.startswith(("story", "tale")) for word in one.vocabulary)
