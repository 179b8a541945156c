"""What a fact must be to enter the log: the same rule for every source, the API and the store."""

from myna.network.types import Action, Consent, Deletion, Edge, Fact, Person, Post

LONGEST_TEXT = 100_000
"""Characters. Long enough for every network's longest post; short enough that no record can exhaust memory."""
LATEST = 4_102_444_800_000
"""2100-01-01 in milliseconds: a time after this is a unit mistaken, not a date."""


def invalid(fact: Fact) -> str | None:
    """Why this fact cannot be kept, in a few words fit for counting by reason; None if it can."""
    match fact:
        case Post():
            return (
                _bad_id(fact.id, "post id")
                or _bad_id(fact.author_id, "author id")
                or _bad_time(fact.created_at)
                or _bad_reference(fact.reply_to, fact.repost_of, fact.quote_of)
                or _bad_text(fact.text)
                or _bad_text(fact.lang, *fact.urls, *fact.mentions)
                or _bad_lines(fact.urls + fact.mentions)
                or _bad_count(fact.like_count, fact.repost_count, fact.reply_count)
            )
        case Person():
            return (
                _bad_id(fact.id, "person id")
                or _bad_time(fact.created_at)
                or _bad_text(fact.handle, fact.name, fact.description, fact.lang, fact.timezone, fact.location)
                or _bad_count(fact.follower_count or 0, fact.following_count or 0)
                or ("person without a handle" if not fact.handle else None)
            )
        case Edge():
            return (
                _bad_id(fact.person_id, "person id")
                or _bad_id(fact.other_id, "person id")
                or _bad_time(fact.at)
                or ("edge of a person to themself" if fact.person_id == fact.other_id else None)
            )
        case Action():
            return (
                _bad_id(fact.id, "action id")
                or _bad_id(fact.person_id, "person id")
                or _bad_id(fact.post_id, "post id")
                or _bad_time(fact.at)
                or ("value is not a finite number" if not abs(fact.value) < 1e12 else None)
            )
        case Consent():
            return _bad_text(fact.subject, fact.by) or _bad_time(fact.at)
        case Deletion():
            return (
                _bad_id(fact.id, "deleted id")
                or _bad_time(fact.at)
                or _bad_text(fact.reason)
                or ("deletion of neither post nor person" if fact.kind not in ("post", "person") else None)
            )


def _bad_id(id: str, what: str) -> str | None:
    if len(id) < 3 or len(id) > 500 or ":" not in id[1:-1] or not id.isprintable():
        return f"{what} missing or malformed"
    return _bad_text(id)


def _bad_reference(*ids: str) -> str | None:
    for id in ids:
        if id and (reason := _bad_id(id, "reference")):
            return reason
    return None


def _bad_time(at: int) -> str | None:
    return None if -LATEST <= at <= LATEST else "time out of range"


def _bad_count(*counts: int) -> str | None:
    return None if all(0 <= count < 2**62 for count in counts) else "count negative or out of range"


def _bad_lines(lines: tuple[str, ...]) -> str | None:
    # They are kept one a line.
    return None if all(line and "\n" not in line for line in lines) else "link or mention empty or with a line break"


def _bad_text(*texts: str) -> str | None:
    for text in texts:
        if len(text) > LONGEST_TEXT:
            return "text too long"
        if "\x00" in text:
            return "NUL character in text"
        if not text.isascii() and not text.isprintable():
            # Only text that is neither plain nor printable can hold a lone surrogate; encoding decides.
            try:
                text.encode()
            except UnicodeEncodeError:
                return "text is not valid Unicode"
    return None
