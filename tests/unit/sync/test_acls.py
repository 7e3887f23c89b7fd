"""ACL sync against a model of two clusters: it follows the source, and deletes nothing it did not create (TASK-31).

Each step somebody changes one of the clusters or the filters, or a cycle runs: whole, or cut off by a worker that dies
after any of its writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cluster.administration.acls import Acl
from pipeline.cluster.errors import ClusterError, KafkaFailure, TimedOut
from pipeline.link.acl_filters import AclFilter, AclFilters
from pipeline.link.states import TaskErrorCode
from pipeline.sync.acl_ownership import read_rows, write_rows
from pipeline.sync.acl_plan import NeverCopied, plan_acls, select_acls
from pipeline.sync.acls import AclJob, sync_acls

EVERYTHING = AclFilters((AclFilter("ANY", "ANY", None, None, "ANY", "ANY"),))
ONLY_ALICE = AclFilters((AclFilter("ANY", "ANY", None, "User:alice", "ANY", "ANY"),))
NO_TOPIC = AclFilters((AclFilter("GROUP", "ANY", None, None, "ANY", "ANY"),))


def acl(principal: str = "alice", kind: str = "TOPIC", name: str = "t", operation: str = "READ") -> Acl:
    return Acl(kind, name, "LITERAL", f"User:{principal}", "*", operation, "ALLOW")


class Died(Exception):
    """The worker is gone."""


class FakeAdmin:
    """One cluster's ACLs. `survives`: writes until the worker dies, after the next was carried out or before it."""

    def __init__(self, entries: Iterable[Acl] = ()) -> None:
        self.acls = set(entries)
        self.survives: int | None = None
        self.created_by_link: set[Acl] = set()
        self.error: ClusterError | None = None

    async def describe_acls(self) -> list[Acl]:
        if self.error is not None:
            raise self.error
        return sorted(self.acls)

    async def create_acls(self, entries: Collection[Acl]) -> dict[Acl, ClusterError]:
        self._write(lambda: self._create(set(entries)))
        return {}

    async def delete_acls(self, entries: Collection[Acl]) -> dict[Acl, ClusterError]:
        assert set(entries) <= self.created_by_link, "it deletes what it did not create"
        self._write(lambda: self._delete(set(entries)))
        return {}

    def _create(self, entries: set[Acl]) -> None:
        self.created_by_link |= entries - self.acls
        self.acls |= entries

    def _delete(self, entries: set[Acl]) -> None:
        self.acls -= entries
        self.created_by_link -= entries

    def _write(self, write: Callable[[], None]) -> None:
        if self.survives is None:
            write()
            return
        self.survives -= 1
        if self.survives >= 0:
            write()
        if self.survives <= 0:
            raise Died


class World:
    """A link between two clusters, whose memory is its rows."""

    def __init__(self) -> None:
        self.source, self.own = FakeAdmin(), FakeAdmin()
        self.filters = EVERYTHING
        self.rows: dict[str, Any] = {}

    @property
    def owned(self) -> set[Acl]:
        return read_rows(self.rows.values(), "id")

    async def keep(self, owned: set[Acl], changed: Collection[Acl]) -> bool:
        for shard, row in write_rows("id", owned, changed).items():
            if row is None:
                self.rows.pop(shard, None)
            else:
                self.rows[shard] = row
        return True

    def cycle(self) -> None:
        job = AclJob(self.filters, NeverCopied(), self.owned, self.keep)
        source, own = self.source, self.own
        try:
            asyncio.run(sync_acls(source, own, job))  # type: ignore[arg-type]
        except Died:
            own.survives = None


entries = st.builds(
    acl, st.sampled_from(["alice", "bob"]), st.sampled_from(["TOPIC", "GROUP"]), st.sampled_from(["a", "b"])
)
steps = st.one_of(
    st.tuples(st.sampled_from(["source+", "source-", "here+", "here-"]), entries),
    st.tuples(st.just("filters"), st.sampled_from([EVERYTHING, ONLY_ALICE, NO_TOPIC])),
    st.tuples(st.sampled_from(["cycle", "dies after", "dies before"]), st.integers(0, 2)),
)


@settings(max_examples=150, deadline=None)
@given(st.sets(entries), st.lists(steps, max_size=25))
def test_it_follows_the_source_and_never_deletes_what_it_did_not_create(
    before: set[Acl], taken: list[tuple[str, Any]]
) -> None:
    world = World()
    world.own.acls = set(before)
    foreign = set(before)
    for kind, what in taken:
        if kind == "source+":
            world.source.acls.add(what)
        elif kind == "source-":
            world.source.acls.discard(what)
        elif kind == "here+":
            if what not in world.own.acls and what not in world.owned:
                foreign.add(what)
            elif what not in world.own.acls:
                world.own.created_by_link.add(what)  # nobody can tell it from ours, which was deleted by hand
            world.own.acls.add(what)
        elif kind == "here-":
            world.own.acls.discard(what)
            world.own.created_by_link.discard(what)
            foreign.discard(what)
        elif kind == "filters":
            world.filters = what
        else:
            world.own.survives = None if kind == "cycle" else what + (kind == "dies after")
            world.cycle()
            world.own.survives = None
        assert foreign <= world.own.acls
    world.cycle()
    wanted = select_acls(world.source.acls, world.filters, NeverCopied())
    assert world.own.acls == foreign | wanted
    assert world.owned == world.own.created_by_link


def test_what_is_there_already_is_nobodys_and_ours_comes_back() -> None:
    """TASK-31, TASK-33, TASK-38."""
    one, two, three = acl(name="1"), acl(name="2"), acl(name="3")
    plan = plan_acls({one, two}, {two, three}, {one, three})
    assert (plan.add, plan.claim, plan.delete, plan.forget) == ({one}, set(), {three}, set())
    assert plan_acls(set(), set(), {one}).forget == {one}
    assert plan_acls(set(), {one}, set()).delete == set()


def test_what_is_never_copied() -> None:
    """TASK-35."""
    never = NeverCopied(frozenset({"User:link"}), ("clusterlink.", "clusterlink-"))
    raising = [acl(kind="CLUSTER", name="kafka-cluster", operation=op) for op in ("ALTER", "ALL")]
    kept = [acl(kind="CLUSTER", name="kafka-cluster", operation="DESCRIBE"), acl(name="clusterlinks")]
    left_out = [acl("link"), acl(name="clusterlink.commands"), acl(kind="GROUP", name="clusterlink-x"), *raising]
    assert select_acls([*left_out, *kept], EVERYTHING, never) == set(kept)
    named = AclFilters((AclFilter("CLUSTER", "ANY", None, None, "ANY", "ANY"),))
    assert select_acls(raising, named, never) == set(raising)


def test_what_a_link_created_at_the_source_needs_its_id_in_the_filter() -> None:
    """FILT-6, FILT-7."""
    mine, copied = acl(name="mine"), acl(name="copied")
    created_by = {copied: "other-link"}.get
    assert select_acls([mine, copied], EVERYTHING, NeverCopied(), created_by) == {mine}
    by_id = AclFilter("ANY", "ANY", None, None, "ANY", "ANY", ("other-link",))
    assert select_acls([mine, copied], AclFilters((by_id,)), NeverCopied(), created_by) == {copied}
    both = AclFilters((*EVERYTHING.filters, by_id))
    assert select_acls([mine, copied], both, NeverCopied(), created_by) == {mine, copied}


@pytest.mark.parametrize("side", ["source", "own"])
async def test_a_cluster_without_an_authorizer_is_named(side: str) -> None:
    """TASK-41, STATE-37."""
    world = World()
    getattr(world, side).error = KafkaFailure(54, "No Authorizer is configured.", "DESCRIBE", "cluster")
    job = AclJob(EVERYTHING, NeverCopied(), set(), world.keep)
    report = await sync_acls(world.source, world.own, job)  # type: ignore[arg-type]
    (error,) = report.errors
    assert error.error_code is TaskErrorCode.SECURITY_DISABLED_ERROR
    assert error.error_message.startswith("source" if side == "source" else "destination")


async def test_an_answer_that_never_came_leaves_the_claim() -> None:
    """The ACL may have been created: it has to stay ours, or nobody would ever take it away."""
    world = World()
    world.source.acls = {acl()}

    async def lost(entries: Collection[Acl]) -> dict[Acl, ClusterError]:
        world.own._create(set(entries))
        raise TimedOut("no answer")

    world.own.create_acls = lost  # type: ignore[method-assign]
    job = AclJob(EVERYTHING, NeverCopied(), set(), world.keep)
    report = await sync_acls(world.source, world.own, job)  # type: ignore[arg-type]
    assert (len(report.errors), world.owned) == (1, {acl()})
