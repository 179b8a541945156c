"""The fields that requests and paths are made of, each with its bounds, and the cursors of lists."""

import base64
import binascii
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.convertors import Convertor, register_url_convertor

from myna.network import Problem

_LONGEST_ID = 500
_ID = r"^[^\x00-\x1f\x7f]+$"
_ID_OR_NONE = r"^[^\x00-\x1f\x7f]*$"
LATEST = 4_102_444_800_000
"""2100-01-01 in milliseconds."""


FACT = r"(?:(?!/(?:thread|repost|posts)$).)+"


class _FactConvertor(Convertor[str]):
    """An id within a path. Ids hold colons, and those of the fediverse are addresses with slashes; the word that a path
    may go on with after an id is no part of it."""

    regex = FACT

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("fact", _FactConvertor())

Id = Annotated[str, Path(max_length=_LONGEST_ID, pattern=_ID, description="An id, `source:local`.")]
PersonId = Annotated[str, Path(max_length=_LONGEST_ID, pattern=_ID, description="A person's id, or @handle.")]
PartId = Annotated[str, Path(max_length=200, pattern=r"^[A-Za-z0-9_.:-]+$", description="The id that was answered.")]
For = Annotated[
    str,
    Query(
        alias="person",
        max_length=_LONGEST_ID,
        pattern=_ID_OR_NONE,
        description="The person for whom it is asked, by id or @handle; without it, the key's own person.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[
    str,
    Query(
        max_length=500,
        pattern=r"^[A-Za-z0-9_=-]*$",
        description="The `cursor` of the page before; without it, the first page.",
    ),
]

FactId = Annotated[str, Field(max_length=_LONGEST_ID, pattern=_ID)]
FactIdOrNone = Annotated[str, Field(max_length=_LONGEST_ID, pattern=_ID_OR_NONE)]
PersonName = Annotated[
    str,
    Field(
        max_length=_LONGEST_ID,
        pattern=_ID_OR_NONE,
        description="The person who acts, by id or @handle; without it, the key's own person.",
    ),
]
Text = Annotated[
    str, Field(max_length=100_000, pattern=r"\S", description="Some text, not only spaces.", examples=["Good morning"])
]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


def _whole(value: object) -> object:
    """JSON knows one kind of number: 5.0 is the whole number 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""To stand last in an Annotated int, so that its bounds are described."""
Moment = Annotated[int, Field(ge=0, le=LATEST, description="Milliseconds since 1970, UTC."), WHOLE]


class Body(BaseModel):
    """What is sent: strictly of the types described, and nothing beside."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def cursor_of(place: int) -> str:
    """An opaque cursor for a place in a list."""
    return base64.urlsafe_b64encode(b"%d" % place).decode().rstrip("=")


def place_of(cursor: str, first: int) -> int:
    """The place a cursor of ours tells; `first` without one. Raises Problem for one that is not ours."""
    if not cursor:
        return first
    try:
        place = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        place = -(2**63)
    if not -(2**62) < place < 2**62:
        raise Problem("This cursor is not of this list; begin again without one.", 422)
    return place
