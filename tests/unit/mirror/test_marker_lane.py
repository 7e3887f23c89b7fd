"""The lane of markers to one broker: grouping, one answer for everybody who waits, whatever the broker does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError, Unreachable
from pipeline.mirror import marker_lane
from pipeline.mirror.append import READING_LIFETIME_MS, Markers
from pipeline.mirror.marker_lane import MOST_TOGETHER, MarkerLane
from pipeline.mirror.outstanding import Outstanding
from pipeline.wire.requests.write_txn_markers import (
    Marker,
    MarkerResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)

FENCED = 47


class FakeBroker:
    """Takes requests like a DataClient and answers when it is told to."""

    def __init__(self) -> None:
        self.requests: list[list[Marker]] = []
        self.answers: list[asyncio.Future[WriteTxnMarkersResponse]] = []

    async def send(self, node_id: int, request: WriteTxnMarkersRequest, timeout_ms: int) -> WriteTxnMarkersResponse:
        self.requests.append(list(request.markers))
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    def partitions(self, number: int) -> list[int]:
        """Which partitions a request was for, a run once."""
        return list(dict.fromkeys(marker.partitions[0][1] for marker in self.requests[number]))

    def answer(self, number: int, codes: dict[int, int] | None = None, leaving_out: tuple[int, ...] = ()) -> None:
        """Answer 0 for every partition that `codes` has no other code for."""
        rows = [
            MarkerResult(partition, "t", partition, (codes or {}).get(partition, 0))
            for partition in self.partitions(number)
            if partition not in leaving_out
        ]
        self.answers[number].set_result(WriteTxnMarkersResponse(tuple(rows)))


class Marking:
    """A lane on a fake broker."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.outstanding = Outstanding()
        self.lane = MarkerLane(cast(DataClient, self.broker), 1, self.outstanding)

    def begin(self, partition: int, count: int = 1) -> asyncio.Task[int]:
        """Mark `count` offsets of a partition; its number is its producer id too."""
        run = Markers(0, partition, tuple((0, 64 * n) for n in range(1, count + 1)))
        return asyncio.create_task(self.lane.mark("t", partition, run))

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0)

    async def requests(self, number: int) -> None:
        await self.until(lambda: len(self.broker.requests) >= number)


@pytest.fixture
async def marking() -> AsyncIterator[Marking]:
    made = Marking()
    yield made
    await made.lane.close()


async def test_what_waits_goes_out_together(marking: Marking) -> None:
    first = marking.begin(0)
    await marking.requests(1)
    later = [marking.begin(partition) for partition in (1, 2, 3)]
    marking.broker.answer(0)
    assert await first == 0
    await marking.requests(2)
    assert marking.broker.partitions(1) == [1, 2, 3]
    marking.broker.answer(1)
    assert await asyncio.gather(*later) == [0, 0, 0]


async def test_two_requests_are_on_their_way_and_the_next_waits_for_one(marking: Marking) -> None:
    tasks = []
    for partition in (0, 1):
        tasks.append(marking.begin(partition))
        await marking.requests(partition + 1)
    tasks += [marking.begin(partition) for partition in (2, 3)]
    await asyncio.sleep(0.01)
    assert len(marking.broker.requests) == 2
    marking.broker.answer(1)
    await marking.requests(3)
    assert marking.broker.partitions(2) == [2, 3]
    marking.broker.answer(0)
    marking.broker.answer(2)
    assert await asyncio.gather(*tasks) == [0] * 4


async def test_each_has_its_own_code(marking: Marking) -> None:
    both = [marking.begin(1), marking.begin(2, 3)]
    await marking.requests(1)
    assert [marker.coordinator_epoch for marker in marking.broker.requests[0]] == [64, 64, 128, 192]
    marking.broker.answer(0, {2: FENCED})
    assert await asyncio.gather(*both) == [0, FENCED]


async def test_nobody_waits_for_all_of_a_long_run(marking: Marking) -> None:
    tasks = [marking.begin(1), marking.begin(2, MOST_TOGETHER), marking.begin(3), marking.begin(4)]
    for number, partitions in enumerate(([1], [2], [3, 4])):
        await marking.requests(number + 1)
        assert marking.broker.partitions(number) == partitions
        marking.broker.answer(number)
    assert await asyncio.gather(*tasks) == [0] * 4


async def test_no_answer_is_told_to_all_and_the_next_go_on(marking: Marking) -> None:
    both = [marking.begin(1), marking.begin(2)]
    await marking.requests(1)
    marking.broker.answers[0].set_exception(Unreachable("gone"))
    for task in both:
        with pytest.raises(Unreachable, match="gone"):
            await task
    again = marking.begin(1)
    await marking.requests(2)
    marking.broker.answer(1)
    assert await again == 0


async def test_a_defect_is_an_error_of_the_request(marking: Marking) -> None:
    task = marking.begin(1)
    await marking.requests(1)
    marking.broker.answers[0].set_exception(ZeroDivisionError())
    with pytest.raises(ClusterError, match="ZeroDivisionError"):
        await task


async def test_a_partition_that_the_answer_leaves_out_has_no_answer(marking: Marking) -> None:
    both = [marking.begin(1), marking.begin(2)]
    await marking.requests(1)
    marking.broker.answer(0, leaving_out=(2,))
    assert await both[0] == 0
    with pytest.raises(ClusterError, match="t-2: not in the answer"):
        await both[1]


async def test_who_gives_up_before_his_turn_has_sent_nothing(marking: Marking) -> None:
    first = marking.begin(0)
    await marking.requests(1)
    given_up, other = marking.begin(1), marking.begin(2)
    await asyncio.sleep(0)
    given_up.cancel()
    marking.broker.answer(0)
    await first
    await marking.requests(2)
    assert marking.broker.partitions(1) == [2]
    marking.broker.answer(1)
    assert await other == 0


async def test_what_waited_for_too_long_is_not_sent(marking: Marking, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process was stopped meanwhile, and others may have gone on (I3)."""
    sent = []
    for partition in range(marker_lane.MOST_IN_FLIGHT):
        sent.append(marking.begin(partition))
        await marking.requests(partition + 1)
    old = marking.begin(7)
    await asyncio.sleep(0)
    later = marker_lane.seconds_awake() + READING_LIFETIME_MS / 1000 + 1
    monkeypatch.setattr(marker_lane, "seconds_awake", lambda: later)
    new = marking.begin(8)
    await asyncio.sleep(0)
    for number in range(len(sent)):
        marking.broker.answer(number)
    await marking.requests(marker_lane.MOST_IN_FLIGHT + 1)
    assert marking.broker.partitions(marker_lane.MOST_IN_FLIGHT) == [8]
    marking.broker.answer(marker_lane.MOST_IN_FLIGHT)
    assert await new == 0
    with pytest.raises(ClusterError, match="waited too long"):
        await old
    await asyncio.gather(*sent)


async def test_closing_tells_those_who_wait(marking: Marking) -> None:
    sent = marking.begin(0)
    await marking.requests(1)
    waiting = marking.begin(1)
    await asyncio.sleep(0)
    await marking.lane.close()
    for task in (sent, waiting):
        with pytest.raises(ClusterError, match="closed"):
            await task


async def test_what_is_out_is_known_after_its_sender_has_gone(marking: Marking) -> None:
    """Its copier has ended; the next one for the partition must not read the log's end before the markers are in it."""
    gone, waits = marking.begin(1), marking.begin(2)
    await marking.requests(1)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    next_one = asyncio.create_task(marking.outstanding.none(("t", 1)))
    await asyncio.sleep(0.01)
    assert not next_one.done()
    await marking.outstanding.none(("t", 3))
    marking.broker.answer(0)
    await asyncio.wait_for(next_one, 60)
    assert await waits == 0


async def test_what_has_failed_is_not_out_any_more(marking: Marking) -> None:
    task = marking.begin(1)
    await marking.requests(1)
    marking.broker.answers[0].set_exception(Unreachable("gone"))
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(marking.outstanding.none(("t", 1)), 60)
