"""What of the client under Faust (aiokafka) is mended for a worker whose machine or network is in trouble.

- While a worker takes up what a rebalance gave it, aiokafka sends no heartbeats. Where that takes longer than the
  session, the worker is thrown out in the middle, joins again, and has then kept the others waiting for as long as
  *their* session lasts: two workers of a busy machine can throw each other out by turns for ever.
- A connection that was reset a moment ago: asyncio takes what is written to it and drops it, uvloop raises
  RuntimeError, which aiokafka does not expect. It would end the coordinator's task, and the worker with it.
- A connection that has gone silent (half-open): aiokafka has one limit for an answer and for how long a record may wait
  to be sent, and Faust sets it to 20 minutes so that no record is lost. A rebalance waits for what was sent, so a
  worker could sit for as long. Here an answer has half a minute; the record is sent again on another connection. What
  one connection has found out about a broker, the others to it know too: a connection that is seldom used would need
  half a minute of its own, in which a worker that was thrown out of the group cannot come back.
- A rebalance drops what was read and not handed on, and goes back to what was committed. Where nothing was committed
  yet, aiokafka goes back to nowhere: the first record of a partition, read in the middle of a rebalance, would be lost,
  and with it somebody's command.
- At the end of a rebalance Faust reads from the topics again, then goes back to what was committed, which takes a tenth
  of a second and more, then lets the agents go on, which empties their queues. What was read in between was in those
  queues: a command or a decision that came just then was lost until the next rebalance. Here nothing is put into them
  before. And where every partition is paused, aiokafka takes the empty set for all of them: what is read then, Faust
  drops.
- A record in a table's changelog that is no JSON is thrown at the recovery of all tables, which leaves it out and waits
  for it: where it is the last of its partition, the recovery never ends, in any worker that starts. Nothing of a
  recovery looks into records, so they are not decoded here; who reads such a row later is told (`faust_stores.py`).
- Faust looks every 2.5 s whether each partition gets on, to log it where one does not. One may have been assigned this
  moment, and have no position yet, or been taken away: neither is expected there, and the worker would end.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Awaitable, Container, Iterable
from typing import Any
from weakref import WeakSet

from aiokafka import AIOKafkaConsumer, TopicPartition, errors
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest
from faust.topics import Topic
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP, EventT, Message

from pipeline.control.topics import CHANGELOG

ANSWERED_WITHIN_S = 30.0
IDLE_S = 1.0
"""A connection that nobody waits on is not made this moment, for somebody who is about to use it."""
_WAIT_FOR_OTHERS = (JoinGroupRequest, SyncGroupRequest)
_used: WeakSet[AIOKafkaConnection] = WeakSet()
_used_lock = threading.Lock()
"""Faust's consumer has a thread of its own."""
_join_complete = GroupCoordinator._on_join_complete
_send = AIOKafkaConnection.send
_seek_to_committed = AIOKafkaConsumer.seek_to_committed
_verify_event_path = AIOKafkaConsumerThread.verify_event_path
_clone_using_queue = Topic.clone_using_queue
_resume_partitions = Consumer.resume_partitions
_fetch_records = AIOKafkaConsumerThread._fetch_records


async def _on_join_complete(self: GroupCoordinator, *arguments: Any) -> None:
    """Beat from the moment on in which the group counts us in, not only when everything is taken up."""
    self._start_heartbeat_task()
    await _join_complete(self, *arguments)


def _send_with_a_limit(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    """Send with a limit for the answer."""
    if type(self) is not AIOKafkaConnection:  # ours have limits of their own
        return _send_on_open(self, request, expect_response)
    limit_s = self._request_timeout
    if not isinstance(request, _WAIT_FOR_OTHERS):
        self._request_timeout = min(limit_s, ANSWERED_WITHIN_S)
    with _used_lock:
        _used.add(self)
    try:
        return _answered(self, _send_on_open(self, request, expect_response), time.monotonic())
    finally:
        self._request_timeout = limit_s


def _send_on_open(self: AIOKafkaConnection, request: Any, expect_response: bool) -> Any:
    """A connection that is closed already is a lost connection, whatever the event loop says of it."""
    try:
        return _send(self, request, expect_response)
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise errors.KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error


async def _answered(self: AIOKafkaConnection, answer: Awaitable[Any], asked_at: float) -> Any:
    """Wait for an answer; where none comes in time, every connection to that broker that is as silent is given up."""
    try:
        return await answer
    except TimeoutError:
        with _used_lock:
            theirs = [each for each in _used if (each.host, each.port) == (self.host, self.port)]
        for each in theirs:
            with contextlib.suppress(RuntimeError):  # its event loop has ended
                each._loop.call_soon_threadsafe(_close_if_silent, each, asked_at)
        raise


def _close_if_silent(connection: AIOKafkaConnection, since: float) -> None:
    """Unless it has heard something, or was made, after `since`. Who waits for an answer on it asks again.

    One that nobody waits on may be as dead whenever it was heard, and to make it anew costs next to nothing.
    """
    heard_at = connection._last_action
    if heard_at < since or (not connection._requests and heard_at < time.monotonic() - IDLE_S):
        connection.close(reason=CloseReason.CONNECTION_TIMEOUT)


async def _seek_to_committed_or_start(self: AIOKafkaConsumer, *asked: TopicPartition) -> Any:
    """Go back to the log's start where nothing was committed. A changelog's place is kept elsewhere, by its table."""
    committed = await _seek_to_committed(self, *asked)
    if unread := [tp for tp, offset in committed.items() if not offset and not tp.topic.endswith(CHANGELOG)]:
        await self.seek_to_beginning(*unread)
    return committed


def _resume_without_flow(self: Consumer, tps: Iterable[TP]) -> None:
    """Resume partitions. Of agents' topics nothing is handed on before the flow is resumed too: their positions are not
    set yet. What is read until then has no effect, Faust goes back to what was committed once more.
    """
    asked = set(tps)
    if not all(tp.topic.endswith(CHANGELOG) for tp in asked):
        self.stop_flow()
    _resume_partitions(self, asked)


class _Active:
    """A set of partitions, as it is now, which is not taken for all partitions while it is empty."""

    def __init__(self, partitions: Container[TP]) -> None:
        self._partitions = partitions

    def __contains__(self, tp: TP) -> bool:
        return tp in self._partitions


async def _fetch_active(self: AIOKafkaConsumerThread, consumer: Any, active: Any, *limits: Any, **named: Any) -> Any:
    """What was read of the partitions that are not paused."""
    return await _fetch_records(self, consumer, None if active is None else _Active(active), *limits, **named)  # type: ignore[arg-type]


def _verify_event_path_if_assigned(self: AIOKafkaConsumerThread, now: float, tp: TP) -> None:
    """Look at a partition unless it has no state or position; the consumer's thread may change both at any moment."""
    with contextlib.suppress(AssertionError, AttributeError):
        _verify_event_path(self, now, tp)


def _clone_undecoded(self: Topic, queue: Any) -> Any:
    """A changelog as the recovery reads it: bytes, whatever they are."""
    made: Any = _clone_using_queue(self, queue)

    async def undecoded(message: Message, *, propagate: bool = False) -> EventT[Any]:
        return self.app.create_event(message.key, message.value, message.headers, message)

    if all(topic.endswith(CHANGELOG) for topic in made.topics):
        made.decode = undecoded
    return made


def mend() -> None:
    """Do so, in the whole process; a second call changes nothing."""
    GroupCoordinator._on_join_complete = _on_join_complete
    AIOKafkaConnection.send = _send_with_a_limit
    AIOKafkaConsumer.seek_to_committed = _seek_to_committed_or_start
    Topic.clone_using_queue = _clone_undecoded  # type: ignore[assignment,method-assign]
    Consumer.resume_partitions = _resume_without_flow  # type: ignore[method-assign]
    AIOKafkaConsumerThread._fetch_records = _fetch_active  # type: ignore[assignment,method-assign]
    AIOKafkaConsumerThread.verify_event_path = _verify_event_path_if_assigned  # type: ignore[method-assign]
