"""What is mended of Faust and of the client under it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from types import SimpleNamespace
from unittest.mock import AsyncMock, MagicMock

import aiokafka.conn
import faust
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest
from aiokafka.protocol.group import JoinGroupRequest
from faust.exceptions import ValueDecodeError
from faust.topics import Topic
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from pipeline import faust_mending


@pytest.fixture(autouse=True)
def mended(monkeypatch: pytest.MonkeyPatch) -> None:
    """For one test; all are set back after it."""
    monkeypatch.setattr(AIOKafkaConnection, "send", AIOKafkaConnection.send)
    monkeypatch.setattr(GroupCoordinator, "_on_join_complete", GroupCoordinator._on_join_complete)
    monkeypatch.setattr(AIOKafkaConsumer, "seek_to_committed", AIOKafkaConsumer.seek_to_committed)
    monkeypatch.setattr(AIOKafkaConsumerThread, "verify_event_path", AIOKafkaConsumerThread.verify_event_path)
    monkeypatch.setattr(Topic, "clone_using_queue", Topic.clone_using_queue)
    monkeypatch.setattr(Consumer, "resume_partitions", Consumer.resume_partitions)
    monkeypatch.setattr(AIOKafkaConsumerThread, "_fetch_records", AIOKafkaConsumerThread._fetch_records)
    faust_mending.mend()


@pytest.mark.parametrize("is_assigned", [True, False])
async def test_a_partition_without_a_position_ends_no_worker(is_assigned: bool) -> None:
    """It was assigned this moment, or taken away."""
    thread = MagicMock(AIOKafkaConsumerThread, consumer=MagicMock(), time_started=0.0)
    thread._verify_aiokafka_event_path.return_value = False
    assignment = thread._ensure_consumer()._fetcher._subscriptions.subscription.assignment
    assignment.state_value.return_value = TopicPartitionState(MagicMock()) if is_assigned else None
    AIOKafkaConsumerThread.verify_event_path(thread, 1.0, TP("t", 0))
    assignment.state_value.assert_called_once()


def test_a_connection_that_uvloop_has_closed_is_a_lost_connection() -> None:
    connection = MagicMock(AIOKafkaConnection, host="h", port=1, _host="h", _port=1, _client_id="c", _versions={})
    connection._request_timeout = 40.0
    connection._next_correlation_id.return_value = 1
    connection._writer = MagicMock()
    connection._writer.write.side_effect = RuntimeError("unable to perform operation; the handler is closed")
    with pytest.raises(KafkaConnectionError, match="h:1 broken: unable to perform"):
        AIOKafkaConnection.send(connection, ApiVersionRequest())
    connection.close.assert_called_once()


async def test_silence_is_found_out_in_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust's limit is for how long a record may wait: 20 minutes. Joining a group waits for others."""
    limits: list[float] = []

    async def note(_: object, limit_s: float) -> None:
        limits.append(limit_s)

    monkeypatch.setattr(aiokafka.conn, "wait_for", note)
    connection = AIOKafkaConnection("h", 1, request_timeout_ms=1_200_000)
    connection._writer = MagicMock()
    connection._versions = {18: (0, 0), 11: (0, 2)}
    await connection.send(ApiVersionRequest())
    await connection.send(JoinGroupRequest("group", 1, 1, "", None, "consumer", []))
    assert limits == [30.0, 1200.0]
    connection._writer = None


async def test_one_silence_finds_out_about_every_connection_to_that_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked on others is asked again, idle ones go; what has heard something since stays, or is elsewhere."""
    monkeypatch.setattr(faust_mending, "ANSWERED_WITHIN_S", 0.01)

    def connected(host: str = "h") -> AIOKafkaConnection:
        connection = AIOKafkaConnection(host, 1, request_timeout_ms=1_200_000)
        connection._writer, connection._reader, connection._read_task = (
            MagicMock(drain=AsyncMock()),
            MagicMock(),
            MagicMock(),
        )
        connection._versions = {18: (0, 0), 11: (0, 2)}
        return connection

    asked, joining, answering, elsewhere = connected(), connected(), connected(), connected("other")
    idle = connected()
    await idle.send(ApiVersionRequest(), expect_response=False)
    monkeypatch.setattr(faust_mending, "IDLE_S", -60.0)
    waiting = {
        each: asyncio.create_task(each.send(JoinGroupRequest("group", 1, 1, "", None, "consumer", [])))
        for each in (joining, answering, elsewhere)
    }
    question = asked.send(ApiVersionRequest())
    answering._last_action = time.monotonic() + 60
    with pytest.raises(TimeoutError):
        await question
    with pytest.raises(KafkaConnectionError, match="closed"):
        await asyncio.wait_for(waiting.pop(joining), 10)
    assert idle._reader is None
    assert not any(task.done() for task in waiting.values())
    for each, task in waiting.items():
        each.close()
        await asyncio.gather(task, return_exceptions=True)


async def test_heartbeats_begin_before_what_was_assigned_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    coordinator = MagicMock(GroupCoordinator)
    coordinator._start_heartbeat_task.side_effect = lambda: done.append("heartbeats")
    monkeypatch.setattr(faust_mending, "_join_complete", AsyncMock(side_effect=lambda *_: done.append("taken up")))
    await GroupCoordinator._on_join_complete(coordinator, 1, "member", "faust", b"")
    assert done == ["heartbeats", "taken up"]


@pytest.mark.parametrize("committed", [None, 0])
async def test_a_rebalance_goes_back_to_the_start_where_nothing_was_committed(committed: int | None) -> None:
    """What was read before and dropped is read again; a changelog's place is its table's."""
    new, old, changelog = (TopicPartition(name, 0) for name in ("commands", "outcomes", "a-links-changelog"))
    places = {new: committed, old: 7, changelog: None}
    consumer = MagicMock(AIOKafkaConsumer, _subscription=MagicMock(), _fetcher=MagicMock())
    consumer._subscription.assigned_partitions.return_value = set(places)
    consumer.committed = AsyncMock(side_effect=places.get)
    consumer.seek_to_beginning = AsyncMock()
    assert await AIOKafkaConsumer.seek_to_committed(consumer) == places
    consumer.seek_to_beginning.assert_awaited_once_with(new)
    consumer._fetcher.seek_to.assert_called_once_with(old, 7)


def test_nothing_is_handed_on_before_positions_are_set() -> None:
    """Faust resumes topics, sets their positions, and resumes the flow, which empties the queues, in this order."""
    consumer = MagicMock(Consumer, _paused_partitions=set())
    active: set[TP] = set()
    consumer._get_active_partitions.return_value = active
    changelog, commands = TP("test-links-changelog", 0), TP("commands", 0)
    Consumer.resume_partitions(consumer, {changelog})
    assert (active, consumer.stop_flow.called) == ({changelog}, False), "the tables are recovered"
    Consumer.resume_partitions(consumer, {commands})
    assert (active, consumer.stop_flow.called) == ({changelog, commands}, True)


async def test_nothing_is_read_of_paused_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where all of them are: aiokafka would take an empty set for everything."""
    monkeypatch.setattr(FetchResult, "getall", lambda *_: ["record"])
    monkeypatch.setattr(FetchResult, "has_more", lambda _: False)
    paused, read = TP("commands", 0), TP("test-links-changelog", 0)
    fetcher = MagicMock(Fetcher, _closed=False, _subscriptions=MagicMock(reassignment_in_progress=False))
    fetcher._wait_consume_future = None
    fetcher._records = {
        tp: FetchResult(tp, assignment=MagicMock(), partition_records=MagicMock(), backoff=0) for tp in (paused, read)
    }
    fetcher.fetched_records = partial(Fetcher.fetched_records, fetcher)
    thread, consumer = (
        MagicMock(AIOKafkaConsumerThread, consumer=MagicMock()),
        MagicMock(_closed=False, _fetcher=fetcher),
    )
    active: set[TP] = set()
    assert await AIOKafkaConsumerThread._fetch_records(thread, consumer, active, timeout=0) == {}
    active.add(read)
    assert await AIOKafkaConsumerThread._fetch_records(thread, consumer, active, timeout=0) == {read: ["record"]}


async def test_a_changelog_is_recovered_whatever_is_in_it() -> None:
    """Nobody looks into its records then; one that is no JSON would keep the recovery from its end."""
    app = faust.App("test", broker="kafka://nowhere:1", set_as_current=False)
    record = SimpleNamespace(key=b"\xff", value=b"not JSON", headers={})
    read = app.topic("test-links-changelog").clone_using_queue(asyncio.Queue())
    event = await read.decode(record, propagate=True)
    assert (event.key, event.value, event.message) == (b"\xff", b"not JSON", record)
    other = app.topic("commands", value_serializer="json").clone_using_queue(asyncio.Queue())
    with pytest.raises(ValueDecodeError):
        await other.decode(record, propagate=True)
