"""The facts: what happened on the network, and the store that keeps them.

    from myna.network.store import Store

    store = Store("sqlite:///myna.db")
    store.append([Person("home:1", "lan"), Post("home:2", "home:1", now_ms(), "Hello")])   # durable on return
    store.posts_after(0)

The store is not among the names below on purpose: only what brings facts in, the gate and the app hold one.
"""

from myna.network.problem import Forbidden, NotFound, Problem
from myna.network.records import Records
from myna.network.types import (
    HOME,
    WORLD,
    Action,
    ActionKind,
    Appended,
    Consent,
    Counts,
    Deletion,
    Edge,
    EdgeKind,
    Fact,
    Person,
    Post,
    Progress,
    Purpose,
    Visibility,
    now_ms,
    part,
    quiet,
    source_of,
)
from myna.network.validity import invalid

__all__ = [
    "HOME",
    "WORLD",
    "Action",
    "ActionKind",
    "Appended",
    "Consent",
    "Counts",
    "Deletion",
    "Edge",
    "EdgeKind",
    "Fact",
    "Forbidden",
    "NotFound",
    "Person",
    "Post",
    "Problem",
    "Progress",
    "Purpose",
    "Records",
    "Visibility",
    "invalid",
    "now_ms",
    "part",
    "quiet",
    "source_of",
]
