"""Copy one piece: take what was fetched, plan it, and write it through the piece's appender, for as long as it is ours.

Each round begins at the mirror's own end: `resume` reads it, what is missing below the first mirrored offset is seeded,
and fetching starts there. The round ends with a doubt (begin the next one), an error of a cluster (wait, begin the next
one), or something that cannot be mirrored exactly (I4: the piece fails, and no other).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from pipeline.cluster.errors import ClusterError, KafkaFailure
from pipeline.cluster.metadata import TopicInfo
from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.metrics.meter import METER
from pipeline.mirror import seeding
from pipeline.mirror.append import Doubt
from pipeline.mirror.appending import Appender
from pipeline.mirror.claims import Closed
from pipeline.mirror.intake import Intake, Readers
from pipeline.mirror.joining import next_slice
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.plan import Pass, Plan, Policy, plan_slice
from pipeline.mirror.readings import ForeignWrite
from pipeline.mirror.slices import Slice
from pipeline.mirror.source_trouble import settle
from pipeline.mirror.writing import LastLive, SliceWriter
from pipeline.wire.batch import BatchHeader, CorruptBatch
from pipeline.wire.plain_batches import PlainBatches, check_all
from pipeline.wire.records import ControlType, Record, control_type

log = logging.getLogger(__name__)
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0
LONGEST_SILENCE_S = 60.0


class Source(Readers, Protocol):
    """How a copier reads: `LinkCopying`, or in tests something simpler."""

    async def moved(self, copier: Intake) -> None: ...

    async def offsets(self, topic: str, partition: int) -> tuple[int, int]: ...

    async def find_topic(self, topic: str) -> TopicInfo: ...

    async def empty_from(self, copier: Intake, offset: int) -> Slice | None: ...

    async def visible_at(self, copier: Intake, offset: int) -> tuple[int, list[Record]]: ...


class Copier(Intake):
    """The copying of one piece on this worker; `run` is its task."""

    def __init__(
        self,
        piece: Piece,
        appender: Appender,
        source: Source,
        status: PieceStatus,
        *,
        policy: Callable[[], Policy],
        may_hold: Callable[[], int],
        retry_timeout_s: Callable[[], float],
    ) -> None:
        super().__init__(piece, source, status, may_hold)
        self._appender = appender
        self.source = source
        self._policy = policy
        self.retry_timeout_s = retry_timeout_s
        self._last = LastLive()
        self._is_filled = False
        self._looked_to = 0
        """Every offset below was in a slice that came, or is not in the source's log any more."""
        self._hole_at, self._knows_holes = -1, False
        """Where no batch seemed to cover an offset although the source is not compacted, and whether that is so."""

    async def run(self) -> None:
        """Copy until cancelled, or until the piece has failed."""
        pause = SHORTEST_PAUSE_S
        try:
            while True:
                began_at = self.status.log_end_offset
                try:
                    await self._round()
                except MirrorFailure as failure:
                    if isinstance(failure, ForeignWrite):
                        self._count("clusterlink_foreign_writes_total")
                    log.error(
                        "%s of link %s failed: %s: %s", self.piece, self.piece.link, failure.code, failure.message
                    )
                    self.status.failed(failure.code, failure.message)
                    return
                except Closed as reason:
                    # the rows will say so and end this; or else the topic is about to be a mirror again
                    log.info("%s: copying rests: %s", self.piece, reason)
                    self.status.waits_for, pause = str(reason), LONGEST_PAUSE_S
                except (Doubt, ClusterError) as reason:
                    self.status.waits_for = str(reason)
                    self._appender.ended_by(reason)
                    self._count("clusterlink_append_retries_total")
                    log.info("%s: reading the mirror's end again: %s", self.piece, reason)
                except Exception as error:
                    self.status.waits_for = repr(error)
                    log.exception("%s: this round of copying failed, the next follows", self.piece)
                self._rest()  # nothing is held while it pauses
                self.is_troubled = True
                pause = SHORTEST_PAUSE_S if self.status.log_end_offset != began_at else min(2 * pause, LONGEST_PAUSE_S)
                await asyncio.sleep(pause)
        finally:
            self._appender.abandon()
            self._rest()

    async def _round(self) -> None:
        self._rewind(-1)
        self._last = LastLive()  # another worker may have written since: a copy of it would come behind newer records
        at = await self._appender.resume()
        if self.piece.start_offset > 0 and not self.piece.is_adopted and not self.status.is_seeded:
            await seeding.seed(self._appender, self.piece.start_offset)
            at = self._appender.next_offset
        if self._is_filled or await seeding.is_left_filled(self._appender):
            await self._appender.delete_below(at)
            self._is_filled = False
        self.status.is_seeded = self.status.is_changed = True
        self._looked_to = at
        await self.go_on(at)
        while True:
            while not self._slices:
                self._check()
                if self._is_refused and not self._coming:
                    await self._mend()
                    continue
                await self._more()
            self._check()
            await self._copy(next_slice(self._slices))

    async def _more(self) -> None:
        """Wait for a slice, or for whatever else happens. Raises Doubt where the source has refused to go on, and what
        was read before that has not come for a long time: then it is read again.
        """
        is_refused = self._is_refused
        waits_s = self._silence_s if self._may_be_empty() else None
        self._wake.clear()
        try:
            async with asyncio.timeout(LONGEST_SILENCE_S if is_refused else waits_s):
                await self._wake.wait()
        except TimeoutError:
            if is_refused:
                raise Doubt("what was read of the source has not come") from None
            await self._pass_over()

    @property
    def _is_refused(self) -> bool:
        """Whether the source has refused to be read on, or gave what cannot be."""
        return self._failure is not None or self._error is not None

    async def _mend(self) -> None:
        """The source refused to be read at some offset, or gave what cannot be: once everything before is written."""
        await self._appender.settled()
        if self._failure is not None:
            raise self._failure
        if self._error is not None:
            (code, offset), self._error = self._error, None
            await settle(self, code, offset)

    async def _pass_over(self) -> None:
        """Nothing comes of a compacted log although its last stable offset is ahead. Other partitions may fill the
        answers, or the cleaner has taken everything up to there: then there is nothing to wait for. An incremental
        session does not tell, so ask, ever more rarely.
        """
        self._silence_s = min(2 * self._silence_s, LONGEST_SILENCE_S)
        offset = self.expected_offset
        await self._appender.settled()
        try:
            found = await self.source.empty_from(self, offset)
        except ClusterError as error:
            log.info("%s: whether the source has anything from %d on: %s", self.piece, offset, error)
            return
        if found is not None and offset == self.expected_offset and not self._slices and not self._coming:
            await self._copy(found)
            if self._appender.next_offset == found.empty_to:
                await self.go_on(found.empty_to)

    async def lose(self, start: int) -> None:
        """The source's log begins at `start` now, above what the mirror has (MIRROR-14): follow, and report the
        range.
        """
        first = self._appender.next_offset
        log.error(
            "%s: offsets %d to %d were deleted at the source before they could be mirrored",
            self.piece,
            first,
            start - 1,
        )
        self.status.lost.append((first, start - 1))
        self.status.is_changed = True
        self._count("clusterlink_lost_ranges_total")
        self._count("clusterlink_lost_offsets_total", start - first)
        self._is_filled = True
        await seeding.advance(self._appender, start)
        self._is_filled = False
        self._looked_to = start
        await self.go_on(start)

    async def newest(self, first: int) -> Record | None:
        """The last record that the mirror has from `first` on."""
        return await self._appender.newest_record(first)

    async def go_on(self, offset: int) -> None:
        """Read on from `offset`."""
        self._rewind(offset)
        try:
            await self.source.read(self, offset)
        except KafkaFailure as error:  # the topic is not there, or not for us
            self._error = (error.code, offset)

    async def _copy(self, fetched: Slice) -> None:
        writer = SliceWriter(self.piece, self._appender, fetched, self._policy(), done=self._done, last=self._last)

        def kind(header: BatchHeader) -> ControlType:
            return control_type(fetched.records, header)

        self._is_copying = True
        try:
            if fetched.fetch_offset > self._looked_to:  # what was not read would be taken for a gap
                raise Doubt(f"offsets {self._looked_to} to {fetched.fetch_offset - 1} were not read")
            await self._appender.choose_lane(self._held)
            plan = plan_slice(
                fetched.headers,
                fetched.aborted,
                self._appender.next_offset,
                kind,
                self._policy(),
                known_empty_to=fetched.empty_to,
            )
            self._looked_to = max(self._looked_to, plan.next_offset)
            if not self._leaves_checking(plan):
                if not fetched.is_checked:
                    check_all(fetched.records, fetched.headers)
                self._look_twice_at_holes(fetched)
            for step in plan.steps:
                await writer.carry_out(step)
            if self.piece.is_compacted:
                self._last.remember(plan.steps, fetched.records)
        except CorruptBatch as error:
            if not fetched.is_checked:
                raise Doubt(f"{error}: it is read again, batch by batch") from error
            raise MirrorFailure(MirrorError.ILLEGAL_STATE, f"{self.piece}: {error}") from error
        finally:
            self._is_copying = False
            writer.handed_over()
        self.status.waits_for = writer.waits_for or self.status.waits_for

    def _leaves_checking(self, plan: Plan) -> bool:
        """Whether the mirror's broker sees every byte that this plan relies on: nothing is opened, nothing left out.

        Batches keep their checksums (`restamp_head`), and the broker refuses one that does not fit; then all is read
        again and checked as it comes (`is_troubled`), which finds the batch and says where.
        """
        return bool(plan.steps) and not self.piece.is_compacted and all(isinstance(step, Pass) for step in plan.steps)

    def _look_twice_at_holes(self, fetched: Slice) -> None:
        """A batch's own offset lies outside its checksum. Where it was changed on its way there seems to be a hole in
        front of it, or of the next one, which a log that is not compacted does not have: then all is read again, once.
        """
        if self.piece.is_compacted or self._knows_holes:
            return
        position = self._appender.next_offset
        if isinstance(fetched.headers, PlainBatches) and fetched.headers.first_offset == position:
            return
        for header in fetched.headers:
            if header.base_offset > position:
                if position == self._hole_at:
                    self._knows_holes = True
                    return
                self._hole_at = position
                raise Doubt(f"no batch holds offsets {position} to {header.base_offset - 1}: it is read again")
            position = max(position, header.next_offset)

    def _done(self, fetched: Slice) -> None:
        """All of a slice is settled."""
        if fetched.headers:
            self.status.last_timestamp_ms = fetched.headers[-1].max_timestamp
        self.status.waits_for = ""
        self.settled(fetched, not self._appender.has_doubt)

    def _count(self, metric: str, by: int = 1) -> None:
        METER.add(metric, self.piece.link, self.piece.mirror_topic, by=by)

    def _check(self) -> None:
        """Raise what ends this round."""
        if self._appender.has_doubt:
            raise self._appender.doubt
