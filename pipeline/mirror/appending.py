"""Write to one mirror partition through its chain: the acting half of the append protocol (`append.py` decides).

Whatever is not plainly acknowledged raises `Doubt` in whoever writes next; the caller then calls `resume`, which waits
until nothing is in flight, reads the leader's state and starts the chain again at the log's true end (I3).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pipeline.cluster.errors import ClusterError
from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror import lane
from pipeline.mirror.append import READING_LIFETIME_MS, Append, Chain, Doubt, Markers
from pipeline.mirror.claims import Registrar
from pipeline.mirror.coordinator import TransactionalMarker
from pipeline.mirror.destination import Destination
from pipeline.mirror.foreign_hands import check_last_writer, check_times, check_topic
from pipeline.mirror.partition_producer import PartitionProducer
from pipeline.mirror.permissions import missing
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.repairing import Repair
from pipeline.mirror.verdicts import Api, Judgement, Verdict, judge
from pipeline.wire.batch import BatchHeader, Stamp
from pipeline.wire.records import Record
from pipeline.wire.requests.codec import Batch
from pipeline.wire.requests.produce import ProducedPartition

MARKERS_A_REQUEST = 10_000
TRANSACTIONS_AT_ONCE = 100
MARKER_LANDS_WITHIN_S = 30
NO_TIME = -1
CALM_BYTES = 16 << 10
"""A partition of which no more than this waits to be written, or for its answer, does not wait behind others."""
BUSY_BYTES = 64 << 10
"""Above this it is as busy as others; in between it stays what it was."""


def seconds_awake() -> float:
    """A clock that also runs while the machine or the process is stopped: a zombie must see how old it is."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Appender:
    """One worker's writing to one mirror partition."""

    def __init__(self, piece: Piece, destination: Destination, registrar: Registrar, status: PieceStatus) -> None:
        self.piece = piece
        self._destination = destination
        self._registrar = registrar
        self._status = status
        self._chain: Chain | None = None
        self._producer = PartitionProducer(piece, destination, registrar)
        self._settled = asyncio.Event()
        self._failure: MirrorFailure | None = None
        self._repair: Repair | None = None
        self._is_repaired = True
        self._stamped_at: int | None = None
        self._refresh = False
        self._lane: lane.Lane | None = None
        self._is_calm = False
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

    @property
    def doubt(self) -> Doubt:
        """What that is, as it was answered."""
        reason = self._chain.doubtful if self._chain is not None else None
        return Doubt(reason or "an append was not acknowledged", refresh=self._refresh)

    def ended_by(self, reason: Doubt | ClusterError) -> None:
        """Hear what has ended the caller's round. Who was asked may not lead any more, or not yet, so that `resume`
        asks who does: an election may fall between that question and the next, and nobody else would put it again.
        """
        self._refresh = self._refresh or isinstance(reason, ClusterError) or reason.refresh

    async def resume(self) -> int:
        """Read the leader's state, once nothing is in flight, and return the offset to go on at."""
        topic = self.piece.mirror_topic
        await self.drain()
        if self._failure is not None:
            raise self._failure
        if self._refresh:
            await self._destination.refresh(topic)
            self._refresh = False
        if self._chain is None:
            await self._destination.answered(topic, self.piece.partition)
        await check_topic(self._destination, self.piece)
        if self._repair is not None and not self._is_repaired:
            await self._destination.repair(topic, self._repair)
            self._is_repaired = True
        if self._stamped_at is not None:
            await check_times(self._destination, self.piece, self._stamped_at)
            self._stamped_at = None
        began = seconds_awake()
        reading = await self._producer.reading()
        if self._chain is not None and self._chain.basis.producer_id != reading.producer_id:
            self._chain = None  # that one is retired
        counted = self._producer.is_counted
        if self._chain is None or not counted:
            self.found_at_end = await check_last_writer(self._destination, self.piece, reading)
        if self._chain is None:
            self._chain = Chain(str(self.piece), reading, counted=counted)
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
        way = await self._destination.lane(self.piece.mirror_topic, self.piece.partition, self._is_calm)
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

    async def choose_lane(self, waiting_bytes: int) -> None:
        """Take the lane of those that have little to write, or that of all others, by how much there is to write now.

        Lanes are changed with nothing in flight: two connections would not keep the order. Raises as `settled`.
        """
        is_calm = waiting_bytes <= (BUSY_BYTES if self._is_calm else CALM_BYTES)
        if is_calm != self._is_calm:
            await self.settled()
            self._is_calm = is_calm

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

    async def newest_record(self, first: int) -> Record | None:
        """The last record of the mirror from `first` on; None where it has markers only, or nothing."""
        await self.settled()
        piece = self.piece
        return await self._destination.newest_record(piece.mirror_topic, piece.partition, first, self.next_offset)

    async def delete_below(self, offset: int) -> None:
        """Make `offset` the start of the mirror's log."""
        await self._destination.delete_records(self.piece.mirror_topic, self.piece.partition, offset)

    async def markers(self, first: int, last: int) -> None:
        """Fill offsets first..last, which no consumer sees at the source, with markers that none sees here (I2)."""
        await self.drain()
        self._check()
        if self._producer.marker is not None:
            await self._mark_by_coordinator(self._producer.marker, last)
        else:
            await self._mark_directly(last)

    async def _mark_by_coordinator(self, marker: TransactionalMarker, last: int) -> None:
        """One transaction an offset; what the log holds is read again after every hundred, so that it shows."""
        while (first := self._active.next_offset) <= last:
            await self._mark_some(marker, first, min(first + TRANSACTIONS_AT_ONCE - 1, last))

    async def _mark_some(self, marker: TransactionalMarker, first: int, last: int) -> None:
        chain, topic, partition = self._active, self.piece.mirror_topic, self.piece.partition
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
            self._status.allowed(Api.WRITE_TXN_MARKERS)
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
                self._status.allowed(Api.PRODUCE)
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
            raise self.doubt

    def _settle(self, write: Append | Markers, judgement: Judgement, detail: str, size: int = 0) -> None:
        """A write was answered with an error; what the code means is for the table of verdicts to say."""
        reason = f"{judgement.reason}: {detail}" if detail else judgement.reason
        api = Api.PRODUCE if isinstance(write, Append) else Api.WRITE_TXN_MARKERS
        self._status.refused(api, missing(api, judgement, self.piece.mirror_topic))
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
