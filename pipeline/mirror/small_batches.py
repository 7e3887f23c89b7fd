"""The common case of a slice from producers that do not linger, decided quickly: nothing but small plain batches.

`plan.plan_slice` comes to the same steps in general, at some ten times the cost for each batch; with one record a batch
that is what a copy spends most on. A property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.wire.batch import CODEC, BatchHeader
from pipeline.wire.plain_batches import PlainBatches


def runs_to_join(
    headers: Sequence[BatchHeader], next_offset: int, small: int, most_bytes: int, most_records: int
) -> list[tuple[int, int]] | None:
    """Which batches to join, as index ranges that cover all of them; None where any batch is not plain.

    Plain: smaller than `small` bytes, dense, CreateTime, neither transactional nor control, of the first one's codec,
    and each begins where the one before it ends, the first at `next_offset`.
    """
    if isinstance(headers, PlainBatches):
        return _runs(headers, next_offset, small, most_bytes, most_records)
    if not headers:
        return None
    plain = headers[0].attributes & CODEC
    runs: list[tuple[int, int]] = []
    begin, size, first, position = 0, 0, next_offset, next_offset
    for index, header in enumerate(headers):
        _, batch_size, base_offset, _, _, _, attributes, last_delta, _, _, _, _, _, count = header
        if base_offset != position or attributes != plain or count != last_delta + 1 or batch_size >= small:
            return None
        if index > begin and (size + batch_size > most_bytes or base_offset + last_delta - first >= most_records):
            runs.append((begin, index))
            begin, size, first = index, 0, base_offset
        size += batch_size
        position = base_offset + count
    runs.append((begin, len(headers)))
    return runs


def _runs(
    batches: PlainBatches, next_offset: int, small: int, most_bytes: int, most_records: int
) -> list[tuple[int, int]] | None:
    """The same by columns: each run reaches to the last batch with which it stays within both limits."""
    if batches.first_offset != next_offset or batches.sizes.max() >= small:
        return None
    behind, until = np.cumsum(batches.sizes), batches.next_offsets
    runs: list[tuple[int, int]] = []
    begin = 0
    while begin < len(batches):
        bytes_before, first = (behind[begin - 1], until[begin - 1]) if begin else (0, next_offset)
        end = min(
            np.searchsorted(behind, bytes_before + most_bytes, "right"),
            np.searchsorted(until, first + most_records, "right"),
        )
        runs.append((begin, max(begin + 1, int(end))))
        begin = runs[-1][1]
    return runs
