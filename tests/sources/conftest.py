"""Small archives, made up here, in the shapes that X and Mastodon give."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from myna.network.store import Store

Make = Callable[..., Path]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'myna.db'}")
    yield opened
    opened.close()


def x_tweet(id: int, text: str = "Hello there", **more: Any) -> dict[str, Any]:
    tweet = {
        "id_str": str(id),
        "id": str(id),
        "created_at": "Sat Feb 18 12:33:11 +0000 2023",
        "full_text": text,
        "lang": "en",
        "favorite_count": "3",
        "retweet_count": "1",
        "retweeted": False,
        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
    }
    return {"tweet": {**tweet, **more}}


def ytd(name: str, records: Any, part: int = 0) -> str:
    return f"window.YTD.{name}.part{part} = {json.dumps(records, indent=2)}"


X_ACCOUNT = [
    {
        "account": {
            "accountId": "42",
            "username": "lan",
            "accountDisplayName": "Lan",
            "createdAt": "2010-03-01T10:00:00.000Z",
        }
    }
]


@pytest.fixture
def x_files() -> dict[str, str]:
    """The files of an archive of five posts, by their names."""
    long = "A long thought about bridges that goes on and on, " * 8
    return {
        "data/account.js": ytd("account", X_ACCOUNT),
        "data/profile.js": ytd("profile", [{"profile": {"description": {"bio": "Bridges.", "location": "Huế"}}}]),
        "data/tweets.js": ytd(
            "tweets",
            [
                x_tweet(
                    1,
                    "Look &amp; see https://t.co/a https://t.co/m",
                    entities={
                        "urls": [{"url": "https://t.co/a", "expanded_url": "https://example.org/bridge"}],
                        "user_mentions": [{"id_str": "77", "screen_name": "minh"}],
                        "media": [{"url": "https://t.co/m", "type": "photo"}],
                    },
                ),
                x_tweet(2, "@minh yes", in_reply_to_status_id_str="900", in_reply_to_user_id_str="77"),
                x_tweet(
                    3,
                    "This https://t.co/q",
                    entities={
                        "urls": [{"url": "https://t.co/q", "expanded_url": "https://twitter.com/minh/status/901"}]
                    },
                ),
            ],
        ),
        "data/tweets-part1.js": ytd("tweets", [x_tweet(4, "RT @minh: a bridge"), x_tweet(5, long[:200] + "…")], 1),
        "data/note-tweet.js": ytd(
            "note_tweet",
            [
                {"noteTweet": {"noteTweetId": "5005", "createdAt": "2023-02-18T12:33:11.000Z", "core": {"text": long}}},
                {"noteTweet": {"noteTweetId": "6", "createdAt": "2020-01-01T00:00:00.000Z", "core": {"text": "?"}}},
            ],
        ),
        "data/like.js": ytd("like", [{"like": {"tweetId": "900", "fullText": "a stranger's words"}}]),
        "data/following.js": ytd("following", [{"following": {"accountId": "77", "userLink": "…"}}]),
        "data/follower.js": ytd("follower", [{"follower": {"accountId": "78"}}]),
        "data/block.js": ytd("block", [{"blocking": {"accountId": "79"}}]),
        "data/mute.js": ytd("mute", [{"muting": {"accountId": "80"}}]),
        "data/deleted-tweets.js": ytd("deleted_tweets", [x_tweet(9, "gone")]),
        "data/direct-messages.js": ytd("direct_messages", [{"dmConversation": {"messages": ["private"]}}]),
    }


ACTOR = {
    "id": "https://example.social/users/alice",
    "type": "Person",
    "preferredUsername": "alice",
    "name": "Alice",
    "summary": "<p>Bridges &amp; birds</p>",
    "published": "2019-05-01T00:00:00Z",
    "followers": "https://example.social/users/alice/followers",
    "indexable": False,
    "discoverable": True,
}
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def note(number: int, content: str = "<p>Hello</p>", **more: Any) -> dict[str, Any]:
    uri = f"https://example.social/users/alice/statuses/{number}"
    return {
        "id": f"{uri}/activity",
        "type": "Create",
        "published": "2023-01-02T03:04:05Z",
        "object": {
            "id": uri,
            "type": "Note",
            "attributedTo": "https://example.social/users/alice",
            "published": "2023-01-02T03:04:05Z",
            "content": content,
            "contentMap": {"en": content},
            "to": [PUBLIC],
            "cc": [ACTOR["followers"]],
            "tag": [],
            "attachment": [],
            **more,
        },
    }


def collection(items: list[Any]) -> str:
    return json.dumps(
        {"@context": "…", "id": "outbox.json", "type": "OrderedCollection", "totalItems": 1, "orderedItems": items}
    )


@pytest.fixture
def mastodon_files() -> dict[str, str]:
    """The files of a Mastodon archive, by their names."""
    return {
        "actor.json": json.dumps(ACTOR),
        "outbox.json": collection(
            [
                note(
                    1,
                    '<p>Hi <span class="h-card"><a href="https://other.social/@bob" class="u-url mention">@<span>bob'
                    '</span></a></span><br />see <a href="https://example.org/a/long/way" rel="nofollow">'
                    '<span class="invisible">https://</span><span class="ellipsis">example.org/a/lo</span></a></p>'
                    "<p>1 &lt; 2</p>",
                    tag=[{"type": "Mention", "href": "https://other.social/users/bob", "name": "@bob@other.social"}],
                ),
                note(2, to=[ACTOR["followers"]], cc=[]),
                note(3, to=["https://other.social/users/bob"], cc=[]),
                note(4, to=[ACTOR["followers"]], cc=[PUBLIC], summary="about bridges", sensitive=True),
                note(5, type="Question", oneOf=[{"name": "yes"}, {"name": "no"}]),
                {
                    "id": "https://example.social/users/alice/statuses/6/activity",
                    "type": "Announce",
                    "published": "2023-01-03T00:00:00Z",
                    "to": [PUBLIC],
                    "object": "https://other.social/users/bob/statuses/7",
                },
                {"type": "Move", "id": "https://example.social/x"},
            ]
        ),
        "likes.json": collection(["https://other.social/users/bob/statuses/8"]),
        "bookmarks.json": collection(["https://other.social/users/bob/statuses/9"]),
        "following_accounts.csv": "Account address,Show boosts,Notify on new posts,Languages\n"
        "bob@other.social,true,false,\ncarol,true,false,\n",
        "blocked_accounts.csv": "mallory@bad.example\n",
        "muted_accounts.csv": "Account address,Hide notifications\nloud@other.social,true\n",
    }


@pytest.fixture
def write(tmp_path: Path) -> Make:
    """Writes files to a folder below the test's own: write("name", {"data/a.js": "…"})."""

    def make(name: str, files: dict[str, str | bytes]) -> Path:
        for path, content in files.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode(errors="surrogatepass") if isinstance(content, str) else content)
        return tmp_path / name

    return make
