"""Markers for the offsets of a mirror partition that no consumer of the source sees (I2)."""

from __future__ import annotations

import asyncio

from pipeline.cluster.errors import ClusterError
from pipeline.mirror.append import Doubt, Markers
from pipeline.mirror.awake import seconds_awake
from pipeline.mirror.coordinator import TransactionalMarker
from pipeline.mirror.settling import Settling
from pipeline.mirror.verdicts import Api, judge

MARKERS_A_REQUEST = 10_000
TRANSACTIONS_AT_ONCE = 100
MARKER_LANDS_WITHIN_S = 30


class Marking(Settling):
    """Writes them directly, or where the worker may not do that through the transaction coordinator."""

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
        await self._see_nothing_is_lost()
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
            await self._see_nothing_is_lost()
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

    async def _see_nothing_is_lost(self) -> None:
        """A leader that was away may have come back without its log's end: a batch would not fit any more, a marker
        would, and then stand in place of what was lost. Raises Doubt, and ClusterError.
        """
        marks_since = await self._destination.marks_since(self.piece.mirror_topic, self.piece.partition)
        if marks_since <= max(self._alive_at, self._looked_at):
            return
        asked_at = seconds_awake()
        log_end = await self._destination.log_end(self.piece.mirror_topic, self.piece.partition)
        if log_end != self._active.next_offset:
            raise Doubt(f"the log ends at {log_end} where it ended at {self._active.next_offset} before", refresh=True)
        self._looked_at = asked_at

    async def _log_end_after(self, write: Markers) -> int:
        """The log's end after markers were answered with 0. One marker's 0 can hide no refusal, so nothing is asked."""
        if len(write.epochs) == 1:
            return write.next_offset
        try:
            return await self._destination.log_end(self.piece.mirror_topic, self.piece.partition)
        except ClusterError as error:
            self._active.doubt(write, str(error))
            raise Doubt(str(error), refresh=True) from error
