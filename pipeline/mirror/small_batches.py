"""The common case of a slice from producers that do not linger, decided quickly: nothing but small plain batches.

`plan.plan_slice` comes to the same steps in general, at some ten times the cost for each batch; with one record a batch
that is what a copy spends most on. A property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.wire.batch import CODEC, BatchHeader


def runs_to_join(
    headers: Sequence[BatchHeader], next_offset: int, small: int, most_bytes: int, most_records: int
) -> list[tuple[int, int]] | None:
    """Which batches to join, as index ranges that cover all of them; None where any batch is not plain.

    Plain: smaller than `small` bytes, dense, CreateTime, neither transactional nor control, of the first one's codec,
    and each begins where the one before it ends, the first at `next_offset`.
    """
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
