from collections import Counter

from myna.corpus import gather
from myna.network import Post


def _post(number: int, text: str, reply_to: str = "", **more: object) -> Post:
    return Post(f"home:{number}", "home:a", number * 1000, text, "en", reply_to, **more)  # type: ignore[arg-type]


def test_a_reply_stands_after_the_post_it_answers_and_each_text_is_learned_once() -> None:
    posts = [
        _post(1, "Is the library open?"),
        _post(2, "Yes, until eight", "home:1"),
        _post(3, "No, it closed early", "home:1"),
        _post(4, "Thank you both!", "home:2"),
        _post(5, "Something else entirely"),
    ]
    gathered = gather(posts)
    told = [[(p.post_id, p.context) for p in document.passages] for document in gathered.documents]
    assert told == [
        [("home:1", False), ("home:2", False)],
        [("home:1", True), ("home:3", False)],
        [("home:2", True), ("home:4", False)],
        [("home:5", False)],
    ]


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
