"""Write to one mirror partition through its chain: the acting half of the append protocol (`append.py` decides).

Whatever is not plainly acknowledged raises `Doubt` in whoever writes next; the caller then calls `resume`, which waits
until nothing is in flight, reads the leader's state and starts the chain again at the log's true end (I3).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from pipeline.cluster.errors import ClusterError
from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror import lane
from pipeline.mirror.append import READING_LIFETIME_MS, Append, Chain, Markers, Token
from pipeline.mirror.claims import ProducerId
from pipeline.mirror.coordinator import TransactionalMarker
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.readings import Basis, ForeignWrite, Reading, is_retired
from pipeline.mirror.repairing import Repair
from pipeline.mirror.verdicts import Api, Judgement, Verdict, judge
from pipeline.wire.batch import BatchHeader, Stamp
from pipeline.wire.records import Record
from pipeline.wire.requests.codec import Batch
from pipeline.wire.requests.produce import ProducedPartition

MARKERS_A_REQUEST = 10_000
MARKER_LANDS_WITHIN_S = 30
NO_TIME = -1


class Doubt(Exception):
    """What was written may have been appended or not; only the leader's state tells. `refresh`: ask who leads first."""

    def __init__(self, reason: str, refresh: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refresh = refresh


def seconds_awake() -> float:
    """A clock that also runs while the machine or the process is stopped: a zombie must see how old it is."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Registrar(Protocol):
    """Tokens and producer ids that all workers agree on (`pipeline/control/registry.py`)."""

    async def token(self, mirror_topic_id: str, partition: int, basis: Basis) -> Token: ...

    async def producer(
        self,
        mirror_topic_id: str,
        partition: int,
        allocate: Callable[[], Awaitable[tuple[int, bool]]],
        retired: int | None = None,
    ) -> ProducerId: ...

    async def check_open(self, mirror_topic_id: str, partition: int) -> None: ...


class Appender:
    """One worker's writing to one mirror partition."""

    def __init__(self, piece: Piece, destination: Destination, registrar: Registrar, status: PieceStatus) -> None:
        self.piece = piece
        self._destination = destination
        self._registrar = registrar
        self._status = status
        self._chain: Chain | None = None
        self._producer: ProducerId | None = None
        self._marker: TransactionalMarker | None = None
        self._settled = asyncio.Event()
        self._failure: MirrorFailure | None = None
        self._repair: Repair | None = None
        self._is_repaired = True
        self._stamped_at: int | None = None
        self._refresh = False
        self._lane: lane.Lane | None = None
        self._alive_at = 0.0
        self.found_at_end: BatchHeader | None = None
        """The last batch of the log as it was found at the beginning."""

    @property
    def next_offset(self) -> int:
        """Offset of the next write."""
        return self._active.next_offset

    @property
    def has_doubt(self) -> bool:
        """Whether `resume` has to come before anything is written."""
        return self._chain is None or self._chain.doubtful is not None or self._failure is not None

    async def resume(self) -> int:
        """Read the leader's state, once nothing is in flight, and return the offset to go on at."""
        topic = self.piece.mirror_topic
        await self.drain()
        if self._failure is not None:
            raise self._failure
        if self._refresh:
            await self._destination.refresh(topic)
            self._refresh = False
        await self._check_topic()
        if self._repair is not None and not self._is_repaired:
            await self._destination.repair(topic, self._repair)
            self._is_repaired = True
        if self._stamped_at is not None:
            await self._check_times(self._stamped_at)
            self._stamped_at = None
        began = seconds_awake()
        producer = self._producer or await self._agree(None)
        reading = await self._read(producer)
        while reading.is_retired:
            producer = await self._agree(producer.producer_id)
            self._chain = None
            reading = await self._read(producer)
        if reading.state is None:  # new, or retired and then forgotten by the leader: what counts is the registry's end
            await self._registrar.check_open(self.piece.mirror_topic_id, self.piece.partition)
            latest = await self._agree(None)
            if latest.producer_id != producer.producer_id:
                self._producer, self._chain = latest, None
                raise Doubt("the producer id has a successor")
        self._producer = producer
        if self._chain is None or producer.is_transactional:
            await self._check_last_writer(reading)
        if self._chain is None:
            self._chain = Chain(str(self.piece), reading, counted=not producer.is_transactional)
        else:
            self._chain.read(reading)
        self._alive_at = began
        self._status.reached(reading.log_end)
        return reading.log_end

    async def drain(self) -> None:
        """Wait until nothing is in flight; what the lane has not sent yet is taken back."""
        if self._chain is None:
            return
        if self.has_doubt:
            self.abandon()
        while self._chain.in_flight:
            self._settled.clear()
            await self._settled.wait()

    def abandon(self) -> None:
        """Take back what the lane has not sent yet: nobody will go on after it."""
        if self._lane is None:
            return
        unsent = ClusterError("taken back before it was sent")
        for append in self._lane.withdraw(self.piece.mirror_topic, self.piece.partition):
            append.done(append, unsent)

    async def data(
        self, first_offset: int, records: int, batch: Callable[[Stamp], Batch], done: Callable[[], None]
    ) -> None:
        """Append one batch of consecutive offsets; returns when it is on its way, `done` is called when it is
        settled.
        """
        chain = self._active
        while not chain.may_append:
            self._check()
            self._settled.clear()
            await self._settled.wait()
        self._check()
        way = await self._destination.lane(self.piece.mirror_topic, self.piece.partition)
        self._check()
        write = chain.append(first_offset, records)
        try:
            payload = batch(write.stamp)
        except BaseException:
            chain.refused(write, "the batch could not be made")
            raise

        def settle(sent: lane.Append, answer: ProducedPartition | ClusterError) -> None:
            self._answered(write, answer, sent)
            done()

        self._lane = way
        way.append(lane.Append(self.piece.mirror_topic, self.piece.partition, payload, settle))

    async def settled(self) -> None:
        """Wait until everything written so far is acknowledged; raises Doubt or MirrorFailure where it is not."""
        await self.drain()
        self._check()

    async def log_start(self) -> int:
        """The first offset that the mirror's log still has."""
        return await self._destination.log_start(self.piece.mirror_topic, self.piece.partition)

    async def last_record(self) -> tuple[Record, int] | None:
        """The record that ends the mirror's log, and its codec; None where none does."""
        await self.settled()
        return await self._destination.last_record(self.piece.mirror_topic, self.piece.partition, self.next_offset)

    async def delete_below(self, offset: int) -> None:
        """Make `offset` the start of the mirror's log."""
        await self._destination.delete_records(self.piece.mirror_topic, self.piece.partition, offset)

    async def markers(self, first: int, last: int) -> None:
        """Fill offsets first..last, which no consumer sees at the source, with markers that none sees here (I2)."""
        await self.drain()
        self._check()
        if self._marker is not None:
            await self._mark_by_coordinator(self._marker, last)
        else:
            await self._mark_directly(last)

    async def _mark_by_coordinator(self, marker: TransactionalMarker, last: int) -> None:
        """One transaction an offset; what the log holds is read again when all of them are through."""
        chain, topic, partition = self._active, self.piece.mirror_topic, self.piece.partition
        first = chain.next_offset
        self._status.marker_path = "coordinator"
        for _ in range(first, last + 1):
            await marker.mark(topic, partition)
        reading = await self._destination.reading(topic, partition, marker.producer_id)
        async with asyncio.timeout(MARKER_LANDS_WITHIN_S):
            while reading.log_end <= last:
                await asyncio.sleep(0.002)
                reading = await self._destination.reading(topic, partition, marker.producer_id)
        chain.read(reading)
        self._alive_at = seconds_awake()
        if reading.log_end != last + 1:
            raise Doubt(f"after markers up to {last + 1} the log ends at {reading.log_end}")
        self._status.gap_offsets += last + 1 - first
        self._status.reached(reading.log_end)

    async def _mark_directly(self, last: int) -> None:
        chain, topic, partition = self._active, self.piece.mirror_topic, self.piece.partition
        while chain.next_offset <= last:
            self._check()
            offset = chain.next_offset
            if chain.needs_claim:
                token = await self._registrar.token(self.piece.mirror_topic_id, partition, chain.basis)
                write = chain.claim(offset, token)
            else:
                write = chain.run(offset, min(MARKERS_A_REQUEST, last - offset + 1))
            try:
                code = await self._destination.mark(topic, partition, write)
            except ClusterError as error:
                chain.doubt(write, str(error))
                raise Doubt(str(error), refresh=True) from error
            except asyncio.CancelledError:
                chain.doubt(write, "the worker stopped")
                raise
            if code:
                self._settle(write, judge(Api.WRITE_TXN_MARKERS, code, remote=False), "")
                self._check()
            chain.confirm(write, await self._log_end_after(write))
            self._check()
            self._status.marker_path = "direct"
            self._status.gap_offsets += len(write.epochs)
            self._status.reached(chain.confirmed_offset)

    async def _log_end_after(self, write: Markers) -> int:
        """The log's end after markers were answered with 0. One marker's 0 can hide no refusal, so nothing is asked."""
        if len(write.epochs) == 1:
            return write.next_offset
        try:
            return await self._destination.log_end(self.piece.mirror_topic, self.piece.partition)
        except ClusterError as error:
            self._active.doubt(write, str(error))
            raise Doubt(str(error), refresh=True) from error

    def _answered(self, write: Append, answer: ProducedPartition | ClusterError, sent: lane.Append) -> None:
        chain = self._active
        try:
            if isinstance(answer, ClusterError):
                chain.doubt(write, str(answer))
                self._refresh = True
            elif answer.error_code == 0:
                chain.acknowledge(write, answer.base_offset)
                if answer.log_append_time not in (NO_TIME, sent.max_timestamp):
                    self._stamped_at = write.first_offset
                    chain.doubtful = f"the broker answered with a time of its own, {answer.log_append_time}"
                self._alive_at = seconds_awake()
                self._repair = None
                self._status.records += write.records
                self._status.bytes += sent.size
                self._status.reached(chain.confirmed_offset)
            else:
                judgement = judge(Api.PRODUCE, answer.error_code, remote=False)
                self._settle(write, judgement, answer.error_message or "", sent.size)
        except MirrorFailure as failure:
            self._failure = self._failure or failure
        finally:
            self._settled.set()

    async def _agree(self, retired: int | None) -> ProducerId:
        async def allocate() -> tuple[int, bool]:
            return await self._allocate(retired)

        return await self._registrar.producer(self.piece.mirror_topic_id, self.piece.partition, allocate, retired)

    async def _allocate(self, retired: int | None) -> tuple[int, bool]:
        """A producer id for this partition: its transactional id's where markers have to go through the coordinator.

        The coordinator gives a transactional id another producer id once its epochs are used up, a few calls later.
        """
        if await self._destination.may_mark():
            return await self._destination.new_producer_id(), False
        marker = self._destination.marker(self.piece.mirror_topic_id, self.piece.partition)
        while (producer_id := await marker.take_over()) == retired:
            pass
        return producer_id, True

    async def _read(self, producer: ProducerId) -> Reading:
        """Read the leader's state; a transactional id is taken over first, so that no former owner's marker can
        follow.
        """
        topic, partition = self.piece.mirror_topic, self.piece.partition
        self._marker = None
        if producer.is_transactional:
            self._marker = self._destination.marker(self.piece.mirror_topic_id, partition)
            if await self._marker.take_over() != producer.producer_id:
                raise ClusterError(f"{self.piece}: its transactional id has another producer id now")
        reading = await self._destination.reading(topic, partition, producer.producer_id)
        if producer.is_transactional:  # its epoch does not tell that the mirror has stopped, see lifecycle/fencing.py
            await self._registrar.check_open(self.piece.mirror_topic_id, partition)
        return reading

    @property
    def _active(self) -> Chain:
        if self._chain is None:
            raise Doubt("nothing was read yet")
        return self._chain

    def _check(self) -> None:
        """Raise what stands against writing on."""
        if self._failure is not None:
            raise self._failure
        if seconds_awake() - self._alive_at > READING_LIFETIME_MS / 1000:
            raise Doubt("the last reading is too old to write on")
        if self._active.doubtful is not None:
            raise Doubt(self._active.doubtful, refresh=self._refresh)

    async def _check_times(self, offset: int) -> None:
        """A broker that stamps records itself has replaced the source's timestamps (MIRROR-90).

        It answers with its time; one that recognised a duplicate answers with a time too, the one of what it has.
        """
        if not await self._destination.replaces_times(self.piece.mirror_topic):
            return
        raise MirrorFailure(
            MirrorError.ILLEGAL_STATE,
            f"{self.piece}, offset {offset}: the mirror's broker has replaced timestamps, because "
            "message.timestamp.type=LogAppendTime was set on the mirror topic; nothing after this is mirrored. "
            "Delete the mirror and create it again.",
        )

    def _settle(self, write: Append | Markers, judgement: Judgement, detail: str, size: int = 0) -> None:
        """A write was answered with an error; what the code means is for the table of verdicts to say."""
        reason = f"{judgement.reason}: {detail}" if detail else judgement.reason
        if judgement.may_have_written:
            self._active.doubt(write, reason)
        else:
            self._active.refused(write, reason)
        if judgement.verdict in (Verdict.REFRESH, Verdict.CHECK_TOPIC):
            self._refresh = True
        if judgement.verdict in (Verdict.SPLIT, Verdict.RESTORE_CONFIGS):
            self._needs_repair(size, reason)
        elif isinstance(judgement.error, MirrorError):
            at = f"{self.piece}, offset {write.first_offset}"
            self._failure = self._failure or MirrorFailure(judgement.error, f"{at}: {reason}")

    def _needs_repair(self, size: int, reason: str) -> None:
        """Configs of the mirror topic stand against a write; `resume` puts them right."""
        if self._repair is None:
            self._repair = Repair(size, reason)
        elif self._is_repaired:
            self._repair = Repair(max(size, self._repair.batch_bytes), reason, self._repair.times + 1)
        else:  # several in flight were refused together
            self._repair.batch_bytes = max(size, self._repair.batch_bytes)
        self._is_repaired = False

    async def _check_last_writer(self, reading: Reading) -> None:
        """The log must end with something of ours: what others wrote while nobody looked is found here (MIRROR-4 b).

        Once there is a chain its counts tell the same (`check_continuity`). What lies below the first mirrored offset
        is not ours to judge.
        """
        if reading.log_end <= self.piece.start_offset:
            return
        last = await self._destination.last_batch(self.piece.mirror_topic, self.piece.partition, reading.log_end)
        self.found_at_end = last
        if last is None or last.producer_id == reading.producer_id or is_retired(last.producer_epoch):
            return
        raise ForeignWrite(str(self.piece), last.base_offset, f"written by producer id {last.producer_id}")

    async def _check_topic(self) -> None:
        """The mirror topic must be the one that was created for the link: another of its name is not ours to fill."""
        found = await self._destination.topic_id(self.piece.mirror_topic)
        if self.piece.mirror_topic_id and found != self.piece.mirror_topic_id:
            raise MirrorFailure(
                MirrorError.ILLEGAL_STATE,
                f"{self.piece.mirror_topic} was deleted and created again (topic id {found}, expected "
                f"{self.piece.mirror_topic_id}) by someone else; delete the mirror and create it again.",
            )
