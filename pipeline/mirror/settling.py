"""What is known of one mirror partition's chain: what is in flight, what was answered, what stands against going on.

Whatever is not plainly acknowledged raises `Doubt` in whoever writes next; `Appender.resume` waits until nothing is
in flight, reads the leader's state and starts the chain again at the log's true end (I3).
"""

from __future__ import annotations

import asyncio

from pipeline.cluster.errors import ClusterError
from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror import lane
from pipeline.mirror.append import READING_LIFETIME_MS, Append, Chain, Doubt, Markers
from pipeline.mirror.awake import seconds_awake
from pipeline.mirror.claims import Registrar
from pipeline.mirror.destination import Destination
from pipeline.mirror.partition_producer import PartitionProducer
from pipeline.mirror.permissions import missing
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.repairing import Repair
from pipeline.mirror.verdicts import Api, Judgement, Verdict, judge
from pipeline.wire.batch import BatchHeader
from pipeline.wire.requests.produce import ProducedPartition

NO_TIME = -1
REST_S = 1.0
"""After so long without an acknowledgement the next append goes alone."""


class Settling:
    """The chain of one worker's writing to one mirror partition, and how each write of it ends."""

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
        """When the leader's state was last read, or an append acknowledged."""
        self._goes_alone = False
        self._looked_at = 0.0
        """When the log's end was last asked for by itself, and was where it should be."""
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

    async def settled(self) -> None:
        """Wait until everything written so far is acknowledged; raises Doubt or MirrorFailure where it is not."""
        await self.drain()
        self._check()

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

    def _has_room(self) -> bool:
        """Whether one more append may be sent; the first one after a rest goes alone.

        A leader remembers a producer id for a day after the *timestamp* of its last record, so it may forget one under
        which old records are written at any time, and then takes whatever comes next: an append behind one that it has
        refused would get its place.
        """
        chain = self._active
        if not chain.in_flight:
            self._goes_alone = seconds_awake() - self._alive_at > REST_S
        return chain.may_append and not (self._goes_alone and chain.in_flight)

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
