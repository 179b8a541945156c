from collections import Counter

import numpy as np

from myna.corpus import gather
from myna.network import Post


def _post(number: int, text: str, reply_to: str = "", **more: object) -> Post:
    return Post(f"home:{number}", "home:a", number * 1000, text, "en", reply_to, **more)  # type: ignore[arg-type]


def _told(posts: list[Post]) -> list[list[tuple[str, bool]]]:
    return [[(p.post_id, p.context) for p in document.passages] for document in gather(posts).documents]


def test_a_thread_stands_from_its_root_to_each_end_and_each_text_is_learned_once() -> None:
    posts = [
        _post(1, "Is the library open?"),
        _post(2, "Yes, until eight", "home:1"),
        _post(3, "No, it closed early", "home:1"),
        _post(4, "Thank you both!", "home:2"),
        _post(5, "Something else entirely"),
    ]
    assert _told(posts) == [
        [("home:1", False), ("home:3", False)],
        [("home:1", True), ("home:2", False), ("home:4", False)],
        [("home:5", False)],
    ]


def test_a_quote_stands_after_the_post_it_quotes() -> None:
    posts = [
        _post(1, "The bridge is open again"),
        _post(2, "Good news at last", quote_of="home:1"),
        _post(3, "Indeed it is", "home:2"),
    ]
    passages = gather(posts).documents[0].passages
    assert [(p.post_id, p.joint) for p in passages] == [("home:1", ""), ("home:2", "quote"), ("home:3", "reply")]


def test_a_long_thread_is_cut_into_documents_of_eight_posts_and_one_of_long_posts_sooner() -> None:
    def thread(words: str) -> list[Post]:
        return [_post(n, f"{words} number {n}", f"home:{n - 1}" if n else "") for n in range(20)]

    assert sorted(len(told) for told in _told(thread("Post"))) == [4, 8, 8]
    random = np.random.default_rng(1)
    words = ["".join(chr(97 + c) for c in random.integers(0, 26, 400)) for _ in range(20)]
    long = [_post(n, words[n], f"home:{n - 1}" if n else "") for n in range(20)]
    assert {len(told) for told in _told(long)} == {2}


def test_a_famous_post_is_the_context_of_a_few_answers_only() -> None:
    posts = [_post(0, "Everybody answers me"), *(_post(n, f"I am answer {n}", "home:0") for n in range(1, 30))]
    told = _told(posts)
    assert sum(("home:0", True) in passages for passages in told) == 4
    assert sum(("home:0", False) in passages for passages in told) == 1


def test_somebody_who_repeats_themselves_all_the_time_is_left_out_and_others_stay() -> None:
    offer = "Buy the very best watches in the whole wide world today at our shop, hurry up"
    posts = [_post(n, f"{offer} {'!' * n}") for n in range(30)]
    posts += [_post(100, "Watches that nobody else has, and quite another text"), _post(101, "#watches #cheap @you")]
    posts += [Post("home:200", "home:b", 200_000, "I do not buy watches", "en")]
    gathered = gather(posts)
    assert [d.passages[0].post_id for d in gathered.documents] == ["home:200"]
    assert gathered.dropped == {
        "exact duplicate": 29,
        "spam: by somebody who repeats": 2,
        "spam: nothing but tags and links": 1,
    }


def test_every_kept_post_is_learned_exactly_once_in_any_shape_of_thread() -> None:
    shapes = {1: 0, 2: 1, 3: 2, 4: 1, 5: 5, 6: 7, 7: 6, 8: 1, 9: 1, 10: 1, 11: 1, 12: 99, 13: 14, 14: 0}
    posts = [
        _post(n, f"text number {n} of this thread", f"home:{parent}" if parent else "") for n, parent in shapes.items()
    ]
    learned = Counter(p.post_id for d in gather(posts).documents for p in d.passages if not p.context)
    assert learned == Counter(post.id for post in posts)


def test_what_is_left_out_is_counted_by_reason() -> None:
    posts = [
        _post(1, "", repost_of="home:9"),
        _post(2, "   "),
        _post(3, "@a https://example.org"),
        _post(4, "Hello there"),
        _post(5, "hello there!"),
        _post(6, "RT @a: hello", repost_of="home:9"),
    ]
    gathered = gather(posts)
    assert [d.passages[0].post_id for d in gathered.documents] == ["home:4"]
    assert gathered.dropped == {
        "repost without text": 1,
        "empty": 1,
        "nothing but mentions and links": 1,
        "exact duplicate": 1,
        "repost without text of its own": 1,
    }


def test_documents_are_in_time_order_and_carry_a_language() -> None:
    posts = [_post(2, "later"), Post("home:1", "home:a", 500, "Chúng tôi rất vui được gặp các bạn hôm nay")]
    documents = gather(posts).documents
    assert [d.at for d in documents] == [500, 2000]
    assert [d.lang for d in documents] == ["vi", "en"]
