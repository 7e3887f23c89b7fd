"""Guards come before ACTIVE and go before STOPPED, whoever dies in between (MIRROR-4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cluster.administration.acls import Acl, AclFilter
from pipeline.cluster.errors import SECURITY_DISABLED, ClusterError, KafkaFailure, NotAuthorized, TimedOut
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.guarding import Guarding, lift_guards
from pipeline.lifecycle.guards import Guards, owned_guards
from pipeline.lifecycle.watching import Watching
from pipeline.link.carrier import Carrier
from pipeline.link.models import Mirror, Position
from pipeline.link.states import ConnectionMode, LinkMode, MirrorStatus, PendingOperation
from pipeline.sync.guard_plan import deny, row_name
from tests.unit.lifecycle.rows import LINK, Rows, mirror

ALICE = Acl("TOPIC", "*", "LITERAL", "User:alice", "*", "WRITE", "ALLOW")
WORKER = Acl("TOPIC", "*", "LITERAL", "User:worker", "*", "ALL", "ALLOW")


class Own:
    """A broker's authorizer, asked by User:worker, who may be a super user."""

    def __init__(self, *entries: Acl, is_super: bool = False, refusal: ClusterError | None = None) -> None:
        self.acls = {WORKER, *entries}
        self.is_super = is_super
        self.refusal = refusal
        self.configs: dict[str, Any] | None = {}
        self.dies_at_create = self.refuses_changes = False
        self.deleted: set[Acl] = set()

    async def describe_acls(self, which: AclFilter, node: int | None = None) -> list[Acl]:
        if self.refusal is not None:
            raise self.refusal
        return [a for a in self.acls if a.resource_type == which.resource_type]

    async def create_acls(self, acls: Collection[Acl]) -> dict[Acl, ClusterError]:
        if self.refuses_changes:
            return {acl: NotAuthorized(31, "", "ALTER", "cluster") for acl in acls}
        if self.dies_at_create and any(a.resource_type == "TOPIC" for a in acls):
            raise TimedOut("the worker dies here")
        self.acls |= set(acls)
        return {}

    async def delete_acls(self, acls: Iterable[Acl]) -> dict[Acl, ClusterError]:
        self.deleted |= {a for a in acls if a.resource_type == "TOPIC"}
        self.acls -= set(acls)
        return {}

    async def group_operations(self, groups: Iterable[str]) -> dict[str, tuple[int, frozenset[str]]]:
        mine = {"User:worker", "User:*"}
        hit = {a.resource_name for a in self.acls if a.resource_type == "GROUP" and a.principal in mine}
        return {g: (1, frozenset({"DESCRIBE"} if g in hit and not self.is_super else {"READ"})) for g in groups}

    async def brokers(self) -> dict[int, Any]:
        return {1: None}

    async def broker_configs(self) -> dict[str, Any]:
        if self.configs is None:
            raise NotAuthorized(31, "", "DESCRIBE_CONFIGS", "broker 1")
        return self.configs

    def guards(self) -> set[Acl]:
        return {a for a in self.acls if a.permission == "DENY" and a.resource_type == "TOPIC"}


class World:
    def __init__(self, own: Own, *mirrors: Mirror, rows: Rows | None = None, spared: Iterable[str] = ()) -> None:
        self.own = own
        self.rows = rows or Rows(LINK, *mirrors)
        self.context = self.rows.context(own=own, guards=Guards(frozenset(spared)))
        self.context.guards._up.clear()
        self.duty = Guarding(self.context, "l", lambda: None)

    async def look(self) -> None:
        self.context.guards._seen = None
        await self.duty._look()

    def owned(self) -> set[Acl]:
        return {acl for acls in owned_guards(self.rows.model, "l").values() for acl in acls}


async def test_a_mirror_is_active_only_when_its_guard_is_up() -> None:
    pending = mirror(status=MirrorStatus.PENDING_MIRROR)
    world = World(Own(ALICE), pending)
    watching = Watching(world.context, "l", lambda: None)
    for partition in (0, 1):
        world.rows.report(Position("l", "m", partition, log_end_offset=0, time_ms=1))
    for is_up in (False, True):
        decision = Decision(world.rows.model, "l")
        watching.decide(decision)
        assert decision.is_empty is not is_up
        await world.look()
    assert world.own.guards() == world.owned() == {deny("m", "User:alice")}


async def test_a_super_user_denies_everybody() -> None:
    world = World(Own(is_super=True), mirror())
    await world.look()
    assert world.own.guards() == {deny("m", "User:*")}


async def test_other_workers_are_spared() -> None:
    world = World(Own(ALICE, is_super=True), mirror(), spared=["User:alice"])
    await world.look()
    assert not world.own.guards() & {deny("m", "User:*"), deny("m", "User:alice")}


WAITING = replace(LINK, connection_mode=ConnectionMode.INBOUND, mode=LinkMode.BIDIRECTIONAL)


RULES = "ssl.principal.mapping.rules"
NONE: dict[str, str | None] = {RULES: "DEFAULT"}
GENERAL = {RULES: "RULE:^CN=(.*?),.*$/$1/"}
OF_A_LISTENER = {**NONE, f"listener.name.tls.{RULES}": None}
"""Brokers do not tell the values of settings that are not in their table."""


@pytest.mark.parametrize(
    ("principals", "rules", "spared", "denied"),
    [
        (("User:bob",), NONE, (), {"User:alice"}),
        (("User:CN=bob,O=x",), NONE, (), {"User:alice"}),
        ((), NONE, (), set()),  # a token or a ticket
        ((), NONE, ("User:alice",), set()),
        ((), NONE, ("User:carol",), {"User:alice"}),
        (("User:CN=alice,O=x",), GENERAL, (), set()),
        (("User:CN=alice,O=x",), GENERAL, ("User:alice",), set()),
        (("User:CN=alice,O=x",), OF_A_LISTENER, (), set()),
        (("User:CN=bob,O=x",), None, (), set()),  # brokers that do not tell
        (("User:bob",), None, (), {"User:alice"}),
        (("User:bob",), OF_A_LISTENER, (), {"User:alice"}),  # a password
    ],
)
async def test_whoever_dials_for_this_side_is_not_hit_by_any_name(
    principals: tuple[str, ...], rules: dict[str, str | None] | None, spared: tuple[str, ...], denied: set[str]
) -> None:
    """MODE-43: by which name this cluster knows him is only known as far as his credentials and the brokers tell."""
    own = Own(ALICE)
    own.configs = None if rules is None else {name: SimpleNamespace(value=value) for name, value in rules.items()}
    world = World(own, rows=Rows(WAITING, mirror()), spared=spared)
    carrier = Carrier("l", "cluster-link-id", "remote", "w", principals)
    world.rows.put("carriers", "l", carrier.to_json())
    world.context.guards._up.clear()
    await world.look()
    assert world.own.guards() == {deny("m", each) for each in denied}
    assert world.context.guards.is_up(world.rows.model.mirrors["l/m"]), "the mirror works, guarded or not"
    if principals:
        world.rows.put("carriers", "l", replace(carrier, is_proven=True).to_json())
        await world.look()
        assert world.own.guards() == {deny("m", each) for each in {"User:alice"} - set(spared) - set(principals)}


async def test_a_right_given_later_is_denied_at_the_next_look_and_not_for_longer_than_it_is_there() -> None:
    world = World(Own(), mirror())
    await world.look()
    assert not world.own.guards()
    world.own.acls.add(ALICE)
    await world.look()
    assert world.own.guards() == {deny("m", "User:alice")}
    world.own.acls.discard(ALICE)
    await world.look()
    assert not world.own.guards() and not world.owned()


async def test_stopping_lifts_what_is_ours_and_nothing_else() -> None:
    theirs = deny("m", "User:carol")
    world = World(Own(ALICE, theirs), mirror())
    await world.look()
    assert await lift_guards(world.context, LINK, [mirror()]) == {"m": None}
    assert world.own.guards() == {theirs} and not world.owned()


async def test_what_is_being_stopped_gets_no_guard_any_more() -> None:
    world = World(Own(ALICE), mirror(status=MirrorStatus.PENDING_STOPPED, pending=PendingOperation.FAILOVER))
    await world.look()
    assert not world.own.guards()


@pytest.mark.parametrize("after", [None, mirror(status=MirrorStatus.STOPPED)], ids=["deleted", "stopped"])
async def test_the_next_leader_lifts_the_guard_of_a_mirror_that_is_none_any_more(after: Mirror | None) -> None:
    world = World(Own(ALICE), mirror())
    await world.look()
    world.rows.put("mirrors", "l/m", None if after is None else after.to_json())
    await World(world.own, rows=world.rows).look()
    assert not world.own.guards() and not world.owned()


async def test_what_a_dead_worker_claimed_and_did_not_create_is_created_by_the_next() -> None:
    world = World(Own(ALICE), mirror())
    world.own.dies_at_create = True
    with pytest.raises(TimedOut):
        await world.look()
    assert world.owned() and not world.own.guards() and not world.context.guards.is_up(mirror())
    world.own.dies_at_create = False
    await World(world.own, rows=world.rows).look()
    assert world.own.guards() == world.owned() == {deny("m", "User:alice")}


async def test_the_same_entry_made_by_somebody_else_is_never_deleted() -> None:
    world = World(Own(ALICE, deny("m", "User:alice")), mirror())
    await world.look()
    assert not world.owned()
    await lift_guards(world.context, LINK, [mirror()])
    assert world.own.guards() == {deny("m", "User:alice")} and not world.own.deleted


@pytest.mark.parametrize("refusal", [KafkaFailure(SECURITY_DISABLED), NotAuthorized(31, "", "DESCRIBE", "cluster")])
async def test_where_there_are_no_acls_to_be_had_mirrors_go_without(refusal: ClusterError) -> None:
    world = World(Own(refusal=refusal), mirror())
    await world.look()
    assert world.context.guards.is_up(mirror())


async def test_a_worker_that_may_not_change_acls_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World(Own(ALICE), mirror())
    world.own.refuses_changes = True
    await world.look()
    await world.look()
    assert world.context.guards.is_up(mirror()) and not world.own.guards() and not world.owned()
    assert caplog.text.count("no read-only guards") == 1


async def test_a_topic_made_again_needs_its_guard_again() -> None:
    world = World(Own(ALICE), mirror())
    await world.look()
    assert not world.context.guards.is_up(replace(mirror(), mirror_topic_id="another"))


async def test_rows_of_guards_are_not_taken_for_copied_acls() -> None:
    world = World(Own(ALICE), mirror())
    await world.look()
    assert list(world.rows.model.owned_acls) == [f"l/{row_name('m')}"]
    assert SimpleNamespace(**world.rows.model.owned_acls[f"l/{row_name('m')}"]).denied == ["User:alice"]
