import os
import threading
from pathlib import Path

import pytest

from myna.private import keep_once
from myna.settings import Settings


def test_a_secret_is_its_owner_s_alone_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    keep_once(path, b"first")
    keep_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["secret"]


def test_a_secret_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session key left empty by a kill would let anybody sign sessions."""

    def killed(_descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "fsync", killed)
        _ = Settings(home=tmp_path).secret
    assert not (tmp_path / "secret").exists()
    assert len(Settings(home=tmp_path).secret) >= 48


def test_of_many_who_make_it_at_once_all_get_the_same(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(Settings(home=tmp_path).secret)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
