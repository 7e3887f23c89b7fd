"""Real clusters for the broker tests. Each starts when the first test asks for it and serves until the end of the run.

Where Java and Maven (or Docker) are missing, a test that asks for a cluster fails and says what to install.
Fault tests that stop brokers make a `LocalCluster` of their own: these here are everybody's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.kafka_home import OLD_VERSION
from pipeline.local.options import ClusterOptions, Protocol

SUPER_USER = "admin"
NARROW_USERS = ("least", "secured", "syncing", "copying-acls")
"""Each is of one file of tests that goes by what exactly it may do: no other file grants it anything."""
USERS = {user: f"{user}-secret" for user in (SUPER_USER, "link", "alice", *NARROW_USERS)}
"""Users of the secure clusters: `admin` may do everything, the others what ACLs allow them."""
SECURE = ClusterOptions(protocols=(Protocol.SASL_PLAINTEXT,), users=USERS, super_users=(SUPER_USER,))


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


@pytest.fixture(scope="session")
def old_source() -> Iterator[LocalCluster]:
    """One broker of the last version before 4.0, no authorizer."""
    with LocalCluster(ClusterOptions(version=OLD_VERSION)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def secure_source() -> Iterator[LocalCluster]:
    """One broker with StandardAuthorizer, SASL PLAIN and SCRAM for `USERS`."""
    with LocalCluster(SECURE) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def secure_destination() -> Iterator[LocalCluster]:
    """One broker with StandardAuthorizer, SASL PLAIN and SCRAM for `USERS`; another cluster than `secure_source`."""
    with LocalCluster(SECURE) as cluster:
        yield cluster


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Makes names that no other test has: of topics, groups, links."""
    test = "".join(c if c.isalnum() else "-" for c in request.node.originalname)[:60]
    return lambda name: f"{test}-{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def topic(unique: Callable[[str], str]) -> str:
    """A name for this test's topic; the topic is not made yet."""
    return unique("topic")
