"""Clusters for the tests that take things away from them; workers are each test's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from pipeline.local.cluster import LocalCluster


@pytest.fixture(scope="session")
def source() -> Iterator[LocalCluster]:
    """One broker, no authorizer."""
    with LocalCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def destination() -> Iterator[LocalCluster]:
    """One broker, no authorizer; another cluster than `source`."""
    with LocalCluster() as cluster:
        yield cluster


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Makes names that no other test has."""
    test = "".join(c if c.isalnum() else "-" for c in request.node.originalname)[:40]
    return lambda name: f"{test}-{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def topic(unique: Callable[[str], str]) -> str:
    """A name for this test's topic; the topic is not made yet."""
    return unique("topic")
