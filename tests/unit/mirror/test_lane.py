"""The lane to one broker: grouping, order, fairness, and one answer for every append, whatever the broker does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError, Unreachable
from pipeline.mirror import lane
from pipeline.mirror.lane import MOST_REQUESTS_IN_FLIGHT, Append, Lane
from pipeline.mirror.outstanding import Outstanding
from pipeline.wire.requests.produce import ProducedPartition, ProduceRequest, ProduceResponse

Answer = ProducedPartition | ClusterError


class FakeBroker:
    """Takes requests like a DataClient; answers when it is told to, in any order."""

    def __init__(self) -> None:
        self.requests: list[list[tuple[str, int, bytes]]] = []
        self._answers: list[asyncio.Future[ProduceResponse]] = []

    async def begin(self, node_id: int, request: ProduceRequest, timeout_ms: int) -> asyncio.Future[ProduceResponse]:
        self.requests.append([(b.topic, b.partition, bytes(b.batch)) for b in request.batches])
        self._answers.append(asyncio.get_running_loop().create_future())
        return self._answers[-1]

    def answer(self, number: int, base_offset: int = 0, leaving_out: int = 0) -> None:
        """Acknowledge all batches of a request but the last `leaving_out`."""
        sent = self.requests[number]
        rows = [ProducedPartition(t, p, 0, base_offset, -1, 0, None) for t, p, _ in sent[: len(sent) - leaving_out]]
        self._answers[number].set_result(ProduceResponse(0, tuple(rows)))

    def fail(self, number: int, error: BaseException) -> None:
        self._answers[number].set_exception(error)


class Bench:
    """A lane on a fake broker, and what came of each append."""

    def __init__(self, request_bytes: int = 1_000) -> None:
        self.broker = FakeBroker()
        self.outstanding = Outstanding()
        self.lane = Lane(cast(DataClient, self.broker), 1, request_bytes, self.outstanding)
        self.answers: dict[bytes, list[Answer]] = {}

    def append(self, topic: str, partition: int, batch: bytes) -> None:
        self.lane.append(Append(topic, partition, batch, self._done))

    def _done(self, append: Append, answer: Answer) -> None:
        self.answers.setdefault(bytes(append.batch), []).append(answer)

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0)

    async def quiet(self) -> None:
        """Let the lane do what it can."""
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def bench() -> Any:
    made = Bench()
    yield made
    await made.lane.close()


async def test_what_is_ready_for_many_partitions_goes_in_one_request(bench: Bench) -> None:
    for partition in range(3):
        bench.append("a", partition, b"x%d" % partition)
    await bench.quiet()
    assert bench.broker.requests == [[("a", 0, b"x0"), ("a", 1, b"x1"), ("a", 2, b"x2")]]
    bench.broker.answer(0)
    await bench.until(lambda: len(bench.answers) == 3)


async def test_a_request_has_one_batch_of_a_partition_and_their_order_is_kept(bench: Bench) -> None:
    for number in range(4):
        bench.append("a", 0, b"x%d" % number)
    await bench.quiet()
    assert bench.broker.requests == [[("a", 0, b"x%d" % number)] for number in range(4)]


async def test_a_partition_with_much_to_send_does_not_hold_up_another() -> None:
    """I6: the partitions take turns."""
    bench = Bench(request_bytes=10)
    for number in range(5):
        bench.append("busy", 0, b"busy-%d---" % number)
    bench.append("calm", 0, b"calm")
    await bench.quiet()
    sent = [batch for request in bench.broker.requests for _, _, batch in request]
    assert sent.index(b"calm") <= 1
    await bench.lane.close()


async def test_requests_stay_below_their_size_unless_one_batch_is_larger() -> None:
    bench = Bench(request_bytes=10)
    for partition, size in enumerate((6, 6, 50, 4)):
        bench.append("a", partition, bytes([partition]) * size)
    await bench.quiet()
    bench.broker.answer(0)
    bench.broker.answer(1)
    await bench.until(lambda: len(bench.broker.requests) == 3)
    bench.broker.answer(2)
    await bench.until(lambda: len(bench.broker.requests) == 4)
    assert [[len(b) for _, _, b in request] for request in bench.broker.requests] == [[6], [6], [50], [4]]
    await bench.lane.close()


async def test_no_more_is_out_than_keeps_the_broker_busy() -> None:
    """I6: what comes next would wait behind it."""
    bench = Bench(request_bytes=10)
    for partition, size in enumerate((6, 6, 6, 6, 6, 1)):
        bench.append("a", partition, bytes([partition]) * size)
    await bench.quiet()
    assert len(bench.broker.requests) == 4
    bench.broker.answer(0)
    await bench.until(lambda: len(bench.broker.requests) == 5)
    await bench.lane.close()


async def test_only_so_many_requests_are_out(bench: Bench) -> None:
    for number in range(MOST_REQUESTS_IN_FLIGHT + 2):
        bench.append("a", 0, b"x%d" % number)
    await bench.quiet()
    assert len(bench.broker.requests) == MOST_REQUESTS_IN_FLIGHT
    bench.broker.answer(0)
    await bench.until(lambda: len(bench.broker.requests) == MOST_REQUESTS_IN_FLIGHT + 1)
    assert bench.broker.requests[-1] == [("a", 0, b"x%d" % MOST_REQUESTS_IN_FLIGHT)]


async def test_each_append_gets_its_own_answer(bench: Bench) -> None:
    bench.append("a", 0, b"x")
    bench.append("b", 0, b"y")
    await bench.quiet()
    bench.broker.answer(0, base_offset=42)
    await bench.until(lambda: len(bench.answers) == 2)
    found = {batch: cast(ProducedPartition, answers[0]) for batch, answers in bench.answers.items()}
    assert {batch: (a.topic, a.base_offset) for batch, a in found.items()} == {b"x": ("a", 42), b"y": ("b", 42)}


async def test_a_partition_missing_in_the_answer_is_told_so(bench: Bench) -> None:
    bench.append("a", 0, b"x")
    bench.append("b", 0, b"y")
    await bench.quiet()
    bench.broker.answer(0, leaving_out=1)
    await bench.until(lambda: len(bench.answers) == 2)
    assert isinstance(bench.answers[b"x"][0], ProducedPartition)
    assert "not in the answer" in str(bench.answers[b"y"][0])


@pytest.mark.parametrize("error", [Unreachable("gone"), ValueError("a defect")])
async def test_a_failed_request_fails_its_appends_and_the_lane_goes_on(bench: Bench, error: Exception) -> None:
    bench.append("a", 0, b"x")
    bench.append("b", 0, b"y")
    await bench.quiet()
    bench.broker.fail(0, error)
    await bench.until(lambda: len(bench.answers) == 2)
    assert all(isinstance(answers[0], ClusterError) for answers in bench.answers.values())
    bench.append("a", 0, b"z")
    await bench.quiet()
    bench.broker.answer(1)
    await bench.until(lambda: b"z" in bench.answers)
    assert {len(answers) for answers in bench.answers.values()} == {1}


async def test_what_waited_for_too_long_is_not_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process was stopped with a full queue; whoever has gone on with the partition may be done with it (I3)."""
    for number in range(MOST_REQUESTS_IN_FLIGHT + 2):
        bench.append("a", 0, b"x%d" % number)
    await bench.quiet()
    later = lane.seconds_awake() + lane.LONGEST_WAIT_S + 1
    monkeypatch.setattr(lane, "seconds_awake", lambda: later)
    bench.append("b", 0, b"y")
    bench.append("a", 0, b"z")
    for number in range(MOST_REQUESTS_IN_FLIGHT):
        bench.broker.fail(number, Unreachable("gone"))
    await bench.until(lambda: len(bench.broker.requests) > MOST_REQUESTS_IN_FLIGHT)
    assert bench.broker.requests[MOST_REQUESTS_IN_FLIGHT:] == [[("b", 0, b"y")]]
    bench.broker.answer(MOST_REQUESTS_IN_FLIGHT)
    await bench.until(lambda: len(bench.answers) == MOST_REQUESTS_IN_FLIGHT + 4)
    assert "waited too long" in str(bench.answers[b"z"][0]), "nothing overtakes what was left out"


async def test_an_answer_that_cannot_be_taken_is_one_partitions_trouble(bench: Bench) -> None:
    def broken(append: Append, answer: Answer) -> None:
        raise ValueError("a defect")

    bench.lane.append(Append("a", 0, b"x", broken))
    bench.append("b", 0, b"y")
    await bench.quiet()
    bench.broker.answer(0)
    await bench.until(lambda: b"y" in bench.answers)


async def test_what_was_not_sent_can_be_taken_back(bench: Bench) -> None:
    for number in range(MOST_REQUESTS_IN_FLIGHT + 3):
        bench.append("a", 0, b"x%d" % number)
    bench.append("b", 0, b"y")
    await bench.quiet()
    taken = [bytes(append.batch) for append in bench.lane.withdraw("a", 0)]
    assert taken == [b"x%d" % number for number in range(MOST_REQUESTS_IN_FLIGHT, MOST_REQUESTS_IN_FLIGHT + 3)]
    assert bench.lane.withdraw("a", 0) == []
    bench.broker.answer(0)
    await bench.quiet()
    sent = [batch for request in bench.broker.requests for _, _, batch in request]
    assert not set(sent) & set(taken)


async def test_withdrawing_everything_before_a_free_place_sends_nothing(bench: Bench) -> None:
    """The lane waits for a free place with a batch in mind that is gone when it gets one."""
    for number in range(MOST_REQUESTS_IN_FLIGHT + 1):
        bench.append("a", 0, b"x%d" % number)
    await bench.quiet()
    assert len(bench.lane.withdraw("a", 0)) == 1
    for number in range(MOST_REQUESTS_IN_FLIGHT):
        bench.broker.answer(number)
    await bench.quiet()
    assert len(bench.broker.requests) == MOST_REQUESTS_IN_FLIGHT
    bench.append("a", 0, b"later")
    await bench.quiet()
    assert bench.broker.requests[-1] == [("a", 0, b"later")]


async def test_closing_ends_every_task() -> None:
    bench = Bench()
    bench.append("a", 0, b"x")
    await bench.quiet()
    await bench.lane.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("ends", ["answered", "failed", "closed"])
async def test_what_is_out_is_known_until_it_has_ended(bench: Bench, ends: str) -> None:
    bench.append("a", 0, b"x")
    await bench.until(lambda: bench.broker.requests)
    nothing = asyncio.create_task(bench.outstanding.none(("a", 0)))
    await bench.quiet()
    assert not nothing.done()
    if ends == "answered":
        bench.broker.answer(0)
    elif ends == "failed":
        bench.broker.fail(0, Unreachable("gone"))
    else:
        await bench.lane.close()
    await asyncio.wait_for(nothing, 60)
