"""Words of a post in any language, for topics: no dictionary, no model.

Scripts written with spaces give their words; scripts written without (Han, Kana, Thai, Lao, Khmer, Burmese) give
overlapping pairs of characters, the usual stand-in for segmentation. Vietnamese puts a space between syllables, not
words, so that pairs of neighbouring syllables are given as well. Links and mentions say nothing of a topic.
"""

import re
import unicodedata

_LINK_OR_MENTION = re.compile(r"https?\S*|www\.\S+|(?<!\w)@[\w.@-]+")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"#\w+|[{_UNSPACED}]+|[^\W_]+(?:['’][^\W_]+)*")
_STARTS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_LONGEST = 40
"""Characters; longer runs are codes, not words."""


def words(text: str, lang: str = "") -> list[str]:
    """The words of a text in order, lower-case and NFC: `#tag` for hashtags, pairs for unspaced scripts."""
    found: list[str] = []
    syllable = ""
    for match in _WORD.findall(_LINK_OR_MENTION.sub(" ", unicodedata.normalize("NFC", text).lower())):
        if len(match) > _LONGEST and not _STARTS_UNSPACED.match(match):
            continue
        if _STARTS_UNSPACED.match(match):
            found += [match[i : i + 2] for i in range(max(len(match) - 1, 1))]
            syllable = ""
        elif match.isdigit() or len(match) < 2:
            syllable = ""
        else:
            found.append(match)
            if lang == "vi" and match[0] != "#":
                if syllable:
                    found.append(f"{syllable} {match}")
                syllable = match
    return found
