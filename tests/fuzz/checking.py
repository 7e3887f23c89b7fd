"""What is asserted of every seed: each record of the source that a consumer may see is in the mirror, at its offset and
as it is; nothing else is to be seen there; and the mirror ends where the source does.

Gaps of a log that is not compacted are markers in the mirror. Those of a compacted one are records, and what may be
seen there is what changes nothing for a reader: copies of the source's records, or tombstones of keys that have none,
after which every key still has its latest value (`pipeline/mirror/gaps`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.wire.records import Record
from tests.fuzz.logs import SourceLog

SHOWN = 5


def findings(log: SourceLog, mirror: Mapping[int, Record], end: int) -> list[str]:
    """What is wrong with a mirror's records, and its end; nothing where all is well."""
    found = [] if end == log.end else [f"the mirror ends at {end}, the source at {log.end}"]
    for offset, record in log.visible.items():
        there = mirror.get(offset)
        if there != record:
            found.append(f"offset {offset}: {_named(record)} at the source, {_named(there)} in the mirror")
    for offset, record in mirror.items():
        if offset not in log.visible and not _may_fill(log, record):
            found.append(f"offset {offset}: {_named(record)} is in the mirror only")
    if log.is_compacted and not found:
        wanted, there = _latest(log.visible.values()), _latest(mirror.values())
        for key in sorted(wanted.keys() | there.keys()):
            if there.get(key) != wanted.get(key):
                found.append(f"key {key!r} ends as {there.get(key)!r} in the mirror, {wanted.get(key)!r} at the source")
    return found if len(found) <= SHOWN else [*found[:SHOWN], f"and {len(found) - SHOWN} more"]


def _may_fill(log: SourceLog, record: Record) -> bool:
    if not log.is_compacted:
        return False
    keys = {each.key for each in log.visible.values()}
    if record.value is None and record.key not in keys:
        return True
    return any(record[1:] == each[1:] for each in log.visible.values())


def _latest(records: Iterable[Record]) -> dict[bytes, bytes]:
    """What a table made of the records holds."""
    latest = {record.key: record.value for record in sorted(records)}
    return {key: value for key, value in latest.items() if key is not None and value is not None}


def _named(record: Record | None) -> str:
    return "none" if record is None else f"{record.key!r} {(record.value or b'')[:20]!r}"
