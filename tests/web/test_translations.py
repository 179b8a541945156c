"""The Vietnamese catalog holds every message of the source, with the same placeholders."""

import json
import string
from functools import cache
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from myna.i18n import N_, translate, translations
from myna.web.words import Words, choose_locale

ROOT = Path(__file__).parents[2]
CATALOG = ROOT / "src/myna/locale/vi/LC_MESSAGES/myna.po"


@cache
def messages() -> frozenset[tuple[str, ...]]:
    """Every message marked in the source, with its plural where it has one."""
    methods = [("myna/**.py", "python"), ("myna/web/templates/**.html", "jinja2")]
    found = extract_from_dir(ROOT / "src", methods)
    return frozenset(message if isinstance(message, tuple) else (message,) for _, _, message, _, _ in found)


def test_no_message_lacks_a_vietnamese_translation() -> None:
    with CATALOG.open("rb") as file:
        catalog = read_po(file, locale="vi")
    held = {
        (m.id if isinstance(m.id, tuple) else (m.id,))[0]: m.string if isinstance(m.string, tuple) else (m.string,)
        for m in catalog
        if m.id and not m.fuzzy
    }
    lacking = sorted(message[0] for message in messages() if not all(held.get(message[0], ("",))))
    assert lacking == [], "add these to src/myna/locale/vi/LC_MESSAGES/myna.po (docs/pages.md says how)"
    stale = sorted(set(held) - {message[0] for message in messages()})
    assert stale == [], "these are no longer in the source"
    for message in messages():
        for string_ in held[message[0]]:
            assert _fields(string_) == _fields(message[0]), message[0]


def test_the_compiled_catalog_is_what_the_pages_speak() -> None:
    compiled = CATALOG.with_suffix(".mo")
    assert compiled.exists(), "run `python hatch_build.py`"
    with CATALOG.open("rb") as source, compiled.open("rb") as file:
        made, written = ([(m.id, m.string) for m in catalog if m.id] for catalog in (read_mo(file), read_po(source)))
    assert sorted(map(json.dumps, made)) == sorted(map(json.dumps, written)), "run `python hatch_build.py`"
    assert translate("vi", N_("Search")) == "Tìm kiếm"
    assert translate("xx", N_("Search")) == "Search"
    assert translations("vi").ngettext("{n} reply", "{n} replies", 5) == "{n} trả lời"


def test_values_cannot_become_markup_or_placeholders() -> None:
    words = Words("vi")
    assert words.say("paid by {payer}", payer="<b>{x}</b>") == "&lt;b&gt;{x}&lt;/b&gt; trả tiền"


def test_the_language_is_the_chosen_one_then_the_browsers() -> None:
    assert choose_locale("vi", "en") == "vi"
    assert choose_locale("xx", "de,vi-VN;q=0.5") == "vi"
    assert choose_locale("", "") == "en"


def test_numbers_money_and_times_are_the_readers() -> None:
    english, vietnamese = Words("en", "Asia/Ho_Chi_Minh"), Words("vi", "Asia/Ho_Chi_Minh")
    assert (english.number(1234567), vietnamese.number(1234567)) == ("1,234,567", "1.234.567")
    assert english.money(12_500_000) == "€12.50"
    noon = 1_780_315_200_000
    assert "7:00:00" in english.at(noon), "noon in Greenwich is seven in the evening in Saigon"
    assert "19:00:00" in vietnamese.at(noon)
    assert Words("en", "Mars/Olympus").at(0).startswith("Jan 1, 1970")
    assert english.at(-62_135_596_800_000), "the year 1 is a date too"


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
