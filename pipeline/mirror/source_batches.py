"""The batches in a source's answer: found, checked, brought to format v2; and what it means if they cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror.sessions import Key
from pipeline.wire import plain_batches
from pipeline.wire.batch import BatchHeader, CorruptBatch, UnsupportedMagic, scan
from pipeline.wire.message_sets import upgrade
from pipeline.wire.records import Record, open_batch

LAST_OLD_MAGIC = 1


def batches_of(records: memoryview, check_crc: bool = True) -> tuple[memoryview, Sequence[BatchHeader]]:
    """The batches of a response; entries of the formats v0 and v1 are turned into v2 first (MIRROR-12)."""
    try:
        plain = None if check_crc else plain_batches.find(records)
        return records, scan(records, check_crc) if plain is None else plain
    except UnsupportedMagic as error:
        if error.magic > LAST_OLD_MAGIC:
            raise
    upgraded = memoryview(upgrade(records))
    return upgraded, scan(upgraded)


def visible_records(
    records: memoryview, header: BatchHeader, aborted: Sequence[tuple[int, int]] | None
) -> list[Record]:
    """What consumers see of the first batch of a read_committed answer, with its list of aborted transactions (KIP-98).

    One that began at or below the batch's end, and is listed though the answer ends there, was not over before it.
    """
    is_aborted = header.is_transactional and any(
        producer_id == header.producer_id and first_offset <= header.last_offset
        for producer_id, first_offset in aborted or ()
    )
    return [] if header.is_control or is_aborted else open_batch(records, header)


def sound(records: memoryview) -> memoryview:
    """The batches in front of the first that cannot be read."""
    end = 0
    while end < len(records):
        size = int.from_bytes(records[end + 8 : end + 12], "big") + 12
        try:
            if not scan(records[end : end + size]):
                break
        except (UnsupportedMagic, CorruptBatch):
            break
        end += size
    return records[:end]


def unreadable(key: Key, error: UnsupportedMagic | CorruptBatch) -> MirrorFailure:
    """What ends a mirror partition at a batch that stays unreadable (I4)."""
    if isinstance(error, UnsupportedMagic):
        return MirrorFailure(MirrorError.UNSUPPORTED_MESSAGE_FORMAT, _unknown_format(key, error))
    return MirrorFailure(MirrorError.ILLEGAL_STATE, _corrupt(key, error))


def diverged(key: Key, epoch: int, end: int) -> MirrorFailure:
    """The source's answer to where we believe to be in its log (KIP-595): it has been truncated (MIRROR-18, 19)."""
    return MirrorFailure(
        MirrorError.UNEXPECTED_TRUNCATION,
        f"{key[0]}-{key[1]}: the source's log was cut at offset {end} (leader epoch {epoch}) below what was read from "
        "it; the mirror may hold records that the source has lost. Fail over to keep the mirror, or delete and create "
        "it again.",
    )


def _unknown_format(key: Key, error: UnsupportedMagic) -> str:
    return (
        f"{key[0]}-{key[1]}: {error}. This format is newer than this version of clusterlink: upgrade the workers, "
        "then delete the mirror and create it again."
    )


def _corrupt(key: Key, error: CorruptBatch) -> str:
    return (
        f"{key[0]}-{key[1]}: {error}. Nothing from there on is mirrored; "
        "repair the source, then delete the mirror and create it again."
    )
