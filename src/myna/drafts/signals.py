"""What can be read off a text and its circumstances without any training: named signals, each with its spans.

The order of `SIGNALS` is the order of the model's weights. Values are 0 where a signal is absent, about 1 where plain.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from myna.drafts.lexicon import INSULT, THREAT, YOU
from myna.i18n import N_

Span = tuple[int, int]

_NEAR = 40
"""Characters between an insult and a `you` or an @handle for it to be meant for somebody."""
_MENTION = re.compile(r"(?<![\w@])@\w[\w.@-]*")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_DIGITS = re.compile(r"(?<![\w.])\+?\d(?:[ \-./()]{0,2}\d){7,22}(?!\w)")
_ADDRESS = re.compile(
    r"(?<!\w)\d{1,5}[a-z]?[,\s]+(?:\w+\s+){1,3}(?:street|st|avenue|ave|road|rd|lane|drive|boulevard|blvd)(?!\w)"
    r"|(?<!\w)\w*(?:straße|strasse|str\.|gasse|weg|allee|platz)\s+\d{1,4}[a-z]?(?!\w)"
    r"|(?<!\w)(?:calle|avenida|av\.|plaza|paseo)\s+(?:\w+\s+){1,4}\d{1,4}(?!\w)"
    r"|(?<!\w)(?:số\s+(?:nhà\s+)?)?\d{1,4}[a-z]?(?:/\d{1,4})*\s+(?:đường|phố|ngõ|hẻm)\s+\w+",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"(?<!\w)(?:password|passcode|pin|passwort|kennwort|contraseña|mật\s+khẩu)\s*(?:is|ist|es|là|[:=])\s*\S{3,}",
    re.IGNORECASE,
)
_EXCLAIMED = re.compile(r"[!?]{3,}|(?:![\s]*){4,}")
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Signal:
    """weight: what it adds to the logit per unit before anything is learnt. reason: what the author is told."""

    name: str
    weight: float
    reason: str


SIGNALS = (
    Signal("attack", 2.0, N_("It insults somebody directly.")),
    Signal("insult", 1.2, N_("It has insulting words in it.")),
    Signal("threat", 2.5, N_("It can be read as a threat.")),
    Signal("shouting", 0.9, N_("Much of it is in capitals, which reads as shouting.")),
    Signal("exclaimed", 0.5, N_("It has rows of exclamation or question marks.")),
    Signal("phone", 1.8, N_("It seems to show a telephone number.")),
    Signal("email", 1.2, N_("It shows an e-mail address.")),
    Signal("address", 1.5, N_("It seems to show where somebody lives.")),
    Signal("card", 3.5, N_("It shows a number that is valid for a payment card.")),
    Signal("secret", 3.0, N_("It seems to show a password.")),
    Signal("late", 0.8, N_("It is {hour} where you are, an hour at which you rarely post.")),
    Signal("heat", 0.9, N_("The conversation it answers is heated.")),
    Signal("audience", 0.4, N_("Many people will see it: {followers} follow you.")),
)
"""The prior weights are set by hand, in the order in which people regret such posts (Sleeper et al. CHI 2013); training
starts from them and leaves them where it has no evidence."""
BASE = -3.2
"""The logit of a text without any signal: 4 %, about the share of posts that some reader of twenty minds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Signals found: values by name (absent is 0), spans by name."""

    values: dict[str, float] = field(default_factory=dict)
    spans: dict[str, tuple[Span, ...]] = field(default_factory=dict)


def read(text: str) -> Reading:
    """The signals of a text alone."""
    found: dict[str, tuple[float, list[Span]]] = {}
    taken = [match.span() for match in _URL.finditer(text)]
    mails = [span for span in _spans(_EMAIL.finditer(text)) if not _within(span, taken)]
    taken = sorted(taken + mails)
    insults = [span for span in _spans(INSULT.finditer(text)) if not _within(span, taken)]
    targets = _spans(YOU.finditer(text)) + [s for s in _spans(_MENTION.finditer(text)) if not _within(s, taken)]
    targets.sort()
    aimed = [span for span in insults if _near(span, targets)]
    found["attack"] = (min(len(aimed), 2) / 1.0 if aimed else 0.0, aimed)
    found["insult"] = (min(len(insults), 3) / 1.0, insults)
    threats = _spans(THREAT.finditer(text))
    found["threat"] = (float(bool(threats)), threats)
    found["shouting"] = _shouting(text, taken)
    exclaimed = _spans(_EXCLAIMED.finditer(text))
    found["exclaimed"] = (float(min(len(exclaimed), 2)), exclaimed)
    found["email"] = (float(bool(mails)), mails)
    found["address"] = _present(_ADDRESS.finditer(text))
    found["secret"] = _present(_SECRET.finditer(text))
    cards: list[Span] = []
    phones: list[Span] = []
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _within(match.span(), taken):
            continue
        if 13 <= len(digits) <= 19 and luhn(digits):
            cards.append(match.span())
        elif _phone(match.group(), digits):
            phones.append(match.span())
    found["card"] = (float(bool(cards)), cards)
    found["phone"] = (float(bool(phones)), phones)
    return Reading(
        {name: value for name, (value, _) in found.items() if value},
        {name: tuple(spans) for name, (value, spans) in found.items() if value and spans},
    )


def luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and len(set(digits)) > 1


def _phone(written: str, digits: str) -> bool:
    # Dates, years, sums and ids are digits too: a telephone number starts with + or 0, or is parted like one.
    if not 9 <= len(digits) <= 15 or re.fullmatch(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}.*", written):
        return False
    return written[0] in "+0" or re.fullmatch(r"\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}", written) is not None


def _shouting(text: str, taken: list[Span]) -> tuple[float, list[Span]]:
    words = [match for match in _WORD.finditer(text) if not _within(match.span(), taken)]
    cased = [match for match in words if match.group().lower() != match.group().upper()]
    loud = [match.span() for match in cased if len(match.group()) >= 3 and match.group().isupper()]
    letters = sum(len(match.group()) for match in cased)
    share = sum(end - start for start, end in loud) / letters if letters >= 10 else 0.0
    return (round((share - 0.3) / 0.7, 4), loud) if share > 0.3 and len(loud) >= 3 else (0.0, [])


def _present(matches: Iterable[re.Match[str]]) -> tuple[float, list[Span]]:
    spans = _spans(matches)
    return float(bool(spans)), spans


def _spans(matches: Iterable[re.Match[str]]) -> list[Span]:
    return [match.span() for match in matches]


def _within(span: Span, others: list[Span]) -> bool:
    # Others are in order and apart: only the last that starts before can hold it.
    at = bisect_right(others, (span[0], 2**62)) - 1
    return at >= 0 and span[1] <= others[at][1]


def _near(span: Span, targets: list[Span]) -> bool:
    # Handles may hold a `you`, so the nearest need not be the very next.
    at = bisect_right(targets, span)
    return any(_gap(span, target) <= _NEAR for target in targets[max(0, at - 2) : at + 2])


def _gap(one: Span, other: Span) -> int:
    return max(other[0] - one[1], one[0] - other[1], 0)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order, those that touch or overlap made one."""

    def merge() -> Iterator[Span]:
        start = end = -1
        for left, right in sorted(spans):
            if left > end:
                if end > start:
                    yield start, end
                start, end = left, right
            else:
                end = max(end, right)
        if end > start:
            yield start, end

    return tuple(merge())
