"""What a leader says about one mirror partition, and what two such answers say about the log between them.

A reading is taken from the partition's leader: DescribeProducers (61) for our producer id, ListOffsets for the log end
(replica id -2) and for the high watermark (replica id -1), DescribeProducers again; it counts when the two descriptions
agree and the high watermark has reached the log end. The first makes the four numbers belong to one moment. The second
makes them final: what is below the high watermark survives a clean change of leader, so a write that was computed from
the reading meets a leader at least as far, never one that has lost some of it (on a leader that is behind, a marker of
ours would pass and land too early). Waiting costs nothing: an acks=-1 write would wait for the same replication.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError

SEQUENCES = 2**31
"""Sequence numbers run 0 .. 2**31 - 1 and start again at 0, never negative."""
TOKENS = 63
"""A claim's token is 1 .. 63, see `claims`."""
COORDINATOR_STEP = 64
"""What one marker of a run adds to the coordinator epoch: more than any token can."""
LAST_EPOCH = 32_704
"""The last epoch in use; 32,705 .. 32,767 mean that the producer id is retired. 32,767 is the largest int16."""
LAST_COORDINATOR_EPOCH = 2**31 - 1 - TOKENS
"""The last coordinator epoch of a run: a retirement claim still fits above it into an int32."""


class ForeignWrite(MirrorFailure):
    """I1 is broken: the mirror holds something else at an offset that belongs to a record of the source (MIRROR-45).

    `partition` and `offset` are the first place that differs, as far as one can tell.
    """

    def __init__(self, partition: str, offset: int, found: str) -> None:
        super().__init__(
            MirrorError.ILLEGAL_STATE,
            f"{partition}, offset {offset}: {found}. Something other than this link has written to the mirror topic; "
            "nothing after this offset is mirrored. Keep other producers away, delete the mirror topic and create it "
            "again.",
        )
        self.partition = partition
        self.offset = offset


class ProducerState(NamedTuple):
    """The row of DescribeProducers for our producer id."""

    epoch: int
    last_sequence: int
    """-1 when no data was appended in this epoch: the next is 0."""
    coordinator_epoch: int
    """-1 until a marker was appended."""


class Basis(NamedTuple):
    """What a claim is computed from. An unknown producer id counts as epoch 0, coordinator epoch 0."""

    producer_id: int
    epoch: int
    coordinator_epoch: int

    @property
    def must_retire(self) -> bool:
        """No room for another claim or for a run of even one marker: the next marker retires the producer id.

        A function of the basis alone, so that of all claims computed from one basis either every one retires or none
        does. A mixture would be unsafe: a retirement with a lower token passes after an ordinary claim.
        """
        return self.epoch + TOKENS > LAST_EPOCH or self.coordinator_epoch + COORDINATOR_STEP > LAST_COORDINATOR_EPOCH


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer of the leader about our producer id."""

    producer_id: int
    state: ProducerState | None
    """None: the leader does not know the id. It may be new, or idle for long, or *retired and forgotten since*: look
    into the claims topic that it has no successor before anything is sent with it."""
    log_end: int
    high_watermark: int

    @property
    def is_settled(self) -> bool:
        """Everything read is replicated; only then may something be sent (see the module's head)."""
        return self.high_watermark >= self.log_end

    @property
    def is_retired(self) -> bool:
        """Nobody writes with this producer id any more: take its successor, see `claims`."""
        return self.state is not None and is_retired(self.state.epoch)

    @property
    def basis(self) -> Basis:
        if self.state is None:
            return Basis(self.producer_id, 0, 0)
        return Basis(self.producer_id, self.state.epoch, max(self.state.coordinator_epoch, 0))


def is_retired(epoch: int) -> bool:
    return epoch > LAST_EPOCH


def check_continuity(partition: str, earlier: Reading, later: Reading) -> None:
    """Raise ForeignWrite if the log end moved further than our producer id's own writes can explain.

    Inside one epoch every record of ours adds 1 to the last sequence and every marker 64 to the coordinator epoch, so
    both together say how far the log end can have moved (a marker refused inside a run leaves its 64 to the next one).
    Finds a foreign write even where no append of ours has followed it, such as one made while no worker ran (MIRROR-4
    b). Says nothing across epochs or once the leader has forgotten the id, nor where the log has lost markers of ours:
    an unclean election took its end, which is then written again. Only for markers written directly: the transaction
    coordinator's are counted by nothing.
    """
    before, after = earlier.state, later.state
    if before is None or after is None or earlier.producer_id != later.producer_id or before.epoch != after.epoch:
        return
    if after.coordinator_epoch < before.coordinator_epoch:
        return
    own_end = earlier.log_end + (after.last_sequence - before.last_sequence) % SEQUENCES
    markers = (max(after.coordinator_epoch, 0) - max(before.coordinator_epoch, 0)) // COORDINATOR_STEP
    if (later.log_end - own_end) % SEQUENCES > markers:
        raise ForeignWrite(
            partition,
            min(own_end, later.log_end),
            f"the log ends at {later.log_end} where the link's own writes end at {own_end} with at most {markers} "
            "markers behind",
        )
