"""What holds of a whole network whatever its parts do: for whom a draft was written, deletions, what a count tells."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from myna.app import Myna
from myna.gate import ANYONE, OPERATOR
from myna.network import NotFound, Person, Post, Visibility, now_ms
from myna.settings import Settings


@pytest.fixture
def myna(tmp_path: Path) -> Iterator[Myna]:
    """Two people, one post."""
    made = Myna(Settings(home=tmp_path / "home"))
    made.store.append([Person("home:lan", "lan"), Person("home:bo", "bo"), Post("home:1", "home:lan", 1, "A bridge")])
    made.follow()
    yield made
    made.close()


def test_a_held_draft_is_posted_for_those_it_was_written_for(myna: Myna) -> None:
    draft = myna.hold_draft("home:lan", "for followers", visibility=Visibility.FOLLOWERS)
    post = myna.post_draft("home:lan", draft.id)
    assert post.visibility is Visibility.FOLLOWERS
    with pytest.raises(NotFound):
        myna.post(ANYONE, post.id)


def test_a_part_that_fails_keeps_no_deletion_from_the_others(myna: Myna, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise KeyError("broken")

    assert myna.search_posts(ANYONE, "bridge").hits
    monkeypatch.setattr(myna.feeds, "follow", broken)
    monkeypatch.setattr("myna.app.myna._FOLLOW_EVERY", 0.01)
    myna.delete(OPERATOR, "home:1")
    with pytest.raises(KeyError):
        myna.follow()
    assert myna.search.check()["indexed"] == 0
    myna.start()
    for _ in range(200):
        if myna.follow_error:
            break
        myna._stopping.wait(0.05)
    assert "broken" in myna.follow_error
    assert myna._follower is not None and myna._follower.is_alive()


def test_what_was_answered_in_private_is_not_counted(myna: Myna) -> None:
    answers = [Post(f"home:{v}", "home:bo", now_ms(), "Yes", reply_to="home:1", visibility=v) for v in Visibility]
    myna.store.append(answers)
    found = myna.post(ANYONE, "home:1")
    assert myna.standing("", [found])["home:1"].replies == 2


def test_a_home_is_its_owners_alone(myna: Myna) -> None:
    assert myna.settings.home.stat().st_mode & 0o077 == 0
