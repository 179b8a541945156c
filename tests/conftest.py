"""What many tests share: a small network made once, and copied for each test that asks."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def small_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home made as `myna demo` makes it, with 80 people and 2,500 posts. Not to be written to."""
    from myna.app import Myna
    from myna.app.making import Maker
    from myna.settings import Settings

    home = tmp_path_factory.mktemp("network") / "home"
    myna = Myna(Settings(home=home))
    maker = Maker(myna, None, people=80, posts=2_500, seed=3, minutes=0.2)
    for _, step in maker.steps():
        maker.finish(step, step(lambda done, total: None))
    myna.close()
    return home


@pytest.fixture
def small_home(small_network: Path, tmp_path: Path) -> Iterator[Path]:
    """The small network's home, copied: this test's own."""
    home = tmp_path / "home"
    shutil.copytree(small_network, home, symlinks=True)
    yield home
    shutil.rmtree(home)
