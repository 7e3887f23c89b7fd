"""ACL sync to a cluster that takes only so many ACLs (STATE-42).

Kafka's own authorizer knows no such limit. The destination's is that one with a limit put on, compiled here.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Collection, Iterator
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
from tests.broker.cluster.eventually import eventually
from tests.broker.conftest import SUPER_USER, USERS
from tests.support.packages import need

LIMIT = 3
AUTHORIZER = Path(__file__).with_name("LimitedAuthorizer.java")


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[LocalCluster]:
    need({"javac": "default-jdk-headless"})
    jars = kafka_home().class_path
    subprocess.run(["javac", "-cp", jars, "-d", str(tmp_path), str(AUTHORIZER)], check=True)
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT,),
        users=USERS,
        super_users=(SUPER_USER,),
        properties={"authorizer.class.name": AUTHORIZER.stem, "tests.acl.limit": str(LIMIT)},
        java_properties={"java.class.path": os.pathsep.join((jars, str(tmp_path)))},
    )
    with LocalCluster(options) as cluster:
        yield cluster


async def test_a_limit_is_named_and_what_fits_is_copied(
    secure_source: LocalCluster, limited: LocalCluster, unique: Callable[[str], str]
) -> None:
    """What was refused is not taken for ours, and comes as soon as there is room."""
    principal = f"User:{unique('ann')}"
    entries = [Acl("TOPIC", name, "LITERAL", principal, "*", "READ", "ALLOW") for name in "abc"]
    own = Acl("TOPIC", "own", "LITERAL", "User:somebody", "*", "READ", "ALLOW")
    filters = AclFilters((acl_filters.AclFilter("ANY", "ANY", None, principal, "ANY", "ANY"),))
    owned = set[Acl]()

    async def keep(after: set[Acl], changed: Collection[Acl]) -> bool:
        nonlocal owned
        owned = set(after)
        return True

    sides = [client_arguments(each.client_properties(SUPER_USER)) for each in (secure_source, limited)]
    async with Admin(sides[0]) as source, Admin(sides[1]) as here:

        async def cycle() -> AclReport:
            return await sync_acls(source, here, AclJob(filters, NeverCopied(), owned, keep))

        assert await here.create_acls([own]) == {}
        await eventually(here.describe_acls, lambda found: found == [own])
        assert await source.create_acls(entries) == {}
        report = await eventually(cycle, lambda found: found.selected == len(entries) and found.errors)
        (error,) = report.errors
        assert error.error_code is TaskErrorCode.ACL_LIMIT_EXCEEDED
        assert error.error_message.startswith("destination") and str(LIMIT) in error.error_message
        copied = set(await eventually(here.describe_acls, lambda found: len(found) == LIMIT)) - {own}
        assert owned == copied < set(entries)

        assert await here.delete_acls([own]) == {}
        await eventually(cycle, lambda found: not found.errors)
        await eventually(here.describe_acls, lambda found: set(found) == set(entries))
        assert owned == set(entries)
