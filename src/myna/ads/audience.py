"""Whom a campaign reaches: (interests or words) and langs; what is empty does not restrict.

interests are topics of people, matched by the callable that the app hands in: it respects what a person hid and
whether they allow ads by interest at all. words are looked for in the posts near the ad, so they need no profile.
langs is the person's language; for who said no to personal ads, or told no language, that of the posts near the ad.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from myna.ads.types import Campaign
from myna.network import Post
from myna.people.types import Interest

InterestsOf = Callable[[str, Sequence[str]], list[Interest]]
"""(person id, topics) -> that person's interests among the topics; [] for who hid them or said no."""

_TOKEN = re.compile(r"[^\W_]+", re.UNICODE)
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Scripts written without spaces between words: Thai, Lao, Khmer, Japanese, Chinese."""


@dataclass(frozen=True, slots=True)
class Match:
    """How an ad fits. kind: interest, words or broad. evidence: post ids that show it."""

    kind: str
    topic: str = ""
    words: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


def normal(text: str) -> str:
    """Text as it is compared: NFKC, case folded, words one space apart, a space at either end."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return f" {' '.join(_TOKEN.findall(folded))} "


def holds(text: str, word: str) -> bool:
    """Whether normal text holds a normal word or phrase, as whole words where the script has such."""
    bare = word.strip()
    return bool(bare) and (bare in text if _UNSPACED.search(bare) else word in text)


@dataclass(frozen=True, slots=True)
class Nearby:
    """The posts near the ad. texts: normal text by post id. langs: their languages, the most frequent first."""

    texts: dict[str, str]
    langs: tuple[str, ...]

    @classmethod
    def of(cls, context: Iterable[Post]) -> "Nearby":
        """From the posts, those around the ad."""
        posts = list(context)
        langs = Counter(base(post.lang) for post in posts if post.lang)
        return cls({post.id: normal(post.text) for post in posts}, tuple(lang for lang, _ in langs.most_common()))


def base(lang: str) -> str:
    """The language without region or script: `en` for `en-GB`."""
    return re.split(r"[-_]", lang.lower(), maxsplit=1)[0]


@dataclass(slots=True)
class Audiences:
    """The audiences of the campaigns in play, indexed, so that finding those that fit does not look at each.

    Values are places of campaigns, in the order given.
    """

    interests: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    words: dict[str, list[int]] = field(default_factory=dict)
    langs: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    unrestricted: list[int] = field(default_factory=list)
    spelling: dict[str, str] = field(default_factory=dict)
    learnt: dict[tuple[str, ...], dict[tuple[str, str], bool]] = field(default_factory=dict)
    """By topics asked for: whether an interest (id, topic) is among them. The same for all people, so asked once."""

    @classmethod
    def of(cls, campaigns: Sequence[Campaign]) -> "Audiences":
        """The index of these campaigns."""
        found = cls()
        for place, campaign in enumerate(campaigns):
            if campaign.interests:
                found.interests.setdefault(campaign.interests, []).append(place)
            for word in campaign.words:
                found.words.setdefault(normal(word), []).append(place)
                found.spelling.setdefault(normal(word), word)
            if campaign.langs:
                found.langs.setdefault(tuple(sorted({base(lang) for lang in campaign.langs})), []).append(place)
            if not campaign.interests and not campaign.words:
                found.unrestricted.append(place)
        return found

    def near(self, nearby: Nearby) -> dict[int, Match]:
        """The campaigns that fit by the posts near the ad, by place."""
        words: dict[int, list[str]] = {}
        evidence: dict[int, list[str]] = {}
        joined = "\n".join(nearby.texts.values())
        for word, places in self.words.items():
            if not holds(joined, word):
                continue
            where = [id for id, text in nearby.texts.items() if holds(text, word)]
            for place in places:
                words.setdefault(place, []).append(self.spelling[word])
                evidence.setdefault(place, []).extend(where)
        return {
            place: Match("words", words=tuple(said), evidence=tuple(dict.fromkeys(evidence[place]))[:5])
            for place, said in words.items()
        }

    def of_person(self, person_id: str, interests: InterestsOf) -> dict[int, Match]:
        """The campaigns that fit by a person's interests, by place."""
        if not self.interests:
            return {}
        every = tuple(dict.fromkeys(topic for topics in self.interests for topic in topics))
        theirs = [interest for interest in interests(person_id, every) if not interest.hidden]
        found: dict[int, Match] = {}
        for topics, places in self.interests.items() if theirs else ():
            known = self.learnt.setdefault(topics, {})
            if any((interest.id, interest.topic) not in known for interest in theirs):
                among = {interest.id for interest in interests(person_id, topics)}
                known.update({(interest.id, interest.topic): interest.id in among for interest in theirs})
            fitting = [interest for interest in theirs if known[interest.id, interest.topic]]
            if fitting:
                best = max(fitting, key=lambda interest: (interest.weight, interest.id))
                match = Match("interest", topic=best.topic, evidence=best.evidence[:5])
                found.update(dict.fromkeys(places, match))
        return found

    def speaking(self, langs: Sequence[str]) -> list[int]:
        """The campaigns that want other languages than these."""
        spoken = {base(lang) for lang in langs}
        return [place for wanted, places in self.langs.items() if not spoken & set(wanted) for place in places]
