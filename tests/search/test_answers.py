"""Answers: verbatim, to the point, different from each other, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myna.gate import ANYONE, person_actor
from myna.network import Consent, Deletion, Edge, EdgeKind, Post, Purpose, Visibility
from myna.search.answers import ENOUGH, asks_for, choose, content, sentences, similarity, spans

POSTS = [
    Post("home:1", "home:a", 1000, "The new bridge over the river opens on 3 May at 9:00. Come and see it!", lang="en"),
    Post("home:2", "home:b", 2000, "Traffic is terrible near the old market today.", lang="en"),
    Post("home:3", "home:b", 3000, "Cầu mới khánh thành lúc 9 giờ sáng ngày 3 tháng 5 ở Huế.", lang="vi"),
    Post("home:4", "home:c", 4000, "The mayor Nguyen Thi Hoa cut the ribbon of the library.", lang="en"),
    Post("home:5", "home:c", 5000, "Breaking: new bridge over the river opens on 3 May at 9:00", lang="en"),
]


def test_an_answer_is_a_verbatim_span_of_a_post(network) -> None:
    network.add(*POSTS)
    answer = network.search.ask(ANYONE, "When does the new bridge open?")
    assert not answer.abstained
    assert "3 May" in answer.citations[0].text
    for citation in answer.citations:
        assert citation.text == citation.post.text[citation.start : citation.end]
    assert len(answer.citations) == 1, "two posts that say the same are cited once"


def test_questions_in_vietnamese_are_answered(network) -> None:
    network.add(*POSTS)
    answer = network.search.ask(ANYONE, "Cầu mới khánh thành khi nào?")
    assert answer.citations[0].post.id == "home:3"


def test_what_no_post_answers_is_not_answered_but_the_closest_are_shown(network) -> None:
    network.add(*POSTS)
    answer = network.search.ask(ANYONE, "Which river ferry company won the international prize yesterday?")
    assert answer.abstained and not answer.citations
    assert answer.closest
    assert network.search.ask(ANYONE, "???").abstained
    assert network.search.ask(ANYONE, "").abstained


def test_an_answer_is_computed_again_from_the_log(network) -> None:
    network.add(*POSTS)
    for question in ("When does the new bridge open?", "Who likes durian ice cream?"):
        answer = network.search.ask(ANYONE, question)
        assert network.log.replay(answer.decision).same
        assert network.log.why(answer.decision)["reasons"]
        assert "ribbon" not in str(network.log.get(answer.decision).input), "no text of posts is logged"


@pytest.mark.parametrize(
    "change",
    [
        Consent("home:a", Purpose.ANSWER, False, "home:a", 9000),
        Consent("home:1", Purpose.ANSWER, False, "home:a", 9000),
        Consent("*", Purpose.ANSWER, False, "operator", 9000),
        Edge("home:a", "home:z", EdgeKind.BLOCK, 9000),
        Edge("home:z", "home:a", EdgeKind.MUTE, 9000),
        Deletion("home:1", "post", 9000),
    ],
)
def test_what_may_not_be_used_for_answers_is_not_cited(network, change) -> None:
    network.add(*POSTS[:4])
    network.store.append([change])
    answer = network.search.ask(person_actor("home:z"), "When does the new bridge open?")
    assert "home:1" not in {c.post.id for c in answer.citations} | {hit.post.id for hit in answer.closest}


def test_posts_for_followers_are_never_cited_to_others(network) -> None:
    network.add(Post("home:1", "home:a", 1, "the bridge opens at noon", visibility=Visibility.FOLLOWERS))
    network.store.append([Edge("home:z", "home:a", EdgeKind.FOLLOW, 2)])
    assert network.search.ask(person_actor("home:z"), "when does the bridge open?").abstained


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many people came?", "number"),
        ("Có bao nhiêu người?", "number"),
        ("When is it?", "time"),
        ("Bao giờ mở cửa?", "time"),
        ("Who won?", "person"),
        ("Ai thắng?", "person"),
        ("Where is the concert?", "place"),
        ("Hội chợ ở đâu?", "place"),
        ("Is it good?", ""),
    ],
)
def test_the_kind_of_answer_is_read_from_the_question(question: str, kind: str) -> None:
    assert asks_for(question) == kind


@given(st.text(max_size=400))
def test_sentences_are_spans_in_order_without_white_space_around(text: str) -> None:
    last = 0
    for start, end in sentences(text):
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip() or end - start == 400
        last = end


@given(st.lists(st.floats(0, 1), max_size=12), st.randoms())
def test_choosing_takes_only_what_suffices_and_does_not_repeat(scores: list[float], draw) -> None:
    alike = [[1.0 if a == b else draw.random() for b in scores] for a in scores]
    chosen = choose(scores, alike)
    assert len(chosen) == len(set(chosen)) <= 5
    assert all(scores[place] >= ENOUGH for place in chosen)
    assert bool(chosen) == any(score >= ENOUGH for score in scores)
    if chosen:
        assert scores[chosen[0]] == max(scores)


def test_the_sentence_with_the_right_kind_of_answer_is_preferred() -> None:
    text = (
        "The city council of Hue says that the festival was a great success for everybody in town this year again. "
        "The festival in Hue had 12000 visitors from many countries of the world, says the city council."
    )
    found = spans(
        "How many visitors had the festival?", {"visitors": 3.0, "festival": 2.0}, {"x:1": text}, {"x:1": 1.0}
    )
    assert "12000" in text[found[0][0].start : found[0][0].end]
    assert similarity([frozenset("ab"), frozenset("ab"), frozenset("c")])[0] == [1.0, 1.0, 0.0]


def test_a_post_that_asks_the_same_is_no_better_an_answer_than_one_that_answers() -> None:
    texts = {
        "x:asks": "When does the Kestrel Station reopen? I want to know.",
        "x:says": "The Kestrel Station reopens on Tuesday at 6 am.",
    }
    question = "When does the Kestrel Station reopen?"
    idf = dict.fromkeys(content(question), 2.0)
    found = spans(question, idf, texts, dict.fromkeys(texts, 1.0))
    assert [span.id for span, _ in found] == ["x:says", "x:asks"]
