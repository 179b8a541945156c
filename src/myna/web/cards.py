"""Posts as they are shown: with their authors, what they answer, quote or pass on, and the counts beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from myna.app import Standing
from myna.feed.types import AdSlot, Feed
from myna.network import Person, Post, Purpose, source_of
from myna.people.types import Reason
from myna.search.types import Hit
from myna.web.render import Page

_NONE = Standing(0, 0, 0, False, False)


@dataclass(frozen=True, slots=True)
class Card:
    """A post to be shown. post: for a repost the original, then reposter is who passed it on.

    answers: the author of the post it replies to. decision: whose reasons these are, to ask more of.
    """

    post: Post
    author: Person
    standing: Standing
    reposter: Person | None = None
    quoted: "Card | None" = None
    answers: Person | None = None
    reasons: tuple[Reason, ...] = ()
    highlights: tuple[tuple[int, int], ...] = ()
    ad: AdSlot | None = None
    decision: str = ""
    consent: Mapping[Purpose, bool] | None = None


def cards(page: Page, posts: Iterable[Post]) -> list[Card]:
    """Cards of posts; what a repost, quote or reply refers to is read through the gate for the page's actor."""
    return [card for card in _aligned(page, list(posts)) if card]


def _aligned(page: Page, found: list[Post]) -> list[Card | None]:
    """A card for each post; None for a repost of what is deleted, or not for this reader."""
    reader, actor = page.myna.reader, page.actor
    wanted = [id for post in found for id in (post.repost_of, post.quote_of, post.reply_to) if id]
    related = reader.posts(actor, Purpose.READ, wanted)
    originals = [related[post.repost_of] for post in found if post.repost_of in related]
    second = [id for post in originals for id in (post.quote_of, post.reply_to) if id]
    related |= reader.posts(actor, Purpose.READ, second)
    shown = [related.get(post.repost_of, post) if post.repost_of else post for post in found]
    authors = reader.people(post.author_id for post in (*found, *related.values()))
    standing = page.myna.standing(page.viewer.id if page.viewer else "", shown)

    def author(post: Post) -> Person:
        return authors.get(post.author_id) or stranger(post.author_id)

    made: list[Card | None] = []
    for post, original in zip(found, shown, strict=True):
        if post.repost_of and post.repost_of not in related and not post.text:
            made.append(None)
            continue
        quoted = related.get(original.quote_of)
        answered = related.get(original.reply_to)
        made.append(
            Card(
                original,
                author(original),
                standing.get(original.id, _NONE),
                reposter=author(post) if original is not post else None,
                quoted=Card(quoted, author(quoted), _NONE) if quoted else None,
                answers=author(answered) if answered else None,
            )
        )
    return made


def stranger(id: str) -> Person:
    """An author of whom the source told nothing but the id."""
    return Person(id, id.partition(":")[2] or source_of(id))


def feed_cards(page: Page, feed: Feed) -> list[Card]:
    """The cards of a feed, each with its reasons; ads with theirs."""
    made: list[Card] = []
    for item, card in zip(feed.items, _aligned(page, [item.post for item in feed.items]), strict=True):
        if card and item.ad:
            made.append(replace(card, reasons=item.ad.reasons, ad=item.ad, decision=item.ad.decision))
        elif card:
            made.append(replace(card, reasons=item.reasons, decision=feed.decision))
    return made


def hit_cards(page: Page, hits: Iterable[Hit]) -> list[Card]:
    """The cards of search hits, with what to mark."""
    found = list(hits)
    aligned = zip(found, _aligned(page, [hit.post for hit in found]), strict=True)
    return [replace(card, highlights=hit.highlights if card.reposter is None else ()) for hit, card in aligned if card]
