"""A reverse is finished whatever dies at whichever step, and whoever still writes to the source (MIRROR-71).

Both sides are real: rows, decisions, the command and its handler; the clusters are a few numbers. A world is run once
for each of its steps: there it dies, on both sides, and new workers go on from the rows alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.lifecycle import becoming, handing_over
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.handing_over import have_partner_wait
from pipeline.lifecycle.leading import refused
from pipeline.lifecycle.partition_counts import grown
from pipeline.lifecycle.reversing import Reversing
from pipeline.lifecycle.stopping import put_stopped
from pipeline.link.errors import LinkError
from pipeline.link.models import Command, Link, Mirror, Result
from pipeline.link.states import LinkMode, MirrorStatus, PendingOperation
from tests.unit.lifecycle.rows import LINK, Rows, mirror

OWN_CONFIGS = {"compression.type": "zstd", "message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete"}
TWO_SIDED = replace(LINK, mode=LinkMode.BIDIRECTIONAL)
MOST_STEPS = 60


class Death(BaseException):
    """A worker ends here."""


class World:
    """A mirror `m` here of a topic `m` there; `ends` are the log ends of either side. `at_step` happens once."""

    def __init__(self, at_step: int, happens: Callable[[World], None]) -> None:
        self.steps, self._at_step, self._happens = 0, at_step, happens
        self.has_happened = False
        reversing = mirror(status=MirrorStatus.PENDING_STOPPED, pending=PendingOperation.REVERSE_AND_START)
        self.here, self.there = Rows(TWO_SIDED, reversing), Rows(TWO_SIDED)
        self.ends = {"here": [5, 7], "there": [5, 7]}
        self.configs = dict(OWN_CONFIGS)
        self.reopened: set[int] = set()
        self.partitions = 2

    def step(self) -> None:
        """Called around everything that leaves a worker."""
        self.steps += 1
        if self.steps == self._at_step:
            self.has_happened = True
            self._happens(self)

    def context(self, side: str) -> Context:
        rows = getattr(self, side)

        async def send_outcome(raw: Any) -> None:
            self.step()
            await rows.send_outcome(raw)
            self.step()

        context: Context = rows.context(send_outcome=send_outcome, own=self, registry=self, cluster_id=side)
        other = Partner(self, "there" if side == "here" else "here")

        async def partner(_: Link) -> Partner:
            return other

        async def remote(_: Link) -> World:
            return self

        context.paired_partner = partner  # type: ignore[method-assign,assignment]
        context.remote = remote  # type: ignore[method-assign,assignment]
        context.guards = SimpleNamespace(is_up=lambda row: True)  # type: ignore[assignment]
        context._known_configs = frozenset(OWN_CONFIGS)
        return context

    # what is asked of clusters

    async def describe_topics(self, names: list[str], operations: bool = False) -> dict[str, Any]:
        row = self.here.mirror()
        topic_id = row.mirror_topic_id if operations else row.source_topic_id
        partitions = dict.fromkeys(range(self.partitions), 1)
        return {names[0]: SimpleNamespace(error=0, topic_id=topic_id, partitions=partitions, operations={"READ"})}

    async def topic_configs(self, name: str) -> dict[str, Any]:
        return {key: SimpleNamespace(value=value) for key, value in self.configs.items()}

    async def alter_topic_configs(self, name: str, values: dict[str, str]) -> None:
        self.step()
        self.configs |= values
        self.step()

    async def reopen(self, topic_id: str, partition: int, allocate: object) -> None:
        self.step()
        self.reopened.add(partition)

    async def log_ends(self, context: Context, row: Mirror) -> list[int]:
        self.step()
        return list(self.ends[context.cluster_id])

    # workers

    async def lead(self) -> None:
        """What the leader of the mirror does next, from its rows."""
        context, row = self.context("here"), self.here.mirror()
        decision = Decision(context.model, "l")
        if not row.is_drained:
            self.ends["here"] = list(self.ends["there"])  # copied
            _, errors = await have_partner_wait(context, TWO_SIDED, row)
            if not errors and self.ends["here"] == self.ends["there"]:
                decision.put_mirror(replace(row, is_drained=True))
        elif not row.is_handed_over:
            duty = Reversing(context, "l", lambda: None)
            await duty._hand_over(TWO_SIDED, row)
            duty.decide(decision)
        else:
            put_stopped(decision, row, ())
        if not decision.is_empty:
            await context.settle(decision)


class Partner:
    """The other side, as its rows are, and its leader, which carries out one command."""

    def __init__(self, world: World, side: str) -> None:
        self._world, self._side = world, side
        self._rows: Rows = getattr(world, side)

    def mirror(self, topic: str) -> Mirror | None:
        return self._rows.model.mirrors.get(f"l/{topic}")

    async def submit(self, command: Command, timeout_s: float) -> Result:
        self._world.step()
        context = self._world.context(self._side)
        self._rows.ask(command)
        decision = Decision(context.model, "l")
        try:
            await becoming.become_mirror(context, command, context.model.requests[command.id], decision)
            result = Result(command.id, "l", command.kind)
        except LinkError as error:
            decision, result = Decision(context.model, "l"), refused(command, error)
        await context.send_outcome(decision.outcome("w", command.id, result).to_json())
        self._world.step()
        return result


def die(_: World) -> None:
    raise Death


def late_record(world: World) -> None:
    world.ends["there"][0] += 1


async def reverse_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_over, "log_ends", world.log_ends)
    monkeypatch.setattr(becoming, "log_ends", world.log_ends)
    await world.lead()


async def reverse(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_over, "log_ends", world.log_ends)
    monkeypatch.setattr(becoming, "log_ends", world.log_ends)
    for _ in range(MOST_STEPS):
        try:
            await world.lead()
        except Death:
            continue
        if world.here.mirror().status is MirrorStatus.STOPPED:
            return
    raise AssertionError("the reverse does not end")


@pytest.mark.parametrize("happens", [die, late_record])
async def test_every_step(monkeypatch: pytest.MonkeyPatch, happens: Callable[[World], None]) -> None:
    for at_step in itertools.count(1):
        world = World(at_step, happens)
        await reverse(world, monkeypatch)
        theirs = world.there.mirror()
        assert theirs.status is MirrorStatus.PENDING_MIRROR
        assert list(theirs.start_offsets) == world.ends["here"], "it goes on where this side ends"
        assert theirs.is_adopted and theirs.pending is PendingOperation.REVERSE_AND_START
        assert (theirs.source_topic_id, theirs.mirror_topic_id) == ("id-m", "source-m")
        assert theirs.source_configs["compression.type"] == "zstd", "what it has as a regular topic is remembered"
        assert world.configs["compression.type"] == "producer"
        assert world.reopened == {0, 1}
        if not world.has_happened:
            assert at_step > 10
            break


async def test_a_source_that_is_still_written_to_gets_its_configs_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays pending, and says why (MIRROR-55)."""
    world = World(0, die)
    monkeypatch.setattr(handing_over, "log_ends", world.log_ends)
    monkeypatch.setattr(becoming, "log_ends", world.log_ends)
    await world.lead()
    assert world.there.mirror().status is MirrorStatus.PENDING_SYNCHRONIZE
    late_record(world)
    await world.lead()
    here = world.here.mirror()
    assert (here.status, here.is_drained) == (MirrorStatus.PENDING_STOPPED, False)
    assert "m-0 ends at 6, its mirror at 5: it is still written to" in here.transition_errors[0].error_message
    assert world.configs == OWN_CONFIGS


async def test_a_topic_that_grows_when_all_is_drained_is_mirrored_on_before_it_is_reversed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its new partitions come first. A drained mirror is not grown, so it has to be drained once more (MIRROR-92)."""
    world = World(0, die)
    await world.lead()
    assert world.here.mirror().is_drained
    world.partitions, world.ends["there"] = 3, [5, 7, 1]
    await reverse_once(world, monkeypatch)
    here = world.here.mirror()
    assert (here.status, here.is_drained) == (MirrorStatus.PENDING_STOPPED, False)
    assert "2 partitions" in here.transition_errors[0].error_message
    world.here.put_mirror(grown(here, 3))  # what `PartitionCounts` does
    await reverse(world, monkeypatch)
    assert list(world.there.mirror().start_offsets) == [5, 7, 1]


async def test_a_reverse_that_was_given_up_leaves_a_regular_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(0, die)
    await world.lead()
    waiting = world.there.mirror()
    world.configs["compression.type"] = "producer"  # a worker died before it could put it back
    world.here.put("mirrors", "l/m", None)
    context = world.context("there")
    duty = Reversing(context, "l", lambda: None)
    await duty._withdraw(TWO_SIDED, [waiting])
    decision = Decision(context.model, "l")
    duty.decide(decision)
    await context.settle(decision)
    assert "l/m" not in world.there.model.mirrors
    assert world.configs == OWN_CONFIGS


async def test_what_has_taken_over_meanwhile_keeps_the_configs_of_a_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side's rows may be seen sooner than one's own: its mirror has stopped, ours waits no more."""
    world = World(0, die)
    await world.lead()
    waiting = world.there.mirror()
    await reverse(world, monkeypatch)
    held = dict(world.configs)
    duty = Reversing(world.context("there"), "l", lambda: None)
    await duty._withdraw(TWO_SIDED, [waiting])
    assert world.configs == held, "a mirror is not restamped by its broker"


async def test_by_hand_it_is_refused() -> None:
    world = World(0, die)
    world.here.put_mirror(mirror())
    context = world.context("there")
    command = Command("1", "l", "mirror.become-mirror", {"mirror_topic_name": "m", "source_topic_name": "m"})
    with pytest.raises(LinkError, match="is being reversed on the other side"):
        await becoming.become_mirror(context, command, None, Decision(context.model, "l"))  # type: ignore[arg-type]
