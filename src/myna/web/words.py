"""Words, numbers and times as the reader's language and time zone have them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, dates, negotiate_locale, numbers
from markupsafe import Markup, escape

from myna.i18n import LOCALES, N_, translate, translations
from myna.network import Purpose
from myna.people.types import Reason

LANGUAGES = {"en": "English", "vi": "Tiếng Việt"}
"""The pages' languages, each by its own name."""

PURPOSES = {
    Purpose.SEARCH: N_("May be found by search"),
    Purpose.RECOMMEND: N_("May be recommended in feeds"),
    Purpose.ANSWER: N_("May be cited in answers"),
    Purpose.TRAIN: N_("May train the language model"),
    Purpose.ADS: N_("May be used to choose ads"),
    Purpose.EXPORT: N_("May be exported to others"),
}


def choose_locale(cookie: str, accept_language: str) -> str:
    """The language chosen before, else the best of those the browser asks for, else English."""
    if cookie in LOCALES:
        return cookie
    wanted = [part.partition(";")[0].strip().replace("-", "_") for part in accept_language.split(",")]
    return negotiate_locale([tag for tag in wanted if tag], LOCALES) or "en"


@cache
def is_language(tag: str) -> bool:
    """Whether a lang attribute may say this: sources write `und`, `qme` and worse."""
    return tag.replace("_", "-").partition("-")[0] in Locale("en").languages and tag != "und"


@dataclass(frozen=True)
class Words:
    """One reader's language and time zone."""

    locale: str
    timezone: str = "UTC"
    currency: str = "EUR"

    @cached_property
    def zone(self) -> tzinfo:
        """The reader's time zone; UTC where theirs is unknown."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return UTC

    def say(self, message: str, **values: object) -> Markup:
        """A message with its values filled in, both safe to show."""
        return Markup(escape(translate(self.locale, message))).format(**values)

    def count(self, one: str, many: str, n: int) -> Markup:
        """A message about n things; `{n}` is the number."""
        message = translations(self.locale).ngettext(one, many, n)
        return Markup(escape(message)).format(n=self.number(n))

    def reason(self, reason: Reason) -> Markup:
        """A reason in the reader's language."""
        return self.say(reason.text, **reason.values)

    def number(self, value: float, digits: int = 0) -> str:
        """1,234 as the language writes it."""
        return numbers.format_decimal(round(value, digits), locale=self.locale)

    def short(self, value: int) -> str:
        """1.2K: for the counts beside posts."""
        return numbers.format_compact_decimal(value, locale=self.locale, fraction_digits=1 if value >= 1000 else 0)

    def percent(self, share: float, digits: int = 0) -> str:
        """A share in [0, 1] as per cent."""
        pattern = "#,##0." + "0" * digits + "%" if digits else "#,##0%"
        return numbers.format_percent(share, format=pattern, locale=self.locale)

    def money(self, micros: int) -> str:
        """Millionths of the network's currency."""
        return numbers.format_currency(micros / 1_000_000, self.currency, locale=self.locale)

    def size(self, amount: int) -> str:
        """Bytes, in the largest unit that leaves a whole number."""
        for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
            if amount >= 1000**power:
                return f"{numbers.format_decimal(round(amount / 1000**power, 1), locale=self.locale)} {unit}"
        return f"{amount} B"

    def at(self, ms: int) -> str:
        """A date and time in full."""
        return dates.format_datetime(self._moment(ms), "medium", tzinfo=self.zone, locale=self.locale)

    def day(self, ms: int) -> str:
        """A date."""
        return dates.format_date(self._moment(ms).astimezone(self.zone), "medium", locale=self.locale)

    def ago(self, ms: int, now: datetime | None = None) -> str:
        """How long ago, within a week; then the date."""
        past = (now or datetime.now(UTC)) - self._moment(ms)
        if timedelta(0) <= past < timedelta(days=7):
            return dates.format_timedelta(past, granularity="minute", format="short", locale=self.locale)
        return self.day(ms)

    def iso(self, ms: int) -> str:
        """For <time datetime>."""
        return self._moment(ms).strftime("%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def _moment(ms: int) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
