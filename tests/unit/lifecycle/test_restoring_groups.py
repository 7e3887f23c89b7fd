"""Groups of a topic that is made anew: each gets its offset back once, and reads nothing twice (MIRROR-85, TASK-10)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from pipeline.cluster.administration.group_offsets import CommittedOffset, Offsets
from pipeline.cluster.administration.groups import ListedGroup
from pipeline.cluster.errors import ClusterError, KafkaFailure
from pipeline.lifecycle import diverged
from pipeline.lifecycle.offset_task import Memory
from pipeline.lifecycle.remaking import remake
from pipeline.lifecycle.restore_groups import restore_offsets, save_offsets
from pipeline.lifecycle.restoring import Restoring
from pipeline.link.models import Mirror, TaskError
from pipeline.link.restore import Restore, RestoreStage
from pipeline.link.states import LinkMode, MirrorStatus, PendingOperation, TaskErrorCode
from pipeline.sync.offset_plan import Bounds, plan_group
from tests.unit.lifecycle.rows import LINK, Rows, mirror

BOTH = replace(LINK, mode=LinkMode.BIDIRECTIONAL)
RESTORE = Restore(cuts=(500,), ends=(700,), starts=(0,), old_topic_id="id-m", stage=RestoreStage.COPYING)
PLACE = ("m", 0)
IN_USE = 25


def restoring(stage: RestoreStage = RestoreStage.COPYING) -> Mirror:
    restore = replace(RESTORE, stage=stage)
    given = {"status": MirrorStatus.PENDING_RESTORE, "pending": PendingOperation.TRUNCATE_AND_RESTORE}
    return mirror(partitions=1, start_offsets=(0,), restore=restore, **given)


class Own:
    """The own cluster: what groups have committed, and which of them are live."""

    def __init__(self, **offsets: int) -> None:
        self.offsets = {group: {PLACE: CommittedOffset(offset)} for group, offset in offsets.items()}
        self.live: set[str] = set()
        self.commits: list[tuple[str, int]] = []
        self.deleted: list[str] = []
        self.topic_id = "id-m"
        self.partitions = 1

    async def list_groups(self) -> list[ListedGroup]:
        return [
            ListedGroup(group, "consumer", "Stable" if group in self.live else "Empty", "classic")
            for group in self.offsets
        ]

    async def describe_groups(self, groups: Iterable[str]) -> dict[str, Any]:
        return {group: SimpleNamespace(is_live=True, topics={"m"}) for group in groups}

    async def groups_offsets(self, groups: Iterable[str]) -> dict[str, Offsets | ClusterError]:
        return {group: dict(self.offsets[group]) for group in groups}

    async def alter_group_offsets(self, group: str, offsets: Offsets) -> dict[tuple[str, int], ClusterError]:
        if group in self.live:
            return dict.fromkeys(offsets, KafkaFailure(IN_USE))
        self.offsets[group] |= offsets
        self.commits += [(group, each.offset) for each in offsets.values()]
        return {}

    # the topic

    async def describe_topics(self, names: Iterable[str]) -> dict[str, Any]:
        partitions = dict.fromkeys(range(self.partitions))
        found = SimpleNamespace(error=0, topic_id=self.topic_id, uuid=UUID(int=1), partitions=partitions)
        return dict.fromkeys(names, found)

    async def topic_configs(self, name: str) -> dict[str, Any]:
        return {}

    async def end_offsets(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(places, 700)

    async def begin_offsets(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(places, 0)

    async def delete_topic(self, name: str, only: UUID | None = None) -> None:
        self.deleted.append(name)
        for offsets in self.offsets.values():
            offsets.clear()

    async def create_topic(self, *_: object) -> Any:
        return SimpleNamespace(topic_id="id-anew")


class Remote(Own):
    def __init__(self) -> None:
        super().__init__()
        self.topic_id = "source-m"


async def saved(own: Own) -> Rows:
    """Rows with what groups have committed written down; then the topic is made anew, without offsets."""
    rows = Rows(BOTH, restoring())
    await save_offsets(rows.context(own=own), restoring())
    for group in own.offsets:
        own.offsets[group] = {}
    return rows


async def test_a_group_that_has_its_offset_back_is_left_alone_while_another_is_waited_for() -> None:
    own = Own(done=300, used=400)
    rows = await saved(own)
    own.live = {"used"}
    (error,) = await restore_offsets(rows.context(own=own), restoring(), RESTORE)
    assert error.error_code is TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR
    own.offsets["done"] = {PLACE: CommittedOffset(450)}  # its consumers went on, and stopped again
    own.live = set()
    assert await restore_offsets(rows.context(own=own), restoring(), RESTORE) == ()
    assert own.commits == [("done", 300), ("used", 400)]
    assert own.offsets["done"][PLACE].offset == 450, "what it has read it does not read again"


async def first_sync(there: int, committed: int) -> tuple[int | None, dict[Any, Any]]:
    """What the first offset sync after a restore commits for a group that stood at `committed`, `there` on the other
    side, and the marks after it.
    """
    own = Own(g=committed)
    rows = await saved(own)
    context = rows.context(own=own)
    assert await restore_offsets(context, restoring(), RESTORE) == ()
    marks = Memory(context, "l").marks(BOTH, "g")
    plan = plan_group({PLACE: CommittedOffset(there)}, own.offsets["g"], marks, {PLACE: Bounds(0, 1_000)})
    return plan.writes[PLACE].offset if plan.writes else None, marks | plan.known | plan.after


async def test_a_group_that_went_on_at_the_other_side_goes_on_there_where_it_stopped() -> None:
    """It had read what was cut off, so its offset here is the cut; at the other side it has read on, and rests."""
    assert (await first_sync(there=900, committed=650))[0] == 900
    assert (await first_sync(there=900, committed=480))[0] == 900


async def test_a_group_that_was_further_here_keeps_its_offset_until_the_other_side_moves() -> None:
    """TASK-10."""
    written, marks = await first_sync(there=200, committed=650)
    assert written is None
    here = {PLACE: CommittedOffset(500)}
    for there, wanted in ((200, {}), (210, {PLACE: CommittedOffset(210)})):
        plan = plan_group({PLACE: CommittedOffset(there)}, here, marks, {PLACE: Bounds(0, 1_000)})
        assert plan.writes == wanted


async def remade(own: Own, rows: Rows) -> Mirror | TaskError:
    context = rows.context(own=own, registry=SimpleNamespace(forget=forget))
    context._known_configs = frozenset({"cleanup.policy"})

    async def remote(_: object) -> Remote:
        return Remote()

    context.remote = remote  # type: ignore[method-assign, assignment]
    row = restoring(RestoreStage.REMAKING)
    assert row.restore is not None
    return await remake(context, BOTH, row, row.restore)


async def forget(topic_id: str) -> None:
    pass


async def test_who_came_back_while_the_other_side_was_away_is_waited_for_and_keeps_what_it_has_read() -> None:
    """Between the saving and the deletion there may be hours, if the other side does not answer."""
    own = Own(g=300)
    rows = Rows(BOTH, restoring(RestoreStage.REMAKING))
    await save_offsets(rows.context(own=own), restoring(RestoreStage.REMAKING))
    own.offsets["g"] = {PLACE: CommittedOffset(450)}
    own.live = {"g"}
    refused = await remade(own, rows)
    assert isinstance(refused, TaskError) and refused.error_code is TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR
    assert own.deleted == []
    own.live = set()
    made = await remade(own, rows)
    assert isinstance(made, Mirror) and made.mirror_topic_id == "id-anew" and own.deleted == ["m"]
    assert await restore_offsets(rows.context(own=own), made, RESTORE) == ()
    assert own.commits == [("g", 450)]


async def test_a_topic_that_has_grown_since_it_was_saved_is_saved_again() -> None:
    """What was written to the new partition is nowhere else."""
    own = Own()
    own.partitions = 2
    rows = Rows(BOTH, restoring(RestoreStage.REMAKING))
    made = await remade(own, rows)
    assert isinstance(made, Mirror) and made.restore is not None and own.deleted == []
    assert (made.restore.stage, made.restore.removed) == (RestoreStage.SAVING, (200, 700))


async def test_a_topic_that_grows_while_it_is_saved_is_saved_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another restore of the link goes on meanwhile, and what fails is told."""
    row = restoring(RestoreStage.SAVING)
    rows = Rows(BOTH, row)
    duty = Restoring(rows.context(own=Own()), "l", lambda: None)
    sights = iter([SimpleNamespace(ends=(700, 3), stable=(700, 3), groups=(), own=SimpleNamespace(name="m")), None])

    async def sight(*_: object) -> Any:
        return next(sights)

    monkeypatch.setattr(duty, "_sight", sight)
    await duty._look(BOTH, row)
    after = duty._found["m"].after
    assert after is not None and after.restore is not None and after.restore.removed == (200, 3)
    await duty._look(BOTH, row)
    (error,) = duty._found["m"].errors
    assert error.error_code is TaskErrorCode.INTERNAL_ERROR


async def test_the_side_topic_gets_the_partitions_that_the_topic_has_got() -> None:
    own, grown = Own(), []

    async def refuse(*_: object) -> Any:
        raise KafkaFailure(36)

    async def grow(name: str, count: int) -> None:
        grown.append((name, count))
        own.partitions = count

    async def describe(names: Iterable[str]) -> dict[str, Any]:
        partitions = {p: SimpleNamespace(leader=0) for p in range(own.partitions)}
        return {name: SimpleNamespace(error=0, partitions=partitions) for name in names}

    async def limit(_: object) -> int:
        return 1

    own.create_topic, own.describe_topics = refuse, describe  # type: ignore[method-assign, assignment]
    context = Rows(BOTH).context(own=own)
    context.own.create_partitions = grow  # type: ignore[method-assign]
    context._known_configs = frozenset({"cleanup.policy"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diverged, "request_limit", limit)
        await diverged._make(context, replace(RESTORE, side_topic="m.diverged").with_ends((700, 3)))
    assert grown == [("m.diverged", 2)]
