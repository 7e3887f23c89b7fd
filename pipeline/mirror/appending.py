"""Write to one mirror partition through its chain: the acting half of the append protocol (`append.py` decides)."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.cluster.errors import ClusterError
from pipeline.mirror import lane
from pipeline.mirror.append import Chain, Doubt
from pipeline.mirror.awake import seconds_awake
from pipeline.mirror.foreign_hands import check_last_writer, check_times, check_topic
from pipeline.mirror.marking import Marking
from pipeline.wire.batch import Stamp
from pipeline.wire.records import Record
from pipeline.wire.requests.codec import Batch
from pipeline.wire.requests.produce import ProducedPartition

CALM_BYTES = 16 << 10
"""A partition of which no more than this waits to be written, or for its answer, does not wait behind others."""
BUSY_BYTES = 64 << 10
"""Above this it is as busy as others; in between it stays what it was."""


class Appender(Marking):
    """One worker's writing to one mirror partition."""

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

    async def data(
        self, first_offset: int, records: int, batch: Callable[[Stamp], Batch], done: Callable[[], None]
    ) -> None:
        """Append one batch of consecutive offsets; returns when it is on its way, `done` is called when it is
        settled.
        """
        chain = self._active
        while not self._has_room():
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
