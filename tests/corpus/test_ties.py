from myna.corpus import ties
from myna.network import Post


def _post(
    id: str, who: str, at: int, text: str = "words", reply_to: str = "", repost: str = "", quote: str = ""
) -> Post:
    return Post(f"home:{id}", f"home:{who}", at, text, "en", reply_to, repost, quote)


def test_replies_and_quotes_are_tied_to_what_they_answer_where_it_is_there() -> None:
    posts = [
        _post("1", "a", 1),
        _post("2", "b", 2, reply_to="home:1"),
        _post("3", "c", 3, quote="home:1"),
        _post("4", "d", 4, reply_to="home:elsewhere"),
    ]
    assert ties(posts)[0] == [("home:2", "home:1"), ("home:3", "home:1")]


def test_a_persons_posts_are_tied_in_the_order_of_time_without_reposts() -> None:
    posts = [
        _post("3", "a", 30),
        _post("1", "a", 10),
        _post("2", "b", 20),
        _post("r", "a", 15, text="", repost="home:2"),
        _post("4", "a", 40),
    ]
    assert ties(posts)[1] == [("home:1", "home:3"), ("home:3", "home:4")]
