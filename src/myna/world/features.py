"""What the law of actions looks at, computed the same way for the simulation and for the truth."""

from dataclasses import dataclass, fields

import numpy as np

from myna.world.content import INSULT, OPINION, QUOTE, REPLY, Posts
from myna.world.law import FEATURES
from myna.world.people import People
from myna.world.timeline import Clock
from myna.world.types import HOUR, Act, Bools, Floats, Ints

_NUMBER = {name: number for number, name in enumerate(FEATURES)}


@dataclass(slots=True)
class Seen:
    """Impressions, (seen,) columns. at: milliseconds. position: posts seen before in the session. by: person or -1.

    follows, mutual: how the reader stood to the author at the midnight (UTC) before.
    """

    reader: Ints
    post: Ints
    at: Ints
    position: Ints
    via: Ints
    by: Ints
    follows: Bools
    mutual: Bools

    def __len__(self) -> int:
        return len(self.reader)

    def take(self, rows: Ints) -> "Seen":
        """These rows."""
        return Seen(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def join(parts: "list[Seen]") -> "Seen":
        """All of them, in the narrowest types that hold them."""
        narrow = {"at": np.int64, "via": np.int8, "position": np.int16, "follows": bool, "mutual": bool}
        return Seen(
            *(
                np.concatenate([getattr(part, field.name).astype(narrow.get(field.name, np.int32)) for part in parts])
                if parts
                else np.zeros(0, narrow.get(field.name, np.int32))
                for field in fields(Seen)
            )
        )


def features(people: People, posts: Posts, clock: Clock, seen: Seen) -> Floats:
    """(seen, law.FEATURES), in the order of that tuple."""
    reader, post = seen.reader, seen.post
    topic = posts.topic[post]
    interests = people.interests[reader]
    parent = posts.parent[post]
    how = posts.how[post]
    answers_me = (parent >= 0) & ((how == REPLY) | (how == QUOTE)) & (posts.author[np.maximum(parent, 0)] == reader)
    act = posts.act[post]
    columns = {
        "one": 1.0,
        "interest": interests[np.arange(len(reader)), topic] / interests.max(1, initial=0.0),
        "quality": posts.quality[post],
        "follows": seen.follows,
        "mutual": seen.mutual,
        "foreign": ~people.reads_lang(reader, posts.lang[post]),
        "fatigue": seen.position / 10.0,
        "to_me": answers_me,
        "asks": act == Act.ASK,
        "opinion": OPINION[act],
        "hot": posts.hot[post],
        "insult": INSULT[act],
        "private": act == Act.OVERSHARE,
        "spam": act == Act.SPAM,
        "link": posts.link[post],
        "media": posts.media[post],
        "warm": people.warm[reader],
        "talk": people.talk[reader],
    }
    x = np.zeros((len(reader), len(FEATURES)))
    for name, column in columns.items():
        x[:, _NUMBER[name]] = column
    return timed(x, people, posts, clock, seen)


def timed(x: Floats, people: People, posts: Posts, clock: Clock, seen: Seen) -> Floats:
    """The features with those that depend on the time of the impression set (in place) to what they are at seen.at."""
    hour = np.clip((seen.at - clock.start) // HOUR, 0, clock.hours)
    x[:, _NUMBER["age"]] = np.log2(1 + np.maximum(seen.at - posts.created_at[seen.post], 0) / HOUR)
    x[:, _NUMBER["late"]] = clock.is_late(hour, people.zone[seen.reader])
    return x
