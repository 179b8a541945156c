"""What the index keeps: one document per post, one per person, and one that holds the cursor.

Notable choices:
- Terms come from our analyzer, joined by spaces, so tantivy only splits at spaces.
- `words` is the sequence and carries phrases; `also` the other spellings; `stems` the English stems, made by
  tantivy's own Snowball filter from the same sequence, for posts that are in English or say no language.
- Integers are signed fields: a Python int put into an unsigned field kills tantivy's writer thread.
- The cursor is a document of the index, written in the same commit as what it stands for: no crash can part them.
- Nothing of a post is stored but its id. Texts come from the fact log through the gate, never from here.
"""

from dataclasses import dataclass

import tantivy

from myna.network import Person, Post
from myna.search.analyzer import fields, folded

SCHEMA = 2
"""Changes whenever this file or the analyzer would write something else: an index of another is made anew."""

_ENGLISH = frozenset({"", "en", "und"})
_stemmer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).filter(tantivy.Filter.stemmer("english")).build()


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the fact log has been read: the newest seq of each of its tables that is in the index."""

    posts: int = 0
    people: int = 0
    deletions: int = 0
    consents: int = 0


def make_schema() -> tantivy.Schema:
    """The fields."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("also", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("stems", tokenizer_name="stems", index_option="freq")
    for name in ("author", "source", "lang", "visibility", "to", "mention", "flag"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("seq", "at", "likes"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_text_field("person", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("handle", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("name", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    for name in Cursor.__slots__:
        builder.add_integer_field(f"cursor_{name}", indexed=False, fast=True)
    return builder.build()


def register(index: tantivy.Index) -> None:
    """Names our tokenizers to an index just opened; tantivy does not keep them."""
    index.register_tokenizer("stems", _stemmer)


def stem(words: str) -> list[str]:
    """The English stems of words joined by spaces."""
    return list(_stemmer.analyze(words))


def is_english(post: Post) -> bool:
    """Whether its words are found by their English stems too."""
    return post.lang in _ENGLISH or post.lang.startswith("en-")


def flags(post: Post) -> set[str]:
    """What `has:` and `is:` ask for."""
    return {
        name
        for name, holds in (
            ("media", post.media),
            ("links", bool(post.urls) or "://" in post.text),
            ("reply", bool(post.reply_to)),
            ("quote", bool(post.quote_of)),
            ("repost", bool(post.repost_of)),
        )
        if holds
    }


def post_document(post: Post, to: str) -> tantivy.Document:
    """A post. to: whom it answers (a person id), "" if nobody."""
    words, also = fields(post.text)
    if missing := [url for url in post.urls if url not in post.text]:
        also = " ".join((also, fields(" ".join(missing))[1]))
    document = tantivy.Document()
    document.add_text("kind", "post")
    document.add_text("id", post.id)
    document.add_text("words", words)
    if also:
        document.add_text("also", also)
    if is_english(post):
        document.add_text("stems", words)
    document.add_text("author", post.author_id)
    document.add_text("source", post.source)
    document.add_text("visibility", post.visibility)
    if post.lang:
        lang = post.lang.lower().replace("_", "-")
        for name in {lang, lang.partition("-")[0]}:
            document.add_text("lang", name)
    if to:
        document.add_text("to", to)
    for person_id in post.mentions:
        document.add_text("mention", person_id)
    for name in flags(post):
        document.add_text("flag", name)
    document.add_integer("seq", post.seq)
    document.add_integer("at", post.created_at)
    document.add_integer("likes", post.like_count)
    return document


def person_document(person: Person) -> tantivy.Document:
    """A person: handle and name, folded."""
    document = tantivy.Document()
    document.add_text("kind", "person")
    document.add_text("person", person.id)
    document.add_text("handle", folded(person.handle)[0])
    document.add_text("name", fields(f"{person.name} {person.handle}")[0])
    return document


def cursor_document(cursor: Cursor) -> tantivy.Document:
    """The cursor."""
    document = tantivy.Document()
    document.add_text("kind", "cursor")
    for name in Cursor.__slots__:
        document.add_integer(f"cursor_{name}", getattr(cursor, name))
    return document
