"""What others may have done to a mirror topic, looked for before it is written to; each is a failure with a reason."""

from __future__ import annotations

from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece
from pipeline.mirror.readings import ForeignWrite, Reading, is_retired
from pipeline.wire.batch import BatchHeader


async def check_topic(destination: Destination, piece: Piece) -> None:
    """The mirror topic must be the one that was created for the link: another of its name is not ours to fill."""
    found = await destination.topic_id(piece.mirror_topic)
    if piece.mirror_topic_id and found != piece.mirror_topic_id:
        raise MirrorFailure(
            MirrorError.ILLEGAL_STATE,
            f"{piece.mirror_topic} was deleted and created again (topic id {found}, expected "
            f"{piece.mirror_topic_id}) by someone else; delete the mirror and create it again.",
        )


async def check_times(destination: Destination, piece: Piece, offset: int) -> None:
    """A broker that stamps records itself has replaced the source's timestamps (MIRROR-90).

    It answers an append with its time; one that recognised a duplicate answers with a time too, the one of what it has.
    """
    if not await destination.replaces_times(piece.mirror_topic):
        return
    raise MirrorFailure(
        MirrorError.ILLEGAL_STATE,
        f"{piece}, offset {offset}: the mirror's broker has replaced timestamps, because "
        "message.timestamp.type=LogAppendTime was set on the mirror topic; nothing after this is mirrored. "
        "Delete the mirror and create it again.",
    )


async def check_last_writer(destination: Destination, piece: Piece, reading: Reading) -> BatchHeader | None:
    """The log must end with something of ours: what others wrote while nobody looked is found here (MIRROR-4 b).

    Once there is a chain its counts tell the same (`check_continuity`). What lies below the first mirrored offset is
    not ours to judge. Returns the header of the batch that ends the log; None where it is of no interest, or deleted.
    """
    if reading.log_end <= piece.start_offset:
        return None
    last = await destination.last_batch(piece.mirror_topic, piece.partition, reading.log_end)
    if last is None or last.producer_id == reading.producer_id or is_retired(last.producer_epoch):
        return last
    raise ForeignWrite(str(piece), last.base_offset, f"written by producer id {last.producer_id}")
