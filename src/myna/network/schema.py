"""The tables of the two logs and of the small records beside them. Types common to SQLite and PostgreSQL only."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

_SEQ = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only for INTEGER primary keys."""


def _seq() -> Column[int]:
    return Column("seq", _SEQ, primary_key=True, autoincrement=True)


people = Table(
    "people",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    Column("handle", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("bot", Boolean, nullable=False),
    Column("follower_count", BigInteger),
    Column("following_count", BigInteger),
    Column("deleted_at", BigInteger),
    sqlite_autoincrement=True,
)

posts = Table(
    "posts",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    Column("author_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("repost_of", Text, nullable=False),
    Column("quote_of", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("mentions", Text, nullable=False),
    Column("urls", Text, nullable=False),
    Column("media", Boolean, nullable=False),
    Column("sensitive", Boolean, nullable=False),
    Column("like_count", BigInteger, nullable=False),
    Column("repost_count", BigInteger, nullable=False),
    Column("reply_count", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    sqlite_autoincrement=True,
)
Index("posts_author", posts.c.author_id, posts.c.created_at)
Index("posts_reply_to", posts.c.reply_to, sqlite_where=posts.c.reply_to != "", postgresql_where=posts.c.reply_to != "")
Index(
    "posts_repost_of", posts.c.repost_of, sqlite_where=posts.c.repost_of != "", postgresql_where=posts.c.repost_of != ""
)
Index("posts_quote_of", posts.c.quote_of, sqlite_where=posts.c.quote_of != "", postgresql_where=posts.c.quote_of != "")

edges = Table(
    "edges",
    metadata,
    _seq(),
    Column("person_id", Text, nullable=False),
    Column("other_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("on", Boolean, nullable=False),
    sqlite_autoincrement=True,
)
Index("edges_once", edges.c.person_id, edges.c.kind, edges.c.other_id, edges.c.at, edges.c.on, unique=True)
Index("edges_other", edges.c.other_id, edges.c.kind)

actions = Table(
    "actions",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    Column("person_id", Text, nullable=False),
    Column("post_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("value", Float, nullable=False),
    sqlite_autoincrement=True,
)
Index("actions_person", actions.c.person_id, actions.c.at)
Index("actions_post", actions.c.post_id, actions.c.kind)

consents = Table(
    "consents",
    metadata,
    _seq(),
    Column("subject", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("allow", Boolean, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index(
    "consents_once", consents.c.subject, consents.c.purpose, consents.c.by, consents.c.at, consents.c.allow, unique=True
)

deletions = Table(
    "deletions",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)

decisions = Table(
    "decisions",
    metadata,
    _seq(),
    Column("id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("input", LargeBinary, nullable=False),
    Column("output", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
Index("decisions_kind", decisions.c.kind, decisions.c.at)
Index("decisions_actor", decisions.c.actor, decisions.c.at)

records = Table(
    "records",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
Index("records_owner", records.c.owner, records.c.kind)
