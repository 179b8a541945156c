"""Which format lies at a path."""

import re
from pathlib import PurePosixPath

from myna.sources.container import Container

NEUTRAL, X, MASTODON = "neutral", "x", "mastodon"

_X_FILES = re.compile(r"(tweets?|account|like|following|note-tweet|community-tweet)(-part\d+)?\.js")


def kind_of(container: Container) -> str:
    """`x` for an X archive, `mastodon` for a Mastodon archive, else `neutral`: a folder or file of tables."""
    names = [PurePosixPath(name) for name in container.entries]
    if any(_X_FILES.fullmatch(name.name) and name.parent.name in ("", "data") for name in names):
        return X
    if any(name.name in ("outbox.json", "actor.json") for name in names):
        return MASTODON
    return NEUTRAL
