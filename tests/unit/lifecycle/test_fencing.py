"""After the fence nobody of the link writes any more, whatever is still on its way (I2, MIRROR-67, MIRROR-68)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from pipeline.cluster.errors import Unreachable
from pipeline.control.registry import Registry
from pipeline.lifecycle import fencing
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.fence_asking import Place
from pipeline.lifecycle.fencing import fence
from pipeline.link.models import TaskError
from pipeline.link.states import TaskErrorCode
from pipeline.mirror.append import Chain
from pipeline.mirror.claims import Closed
from pipeline.mirror.readings import is_retired
from pipeline.wire.requests.describe_producers import DescribeProducersRequest
from pipeline.wire.requests.list_offsets import ListOffsetsRequest
from pipeline.wire.requests.write_txn_markers import WriteTxnMarkersRequest
from tests.unit.lifecycle.leaders import PLACE, Cluster, Topics
from tests.unit.lifecycle.rows import Rows
from tests.unit.mirror.leader_model import FENCED, MARKER, Leader

PRODUCER = 77


class World:
    """A partition with some records of the link, and a registry that knows its producer id."""

    def __init__(self, *places: Place) -> None:
        self.topics = Topics()
        self.cluster = Cluster(*(places or (PLACE,)))
        self.registry = self.topics.registry("leader")

    async def begin(self, records: int = 5) -> Leader:
        async def allocate() -> tuple[int, bool]:
            return PRODUCER, False

        await self.registry.producer(PLACE.topic_id, 0, allocate)
        leader = self.cluster.leaders["m", 0]
        if records:
            leader.produce(PRODUCER, 0, 0, range(records))
            leader.high_watermark = leader.log_end
        return leader

    def context(self, registry: Registry | None = None) -> Context:
        return Rows().context(own=self.cluster, registry=registry or self.registry)

    async def fence(self, registry: Registry | None = None) -> int | TaskError:
        return (await fence(self.context(registry), [PLACE]))[PLACE]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fencing, "SHORTEST_PAUSE_S", 0.001)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For fences that cannot come about; the others get their time, on a busy machine too."""
    monkeypatch.setattr(fencing, "WITHIN_S", 0.3)


async def test_the_fence_costs_one_marker_and_tells_the_end_before_it() -> None:
    world = World()
    leader = await world.begin(5)
    assert await world.fence() == 5
    assert leader.log == [0, 1, 2, 3, 4, MARKER]
    assert is_retired(leader.states[PRODUCER].epoch)


async def test_fencing_again_changes_nothing_whoever_does_it() -> None:
    world = World()
    leader = await world.begin(5)
    assert [await world.fence(), await world.fence(), await world.fence(world.topics.registry("heir"))] == [5, 5, 5]
    assert leader.log_end == 6


async def test_after_a_death_between_closing_and_retiring_the_rest_is_done() -> None:
    world = World()
    leader = await world.begin(5)
    await world.registry.close(PLACE.topic_id, 0)
    assert leader.log_end == 5
    assert await world.fence() == 5
    assert is_retired(leader.states[PRODUCER].epoch)


async def test_a_partition_nobody_has_written_to_needs_no_marker() -> None:
    world = World()
    assert await world.fence() == 0
    assert world.cluster.leaders["m", 0].log_end == 0
    assert "WriteTxnMarkersRequest" not in world.cluster.requests


async def test_a_producer_id_that_the_leader_has_forgotten_is_retired_too() -> None:
    world = World()
    leader = await world.begin(5)
    leader.forget(PRODUCER)
    zombie = Chain("m-0", leader.read(PRODUCER))  # would begin at any sequence
    assert await world.fence() == 5
    write = zombie.append(5, 1)
    assert leader.produce(PRODUCER, write.stamp.epoch, write.stamp.sequence, range(5, 6))[0] == FENCED


async def test_whoever_asks_for_a_producer_id_afterwards_is_told_that_it_is_over() -> None:
    world = World()
    await world.begin(5)
    await world.fence()

    async def allocate() -> tuple[int, bool]:
        return 99, False

    for registry in (world.registry, world.topics.registry("late")):
        with pytest.raises(Closed):
            await registry.producer(PLACE.topic_id, 0, allocate)
        with pytest.raises(Closed):
            await registry.producer(PLACE.topic_id, 0, allocate, retired=PRODUCER)
        with pytest.raises(Closed):
            await registry.check_open(PLACE.topic_id, 0)


async def test_one_who_has_slept_does_not_close_what_is_a_mirror_again() -> None:
    """MIRROR-71: stopped by another worker meanwhile, and made a mirror once more by a reverse back."""
    world = World()
    leader = await world.begin(5)
    sleeper = world.topics.registry("sleeper")
    world.topics.registries.remove(sleeper)  # reads nothing while it sleeps
    unread = len(world.topics.written)
    await world.fence()

    async def allocate() -> tuple[int, bool]:
        return 99, False

    await world.registry.reopen(PLACE.topic_id, 0, allocate)
    before = leader.log_end
    send = world.topics.send

    async def send_then_read(*what: Any, **more: Any) -> int:
        offset = await send(*what, **more)
        for entry in world.topics.written[unread:]:  # its tail comes that far while it waits for its own record
            sleeper.apply(entry)
        return offset

    world.topics.send = send_then_read  # type: ignore[method-assign]
    answer = await world.fence(sleeper)
    assert isinstance(answer, TaskError) and "is a mirror's again" in answer.error_message
    assert leader.log_end == before
    assert (await world.registry.producer(PLACE.topic_id, 0, allocate)).producer_id == 99
    world.topics.send = send  # type: ignore[method-assign]
    assert await world.fence() == before, "who closes it knowing that does"


async def test_one_who_has_not_read_the_closing_yet_loses_the_race_for_the_successor() -> None:
    """The first record of a generation wins, and the closing was first."""
    world = World()
    await world.begin(5)
    zombie = world.topics.registry("zombie")
    world.topics.registries.remove(zombie)  # reads nothing from here on
    unread = len(world.topics.written)
    await world.fence()

    async def allocate() -> tuple[int, bool]:
        for entry in world.topics.written[unread:]:  # its tail comes that far while it waits for its own record
            zombie.apply(entry)
        world.topics.registries.append(zombie)
        return 99, False

    with pytest.raises(Closed):
        await zombie.producer(PLACE.topic_id, 0, allocate, retired=PRODUCER)


@pytest.mark.parametrize("seed", range(400))
async def test_no_late_write_lands_behind_the_fence(seed: int) -> None:
    """A copier with a stale reading sends data, a claim or a run before, within and after the fence: each write lands
    where it was meant to, or is refused; behind the fence nothing lands at all.
    """
    random = Random(seed)
    world = World()
    leader = await world.begin(random.randrange(4))
    if random.random() < 0.2:
        leader.forget(PRODUCER)
    writes = await late_writes(world, leader, random)
    first, second = sorted(random.randrange(len(writes) + 1) for _ in range(2))
    for write in writes[:first]:
        send(leader, write)
    within = list(writes[first:second])
    original = world.cluster.send

    async def send_with_company(node: int, request: object, timeout_ms: int | None = None) -> object:
        if isinstance(request, WriteTxnMarkersRequest):  # after the fence has read, before it marks
            while within:
                send(leader, within.pop(0))
        return await original(node, request, timeout_ms)

    world.cluster.send = send_with_company  # type: ignore[method-assign, assignment]
    end = await world.fence()
    assert end == leader.log_end - 1
    for write in (*within, *writes[second:]):
        assert send(leader, write) == FENCED
    assert leader.log_end == end + 1
    assert all(record in (MARKER, offset) for offset, record in enumerate(leader.log))


async def late_writes(world: World, leader: Leader, random: Random) -> list[tuple[int, ...]]:
    """Some writes of one chain, in the order in which they are sent: data, or a claim and the run behind it."""
    zombie = Chain("m-0", leader.read(PRODUCER))
    at = zombie.next_offset
    writes: list[tuple[int, ...]] = []
    if random.random() < 0.6:
        for _ in range(random.randrange(1, 4)):
            if zombie.may_append:
                append = zombie.append(at, 1)
                writes.append((append.stamp.epoch, append.stamp.sequence, at))
                at += 1
        return writes
    token = await world.registry.token(PLACE.topic_id, 0, zombie.basis)
    claim = zombie.claim(at, token)
    zombie.confirm(claim, at + 1)
    return [*claim.epochs, *zombie.run(at + 1, 3).epochs]


def send(leader: Leader, write: tuple[int, ...]) -> int:
    """Deliver data (epoch, sequence, offset) or a marker (epoch, coordinator epoch)."""
    if len(write) == 3:
        epoch, sequence, offset = write
        code = leader.produce(PRODUCER, epoch, sequence, range(offset, offset + 1))[0]
    else:
        code = leader.mark(PRODUCER, *write)
    leader.high_watermark = leader.log_end
    return code


@pytest.mark.parametrize(
    ("request_class", "answers"),
    [
        (DescribeProducersRequest, [6, 5]),
        (WriteTxnMarkersRequest, [6, 7]),
        (WriteTxnMarkersRequest, [52]),
        (ListOffsetsRequest, [6]),
        (DescribeProducersRequest, [Unreachable("gone")]),
        (WriteTxnMarkersRequest, [Unreachable("gone")]),
    ],
)
async def test_what_passes_is_waited_for(request_class: type, answers: list[int]) -> None:
    world = World()
    leader = await world.begin(5)
    world.cluster.scripted[request_class].extend(answers)
    assert await world.fence() == 5
    assert leader.log_end == 6


async def test_a_marker_whose_answer_was_lost_is_not_written_twice() -> None:
    world = World()
    leader = await world.begin(5)

    original = world.cluster.send
    lost = []

    async def send_and_lose(node: int, request: object, timeout_ms: int | None = None) -> object:
        answer = await original(node, request, timeout_ms)
        if isinstance(request, WriteTxnMarkersRequest) and not lost:
            lost.append(1)
            raise Unreachable("the connection broke after the request")
        return answer

    world.cluster.send = send_and_lose  # type: ignore[method-assign, assignment]
    assert await world.fence() == 5
    assert leader.log_end == 6


@pytest.mark.usefixtures("impatient")
async def test_a_missing_permission_is_named() -> None:
    world = World()
    await world.begin(5)
    world.cluster.scripted[WriteTxnMarkersRequest].extend([31] * 1000)
    answer = await world.fence()
    assert isinstance(answer, TaskError)
    assert answer.error_code is TaskErrorCode.BROKER_AUTHORIZATION_ERROR


@pytest.mark.usefixtures("impatient")
async def test_another_topic_of_the_same_name_is_left_alone() -> None:
    world = World()
    leader = await world.begin(5)
    world.cluster.ids["m"] = "another"
    answer = await world.fence()
    assert isinstance(answer, TaskError)
    assert answer.error_code is TaskErrorCode.UNKNOWN_TOPIC_OR_PARTITION_ERROR
    assert leader.log_end == 5


@pytest.mark.usefixtures("impatient")
async def test_a_fence_that_is_not_replicated_is_no_fence_yet() -> None:
    world = World()
    leader = await world.begin(5)
    assert await world.fence() == 5
    leader.high_watermark = 5  # as if a follower had just been lost before it got the marker
    answer = await world.fence()
    assert isinstance(answer, TaskError)
    assert "in-sync" in answer.error_message


async def test_a_thousand_partitions_take_few_requests() -> None:
    places = [Place(f"m{n}", f"id-m{n}", 0) for n in range(1000)]
    world = World(*places)

    for number, place in enumerate(places):

        async def allocate(number: int = number) -> tuple[int, bool]:
            return number, False

        await world.registry.producer(place.topic_id, 0, allocate)
    answers = await fence(world.context(), places)
    assert all(answer == 0 for answer in answers.values())
    assert len(world.cluster.requests) <= 8


@pytest.mark.usefixtures("impatient")
async def test_control_topics_that_do_not_answer_are_named_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.begin(5)
    original, failures = world.topics.send, [KafkaTimeoutError(), TimeoutError()]

    async def send_at_last(*arguments: Any, **named: Any) -> int:
        if failures:
            raise failures.pop()
        return await original(*arguments, **named)

    world.topics.send = send_at_last  # type: ignore[method-assign]
    assert await world.fence() == 5
    failures.extend([KafkaTimeoutError()] * 1000)
    silent = World()
    await silent.begin(5)
    silent.topics.send = send_at_last  # type: ignore[method-assign]
    answer = await silent.fence()
    assert isinstance(answer, TaskError) and "control topics, for m-0" in answer.error_message
