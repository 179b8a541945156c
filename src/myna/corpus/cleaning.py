"""A post's text as the model may learn it: nobody's name, address or number, everything else as it was written.

Case, line breaks and emoji stay, since a generator must write them. Mentions, links, mail addresses and telephone
numbers become one token each: the model learns where people put them and cannot repeat whose they are.
"""

import re
import unicodedata

from myna.corpus.controls import without_controls

USER, URL, EMAIL, PHONE = "<|user|>", "<|url|>", "<|email|>", "<|phone|>"

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"(?:[hH][tT][tT][pP][sS]?://|[wW][wW][wW]\.)[^\s<>\"]+")
# Also the @name@server of the Fediverse and @name.example.org of AT Protocol.
_MENTION = re.compile(r"@(?<![\w@/]@)\w(?:[\w.-]*\w(?:@[\w-]+(?:\.[\w-]+)+)?)?")
# Seven digits or more, written as people write numbers one can call: +84 24 3825 2068, (202) 225-4965, 202.225.4965.
_PHONE = re.compile(
    r"(?<![\w.,/$€£¥#-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,5}(?:[ .-]\d{2,5}){1,4}(?![\w/%-])"
)
_YEARS = re.compile(r"\d{4}[ .-]\d{4}|\d{1,4}[.-]\d{1,2}[.-]\d{1,4}|\d{1,3}(?:[ .]\d{3})+")
_LONG_DIGITS = re.compile(r"\+\d{9,15}(?!\w)|(?<![\w.,$€£¥#-])\d{10,15}(?![\w%])")
# What every text with one of the two has: looking for it is quicker than looking for them.
_MAYBE_CALLED = re.compile(r"\d\d(?:[ .-]\d\d|\d{7})")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f]+")
_SPACES = re.compile(r"[^\S\n]{2,}|[^\S\n ]")
_LINES = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """The text as the model may learn it; empty where nothing but white space would be left."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    plain = text.isprintable()
    if not plain:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        plain = text.replace("\n", "").isprintable()
    if not plain:
        text = _CONTROLS.sub("", text)
    # A post that spells out a special token must not become one.
    text = text.replace("<|", "< |")
    # In this order: a link may hold a mention, and @name@server a mail address.
    if "://" in text or "www." in text.lower():
        text = _URL.sub(_cut_url, text)
    if "@" in text:
        text = _MENTION.sub(USER, text)
        if "@" in text:
            text = _EMAIL.sub(EMAIL, text)
    if _MAYBE_CALLED.search(text):
        text = _LONG_DIGITS.sub(PHONE, _PHONE.sub(_phone, text))
    if not plain or "  " in text:
        text = _SPACES.sub(" ", text)
    if "\n\n\n" in text:
        text = _LINES.sub("\n\n", text)
    return text.strip()


def has_words(cleaned: str) -> bool:
    """Whether anything is left to learn beside the placeholders."""
    if cleaned[:1].isalnum():
        return True
    for placeholder in (USER, URL, EMAIL, PHONE):
        cleaned = cleaned.replace(placeholder, "")
    return any(not char.isspace() for char in cleaned)


def measured(cleaned: str) -> tuple[int, int]:
    """How many bytes of text, and how many placeholders, a cleaned text has."""
    size = len(cleaned) if cleaned.isascii() else len(cleaned.encode())
    if "<|" not in cleaned:
        return size, 0
    counts = {placeholder: cleaned.count(placeholder) for placeholder in (USER, URL, EMAIL, PHONE)}
    return size - sum(len(name) * count for name, count in counts.items()), sum(counts.values())


def readable(text: str) -> str:
    """Generated text as people are shown it: the placeholders as words that name nobody."""
    text = without_controls(text).replace(USER, "@user").replace(URL, "[link]")
    return text.replace(EMAIL, "[e-mail]").replace(PHONE, "[phone number]")


def _cut_url(match: re.Match[str]) -> str:
    found = match.group()
    kept = found.rstrip(".,;:!?)'\"…")
    return URL + found[len(kept) :]


def _phone(match: re.Match[str]) -> str:
    found = match.group()
    digits = sum(char.isdigit() for char in found)
    # Dates, spans of years and grouped thousands look alike and are not numbers one can call.
    if digits < 7 or digits > 15 or _YEARS.fullmatch(found):
        return found
    return PHONE
