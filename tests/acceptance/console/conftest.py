"""A browser, and the console of a worker or of a plane in memory to show in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pipeline.api.authentication import Authentication
from tests.acceptance.console.serving import Served, served
from tests.support.browsing import Browser
from tests.unit.api.fake_plane import FakePlane


@pytest.fixture(scope="session")
def shared_browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: Browser) -> Browser:
    """The window, empty and without what earlier tests left in it."""
    shared_browser.open("about:blank")
    shared_browser.complaints()
    return shared_browser


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane()


@pytest.fixture
def serve(plane: FakePlane) -> Iterator[Callable[..., Served]]:
    """Serve the plane as a worker serves its own, for callers as given."""
    with ExitStack() as running:

        def start(authentication: Authentication | None = None) -> Served:
            return running.enter_context(served(plane, authentication or Authentication.off()))

        yield start
