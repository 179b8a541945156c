"""What the law of actions looks at, computed the same way for the simulation and for the truth."""

from dataclasses import dataclass, fields

import numpy as np

from myna.world.content import INSULT, OPINION, QUOTE, REPLY, Posts
from myna.world.law import FEATURES
from myna.world.people import People
from myna.world.timeline import Clock
from myna.world.types import HOUR, Act, Bools, Floats, Ints

_AGE, _LATE = FEATURES.index("age"), FEATURES.index("late")


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
    x = np.stack(
        [
            np.ones(len(reader)),
            interests[np.arange(len(reader)), topic] / interests.max(1, initial=0.0),
            posts.quality[post].astype(np.float64),
            seen.follows.astype(np.float64),
            seen.mutual.astype(np.float64),
            (~people.reads_lang(reader, posts.lang[post])).astype(np.float64),
            np.zeros(len(reader)),
            seen.position / 10.0,
            answers_me.astype(np.float64),
            (act == Act.ASK).astype(np.float64),
            OPINION[act].astype(np.float64),
            posts.hot[post].astype(np.float64),
            INSULT[act].astype(np.float64),
            (act == Act.OVERSHARE).astype(np.float64),
            (act == Act.SPAM).astype(np.float64),
            posts.link[post].astype(np.float64),
            posts.media[post].astype(np.float64),
            np.zeros(len(reader)),
            people.warm[reader],
            people.talk[reader],
        ],
        axis=1,
    )
    return timed(x, people, posts, clock, seen)


def timed(x: Floats, people: People, posts: Posts, clock: Clock, seen: Seen) -> Floats:
    """The features with those that depend on the time of the impression set (in place) to what they are at seen.at."""
    hour = np.clip((seen.at - clock.start) // HOUR, 0, clock.hours)
    x[:, _AGE] = np.log2(1 + np.maximum(seen.at - posts.created_at[seen.post], 0) / HOUR)
    x[:, _LATE] = clock.is_late(hour, people.zone[seen.reader])
    return x
