"""Cycles of the ACL sync between two real clusters with StandardAuthorizer (TASK-30..41), with the least rights."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import Acl, AclFilter
from pipeline.cluster.security import client_arguments
from pipeline.link import acl_filters
from pipeline.link.acl_filters import AclFilters
from pipeline.link.states import TaskErrorCode
from pipeline.local.cluster import LocalCluster
from pipeline.sync.acl_plan import NeverCopied
from pipeline.sync.acls import AclJob, AclReport, sync_acls
from tests.broker.cluster.eventually import eventually
from tests.support.permitting import allow, disallow

USER = "copying-acls"
"""The link at both sides; what it may do, this file alone says."""
LINK = f"User:{USER}"


class Side:
    """One cluster: what operators do there, and the link's own client of it."""

    def __init__(self, operator: Admin, link: Admin) -> None:
        self.operator, self.link = operator, link

    async def add(self, *acls: Acl) -> None:
        assert await self.operator.create_acls(acls) == {}

    async def remove(self, *acls: Acl) -> None:
        assert await self.operator.delete_acls(acls) == {}


class Pair:
    """A link's ACL sync between two clusters, over the ACLs of principals of this test."""

    def __init__(self, source: Side, own: Side, principals: Collection[str]) -> None:
        self.source, self.own, self.owned = source, own, set[Acl]()
        self.principals = list(principals)
        self.select(*principals)

    def select(self, *principals: str) -> None:
        self.filters = AclFilters(tuple(acl_filters.AclFilter("ANY", "ANY", None, p, "ANY", "ANY") for p in principals))

    async def keep(self, owned: set[Acl], changed: Collection[Acl]) -> bool:
        self.owned = owned
        return True

    async def cycle(self) -> AclReport:
        job = AclJob(self.filters, NeverCopied(frozenset({LINK})), self.owned, self.keep)
        return await sync_acls(self.source.link, self.own.link, job)

    async def here(self) -> set[Acl]:
        found = [await self.own.operator.describe_acls(AclFilter(principal=p)) for p in self.principals]
        return {acl for each in found for acl in each}

    async def comes_to(self, wanted: set[Acl]) -> None:
        """Cycles bring the destination to these ACLs; brokers hear of changes a moment after the controller."""

        async def look() -> set[Acl]:
            assert (await self.cycle()).errors == []
            return await self.here()

        await eventually(look, lambda found: found == wanted)


@pytest.fixture
async def pair(
    secure_source: LocalCluster, secure_destination: LocalCluster, unique: Callable[[str], str]
) -> AsyncIterator[Pair]:
    """The link has what SEC-6 and SEC-7 name, and nothing else."""
    allow(secure_source, USER, "DESCRIBE")
    allow(secure_destination, USER, "ALTER")
    names = [
        client_arguments(cluster.client_properties(user))
        for cluster in (secure_source, secure_destination)
        for user in ("admin", USER)
    ]
    admins = [Admin(each) for each in names]
    made = Pair(Side(admins[0], admins[1]), Side(admins[2], admins[3]), [f"User:{unique(n)}" for n in ("ann", "bob")])
    yield made
    for admin in admins:
        await admin.close()


def acl(principal: str, name: str = "t", operation: str = "READ", permission: str = "ALLOW") -> Acl:
    return Acl("TOPIC", name, "PREFIXED", principal, "*", operation, permission)


async def test_what_is_selected_is_followed_and_what_was_here_stays(pair: Pair) -> None:
    """TASK-30, 31, 33, 38: RUN-23 in small."""
    ann, bob = pair.principals
    before = acl(ann, "before")
    await pair.own.add(before, acl(bob, "by-hand"))
    await pair.source.add(before, acl(ann, "new"), acl(ann, "denied", permission="DENY"), acl(bob, "other"))
    everything = {
        before,
        acl(bob, "by-hand"),
        acl(ann, "new"),
        acl(ann, "denied", permission="DENY"),
        acl(bob, "other"),
    }
    await pair.comes_to(everything)
    await pair.source.remove(before, acl(ann, "new"))
    await pair.comes_to(everything - {acl(ann, "new")})
    await pair.own.remove(acl(bob, "other"))
    await eventually(pair.here, lambda found: acl(bob, "other") not in found)
    await pair.comes_to(everything - {acl(ann, "new")})
    pair.select(ann)
    await pair.comes_to(everything - {acl(ann, "new"), acl(bob, "other")})
    assert pair.owned == {acl(ann, "denied", permission="DENY")}


async def test_the_links_own_acls_are_not_copied(pair: Pair) -> None:
    """TASK-35."""
    pair.select(LINK)
    report = await pair.cycle()
    assert (report.errors, report.selected) == ([], 0)


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_changes_on_both_sides(pair: Pair, seed: int) -> None:
    """TASK-31: it never deletes an ACL that it did not create, and follows the source."""
    chance = random.Random(seed)
    candidates = [acl(principal, name) for principal in pair.principals for name in ("a", "b", "c")]
    at_source, foreign = set[Acl](), set[Acl]()
    for _ in range(12):
        one = chance.choice(candidates)
        change = chance.choice(("source+", "source-", "here+", "cycle", "cycle"))
        if change == "source+":
            await pair.source.add(one)
            at_source.add(one)
        elif change == "source-":
            await pair.source.remove(one)
            at_source.discard(one)
        elif change == "here+" and one not in pair.owned:
            await pair.own.add(one)
            await eventually(pair.here, lambda found, one=one: one in found)  # type: ignore[misc]
            foreign.add(one)
        else:
            await pair.comes_to(foreign | at_source)
    await pair.comes_to(foreign | at_source)
    assert pair.owned == at_source - foreign


async def test_a_missing_permission_is_named_with_its_side(
    pair: Pair, secure_source: LocalCluster, secure_destination: LocalCluster
) -> None:
    """STATE-35, STATE-36, SEC-6, SEC-7."""
    await pair.source.add(acl(pair.principals[0]))
    await eventually(pair.cycle, lambda found: found.selected == 1)
    disallow(secure_source, USER, "DESCRIBE")
    report = await eventually(pair.cycle, lambda found: found.errors)
    assert report.errors[0].error_code is TaskErrorCode.AUTHORIZATION_ERROR
    assert "source: DESCRIBE on cluster" in report.errors[0].error_message
    allow(secure_source, USER, "DESCRIBE")
    await eventually(pair.cycle, lambda found: not found.errors)
    disallow(secure_destination, USER, "ALTER")
    allow(secure_destination, USER, "DESCRIBE")
    await pair.source.add(acl(pair.principals[0], "more"))
    report = await eventually(pair.cycle, lambda found: found.errors)
    assert report.errors[0].error_code is TaskErrorCode.BROKER_AUTHORIZATION_ERROR
    assert "destination: ALTER on cluster" in report.errors[0].error_message
    assert acl(pair.principals[0], "more") not in pair.owned


async def test_clusters_without_an_authorizer_are_named(pair: Pair, remote: Admin, own: Admin) -> None:
    """TASK-41."""
    asked: list[Callable[[], Awaitable[AclReport]]] = [
        lambda: sync_acls(remote, pair.own.link, AclJob(pair.filters, NeverCopied(), set(), pair.keep)),
        lambda: sync_acls(pair.source.link, own, AclJob(pair.filters, NeverCopied(), set(), pair.keep)),
    ]
    for ask, side in zip(asked, ("source", "destination"), strict=True):
        (error,) = (await ask()).errors
        assert error.error_code is TaskErrorCode.SECURITY_DISABLED_ERROR
        assert error.error_message.startswith(side)
