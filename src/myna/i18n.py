"""Messages in the reader's language. English is the language of the source; catalogs lie in `locale/`."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

LOCALES = ("en", "vi")


def N_(text: str) -> str:
    """Marks a message to be translated where it is shown, not where it is written."""
    return text


@cache
def translations(locale: str) -> NullTranslations:
    """The catalog of a locale; English where there is none."""
    path = Path(__file__).parent / "locale" / locale / "LC_MESSAGES" / "myna.mo"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        return GNUTranslations(file)


def translate(locale: str, text: str, **values: object) -> str:
    """The message in this locale with its values filled in: translate("vi", "Hello {name}", name="Lan")."""
    message = translations(locale).gettext(text)
    return message.format(**values) if values else message
