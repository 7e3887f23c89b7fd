"""Tasks whose destination has rules of its own: only so many ACLs (STATE-42), no long retention (STATE-40).

Kafka's authorizer knows no such limit, and its policies are the provider's own code: both are compiled here.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from pathlib import Path

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import Acl
from pipeline.cluster.security import client_arguments
from pipeline.link import acl_filters
from pipeline.link.acl_filters import AclFilters
from pipeline.link.states import TaskErrorCode
from pipeline.local.cluster import LocalCluster
from pipeline.local.kafka_home import kafka_home
from pipeline.local.options import ClusterOptions, Protocol
from pipeline.sync.acl_plan import NeverCopied
from pipeline.sync.acls import AclJob, AclReport, sync_acls
from tests.broker.cluster.eventually import create, eventually
from tests.broker.conftest import SUPER_USER, USERS
from tests.broker.sync.test_topic_configs import Pair
from tests.support.packages import need

ACLS, RETENTION = (Path(__file__).with_name(f"{name}.java") for name in ("LimitedAcls", "LimitedRetention"))
MOST_ACLS, LONGEST_MS = 3, 30 * 24 * 3_600_000


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    need({"javac": "default-jdk-headless"})
    jars, classes = kafka_home().class_path, str(tmp_path_factory.mktemp("classes"))
    subprocess.run(["javac", "-cp", jars, "-d", classes, str(ACLS), str(RETENTION)], check=True)
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT,),
        users=USERS,
        super_users=(SUPER_USER,),
        properties={
            "authorizer.class.name": ACLS.stem,
            "tests.acl.limit": str(MOST_ACLS),
            "alter.config.policy.class.name": RETENTION.stem,
            "tests.retention.limit.ms": str(LONGEST_MS),
        },
        java_properties={"java.class.path": os.pathsep.join((jars, classes))},
    )
    with LocalCluster(options) as cluster:
        yield cluster


@pytest.fixture
async def source(secure_source: LocalCluster) -> AsyncIterator[Admin]:
    async with Admin(client_arguments(secure_source.client_properties(SUPER_USER))) as made:
        yield made


@pytest.fixture
async def here(strict: LocalCluster) -> AsyncIterator[Admin]:
    async with Admin(client_arguments(strict.client_properties(SUPER_USER))) as made:
        yield made


async def test_a_limit_on_acls_is_named_and_what_fits_is_copied(
    source: Admin, here: Admin, unique: Callable[[str], str]
) -> None:
    """What was refused is not taken for ours, and comes as soon as there is room."""
    principal = f"User:{unique('ann')}"
    entries = {Acl("TOPIC", name, "LITERAL", principal, "*", "READ", "ALLOW") for name in "abc"}
    foreign = Acl("TOPIC", "own", "LITERAL", "User:somebody", "*", "READ", "ALLOW")
    filters = AclFilters((acl_filters.AclFilter("ANY", "ANY", None, principal, "ANY", "ANY"),))
    owned = set[Acl]()

    async def keep(after: set[Acl], changed: Collection[Acl]) -> bool:
        nonlocal owned
        owned = set(after)
        return True

    async def cycle() -> AclReport:
        return await sync_acls(source, here, AclJob(filters, NeverCopied(), owned, keep))

    assert await here.create_acls([foreign]) == {}
    await eventually(here.describe_acls, lambda found: found == [foreign])
    assert await source.create_acls(entries) == {}
    report = await eventually(cycle, lambda found: found.selected == len(entries) and found.errors)
    (error,) = report.errors
    assert error.error_code is TaskErrorCode.ACL_LIMIT_EXCEEDED
    assert error.error_message.startswith("destination") and str(MOST_ACLS) in error.error_message
    copied = set(await eventually(here.describe_acls, lambda found: len(found) == MOST_ACLS)) - {foreign}
    assert owned == copied < entries

    assert await here.delete_acls([foreign]) == {}
    await eventually(here.describe_acls, lambda found: foreign not in found)
    await eventually(cycle, lambda found: not found.errors)
    await eventually(here.describe_acls, lambda found: set(found) == entries)
    assert owned == entries


async def test_a_config_that_a_policy_refuses_is_named(source: Admin, here: Admin, topic: str) -> None:
    for admin in (source, here):
        await create(admin, topic, 1)
    pair = Pair(source, here, topic)
    await eventually(pair.cycle, lambda found: found.followed > 0 and not found.errors)
    await source.alter_topic_configs(topic, {"retention.ms": str(LONGEST_MS + 1)})
    report = await eventually(pair.cycle, lambda found: found.errors)
    (error,) = report.errors
    assert (error.error_code, report.refused) == (TaskErrorCode.POLICY_VIOLATION_ERROR, 1)
    assert topic in error.error_message and f"retention.ms above {LONGEST_MS}" in error.error_message
    await source.alter_topic_configs(topic, {"retention.ms": str(LONGEST_MS)})
    await eventually(pair.cycle, lambda found: found.followed == 1 and not found.errors)
    await pair.shows("retention.ms", str(LONGEST_MS))
