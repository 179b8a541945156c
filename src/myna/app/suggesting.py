"""How a text someone is writing might go on: a few short continuations by the network's own model."""

from collections.abc import Sequence

from myna.app.language import Language
from myna.gate import MYNA, Actor

_TOKENS = 32
_TEMPERATURE, _TOP_P = 0.8, 0.9
_WELL_RECEIVED, _BEST_RECEIVED = 3, 4
"""The reaction asked for: better than usual; the best, which are the odd ones out, only where there is no other."""
_DRAWS = 2
"""Texts written for each that is asked for: some say the same, or nothing."""
_PLACEHOLDERS = ("@user", "[link]", "[e-mail]", "[phone number]")
"""What the model writes where people put names, links and numbers: nothing one would post."""


def suggest(
    language: Language,
    text: str,
    after: Sequence[str] = (),
    most: int = 3,
    seed: int | None = None,
    lang: str = "",
    own: Sequence[str] = (),
    actor: Actor = MYNA,
) -> list[str]:
    """Up to `most` different texts that begin with this one; after: the posts it answers; lang: the language to write
    in; own: the writer's posts, whose style is gone on with. What the version knows of is asked for, and to be well
    received; actor: who writes. Each text drawn is a decision. Raises Problem before there is a model, or where too
    many wait for it (503)."""
    # Where reactions are few and often the same, some levels have no posts.
    received = language.knows(reaction=_WELL_RECEIVED) or language.knows(reaction=_BEST_RECEIVED)
    controls = language.knows(lang, language.register_of(own)) | received
    seeds = [None if seed is None else seed + place for place in range(most * _DRAWS)]
    how = (_TOKENS, _TEMPERATURE, _TOP_P)
    begun = [language.generate(text, *how, each, (), after, actor=actor, **controls) for each in seeds]
    found: list[str] = []
    for writing in begun:
        more = "".join(writing)
        whole = join(text, _whole_words(more) if writing.finish == "length" else more.rstrip())
        if whole != join(text, "") and whole not in found and not any(word in more for word in _PLACEHOLDERS):
            found.append(whole)
    return found[:most]


def join(text: str, more: str) -> str:
    """A text and what goes on from it, with one space between them where both have one."""
    if more[:1].isspace() or not more:
        text = text.rstrip(" ")
    return (text + more).strip() if not text.strip() else text + more


def _whole_words(text: str) -> str:
    """Without the word that the last token may have cut."""
    words = text.rstrip()
    place = max(words.rfind(" "), words.rfind("\n"))
    return words[:place].rstrip() if place > 0 else words
