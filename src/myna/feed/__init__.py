"""The feed: a personal page of posts, each with its reasons; whom one follows; or everybody, newest first.

    feeds = Feeds(home / "feed", reader, log, interests, embed, version)
    page = feeds.feed(Request("home:1", now_ms()))               # -> Feed(items, decision, cursor)
    feeds.feed(feeds.next_page(Request("home:1", now_ms()), page.cursor))
    feeds.why_not(page.decision, "home:7")                       # -> WhyNot(stage, reason, gap)
    feeds.train()                                                # the ranking model, on what people did

`pipeline.py` is the feed: all its stages in one list.
"""

from myna.feed.feeds import Feeds, Fill
from myna.feed.pipeline import FOR_YOU, Pipeline
from myna.feed.types import AdSlot, Feed, Item, Mode, Request, WhyNot

__all__ = ["FOR_YOU", "AdSlot", "Feed", "Feeds", "Fill", "Item", "Mode", "Pipeline", "Request", "WhyNot"]
