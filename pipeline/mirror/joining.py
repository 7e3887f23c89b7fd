"""Small slices that have come behind each other while a partition was busy become one.

A broker takes one batch of a partition in a request, so where requests are full of others' batches, a partition that
gets a record now and then would fall behind by what it is not allowed to send together (I6).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from pipeline.mirror.slices import Slice
from pipeline.wire.batch import CONTROL, TRANSACTIONAL, BatchHeader

SMALL_BYTES = 32 << 10
"""A slice above this is worth an append of its own."""
MOST_BYTES = 256 << 10


def next_slice(waiting: deque[Slice]) -> Slice:
    """Take the next slice, together with those behind it that may be joined to it: small ones without transactions.

    What is joined has the same batches, in bytes of its own; what they came in is released.
    """
    taken = [waiting.popleft()]
    size = taken[0].size
    while waiting and _follows(taken[-1], waiting[0]) and size + waiting[0].size <= MOST_BYTES:
        taken.append(waiting.popleft())
        size += taken[-1].size
    return _joined(taken) if len(taken) > 1 else taken[0]


def _follows(before: Slice, after: Slice) -> bool:
    return _is_plain(before) and _is_plain(after) and before.next_offset == after.fetch_offset


def _is_plain(fetched: Slice) -> bool:
    """Whether its batches mean the same whatever is around them, and all of them are whole."""
    if fetched.size > SMALL_BYTES or not fetched.headers or fetched.aborted or fetched.empty_to:
        return False
    last = fetched.headers[-1]
    if last.position + last.size != fetched.size:
        return False
    return not any(header.attributes & (CONTROL | TRANSACTIONAL) for header in fetched.headers)


def _joined(taken: Sequence[Slice]) -> Slice:
    headers: list[BatchHeader] = []
    begin = 0
    for fetched in taken:
        headers += (header._replace(position=header.position + begin) for header in fetched.headers)
        begin += fetched.size
    records = memoryview(b"".join(fetched.records for fetched in taken))
    share = taken[0].share.of_a_copy(len(records))
    last, is_checked = taken[-1], all(fetched.is_checked for fetched in taken)
    joined = replace(
        last,
        fetch_offset=taken[0].fetch_offset,
        headers=headers,
        records=records,
        share=share,
        is_checked=is_checked,
    )
    for fetched in taken:
        fetched.release()
    return joined
