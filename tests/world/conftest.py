"""One world, made once, for the tests that look at it from different sides."""

import pytest

from myna.world import World, generate


@pytest.fixture(scope="session")
def world() -> World:
    return generate(people=600, posts=15_000, seed=7)
