"""Very many small batches at once: what producers that do not linger write, a record a batch.

To make an object of each header, and to cut and number on each record by itself, is what a copy of such a log spends
most of its time on. Here the headers of a whole slice stand in one table, are compared column by column, and the
numbers in front of the records are written for all of them together. It is for nothing but the plain case, see
`PlainBatches`; all others are left to `batch.scan` and `coalescing`, which come to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import Final, overload

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from pipeline.wire import batch
from pipeline.wire.batch import (
    CRC_COVERS_FROM,
    HEADER,
    HEADER_SIZE,
    LENGTH_ENDS,
    BatchHeader,
    Stamp,
    assemble,
    check_head,
)
from pipeline.wire.fields import LONGEST

LEAST_BYTES = 32 << 10
"""Of a slice; below, a table costs more than it saves."""
SMALL_BYTES = 1 << 10
"""Of the first batch: where it has more, the others will too, and the table would save little."""
_TABLE: Final = np.dtype(
    {
        "names": ["base", "magic", "crc", "attributes", "delta", "timestamp", "latest", "count"],
        "formats": [">i8", "i1", ">u4", ">i2", ">i4", ">i8", ">i8", ">i4"],
        "offsets": [0, 16, 17, 21, 23, 27, 35, 57],
        "itemsize": HEADER_SIZE,
    }
)
_LENGTH = Struct(">i")
_LENGTH_AT = 8
_FIRST = 3
"""Bytes in front of what a record keeps wherever it stands: attributes, timestamp delta, offset delta, all 0."""
_LATEST_TIMESTAMP = 2**61
"""Differences of times beyond it may not fit 64 bits."""
Numbers = NDArray[np.int64]
Several = Callable[[BatchHeader, bytes, int, int], bytes]
"""(header, records, place, base timestamp): the records of a batch, numbered on from `place`."""


class PlainBatches(Sequence[BatchHeader]):
    """The headers of batches that follow each other without a hole: dense, none empty, CreateTime, not compressed,
    neither transactional nor control. A BatchHeader is made of one when somebody asks for it.
    """

    __slots__ = ("_positions", "_table", "next_offsets", "sizes")

    def __init__(self, positions: Numbers, sizes: Numbers, table: NDArray[np.void], next_offsets: Numbers) -> None:
        self._positions, self._table = positions, table
        self.sizes = sizes
        """Bytes of each batch."""
        self.next_offsets = next_offsets
        """The offset behind each batch."""

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> BatchHeader: ...

    @overload
    def __getitem__(self, index: slice) -> PlainBatches: ...

    def __getitem__(self, index: int | slice) -> BatchHeader | PlainBatches:
        if isinstance(index, slice):
            return PlainBatches(self._positions[index], self.sizes[index], self._table[index], self.next_offsets[index])
        fields = HEADER.unpack(self._table[index].tobytes())
        return BatchHeader(int(self._positions[index]), int(self.sizes[index]), fields[0], *fields[2:])

    def __iter__(self) -> Iterator[BatchHeader]:
        fields = HEADER.iter_unpack(self._table.tobytes())
        for position, size, header in zip(self._positions.tolist(), self.sizes.tolist(), fields, strict=True):
            yield BatchHeader(position, size, header[0], *header[2:])

    @property
    def first_offset(self) -> int:
        return int(self._table["base"][0])

    def check(self, buffer: bytes | bytearray | memoryview) -> None:
        """Compare the checksums with what was fetched. Raises CorruptBatch at the first that does not fit."""
        view, checksum = memoryview(buffer), crc32c
        begins, ends = self._positions + CRC_COVERS_FROM, self._positions + self.sizes
        found = [checksum(view[begin:end]) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        if (wrong := np.flatnonzero(self._table["crc"] != np.array(found, np.uint32))).size:
            batch.check(buffer, [self[int(wrong[0])]])

    def join(self, buffer: bytes | bytearray | memoryview, stamp: Stamp, several: Several) -> bytes | None:
        """One batch with the records of all these, of which `several` cuts those of batches that have more than one.
        None where a batch is not as plain as it should be: then `coalesce` reads one by one, and tells what is wrong.

        A record's new numbers are written into the place that its batch's header had, so that it is cut out with them.
        """
        times, counts = self._table["timestamp"].astype(np.int64), self._table["count"]
        if np.abs(times).max() >= _LATEST_TIMESTAMP:
            return None
        origin, first_offset, first_time = int(self._positions[0]), self.first_offset, int(times[0])
        data = bytearray(memoryview(buffer)[origin : int(self._positions[-1] + self.sizes[-1])])
        octets = np.frombuffer(data, np.uint8)
        begin, end = self._positions + (HEADER_SIZE - origin), self._positions + (self.sizes - origin)
        places = self.next_offsets - counts - first_offset
        single = np.flatnonzero(counts == 1)
        if (behind := _numbered(octets, begin[single], end[single])) is None:
            return None
        at = _write(octets, behind, places[single])
        at = _write(octets, at, times[single] - first_time) - 1
        octets[at] = 0  # attributes
        at = _write(octets, at, end[single] - at)
        whole = bytes(data)
        parts = [whole[a:b] for a, b in zip(at.tolist(), end[single].tolist(), strict=True)]
        if len(parts) < len(self):
            singles, parts = parts, [b""] * len(self)
            for index, part in zip(single.tolist(), singles, strict=True):
                parts[index] = part
            for index in np.flatnonzero(counts != 1).tolist():
                body = whole[begin[index] : end[index]]
                parts[index] = several(self[index], body, int(places[index]), first_time)
        timestamps = first_time, int(self._table["latest"].max())
        count = int(self.next_offsets[-1]) - first_offset
        return bytes(assemble(b"".join(parts), 0, count, timestamps, stamp))


def check_all(buffer: bytes | bytearray | memoryview, headers: Sequence[BatchHeader]) -> None:
    """`batch.check`, whatever the headers stand in."""
    if isinstance(headers, PlainBatches):
        headers.check(buffer)
    else:
        batch.check(buffer, headers)


def find(buffer: memoryview) -> PlainBatches | None:
    """The batches of a fetched buffer, if all of them are plain; a batch cut off at the end is left out.

    None for all other buffers, also for those that `scan` refuses. Checksums are not looked at.
    """
    end = len(buffer)
    if end < LEAST_BYTES or _LENGTH.unpack_from(buffer, _LENGTH_AT)[0] > SMALL_BYTES:
        return None
    starts: list[int] = []
    add, unpack, position, least = starts.append, _LENGTH.unpack_from, 0, HEADER_SIZE - LENGTH_ENDS
    while end - position >= HEADER_SIZE:
        length = unpack(buffer, position + _LENGTH_AT)[0]
        if length < least:
            return None
        add(position)
        position += length + LENGTH_ENDS
    if position > end:
        position = starts.pop()
    check_head(buffer, position)
    if not starts:
        return None
    ends = np.array([*starts, position])
    positions, sizes = ends[:-1], np.diff(ends)
    table = np.ndarray((end - HEADER_SIZE + 1,), f"V{HEADER_SIZE}", buffer, strides=(1,))[positions].view(_TABLE)
    bases = table["base"].astype(np.int64)
    nexts = bases + table["count"]
    is_plain = (
        bases[0] >= 0
        and not table["attributes"].any()
        and (table["magic"] == 2).all()
        and (table["count"] > 0).all()
        and (table["count"] == table["delta"].astype(np.int64) + 1).all()
        and (bases[1:] == nexts[:-1]).all()
    )
    return PlainBatches(positions, sizes, table, nexts) if is_plain else None


def _numbered(octets: NDArray[np.uint8], begin: Numbers, end: Numbers) -> Numbers | None:
    """Where each record's own bytes begin, behind the numbers in front of them: the only record in begin..end, with
    the first offset of its batch and its base timestamp. None where a record is not like that, or there is none.
    """
    if not len(begin) or (end - begin).min() <= 1 + _FIRST:
        return None
    first, second = octets[begin], octets[begin + 1]
    wide = first >= 0x80
    size = (first & 0x7F) | np.where(wide, second.astype(np.int64) << 7, 0)  # zigzag: an odd one is negative
    behind = begin + 1 + wide + _FIRST
    if (wide & (second >= 0x80)).any() or (size & 1).any() or (behind - _FIRST + (size >> 1) != end).any():
        return None
    if (behind > end).any() or (octets[behind - 1] | octets[behind - 2] | octets[behind - 3]).any():
        return None
    return behind


def _write(octets: NDArray[np.uint8], behind: Numbers, values: Numbers) -> Numbers:
    """Write a varint in front of each place, and return where it begins."""
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    length = np.ones(len(values), np.int64)
    most = 1
    while most < LONGEST and (more := zigzag >= np.uint64(1 << 7 * most)).any():
        length += more
        most += 1
    begin = behind - length
    for at in range(most):
        more_follow = np.where(length > at + 1, 0x80, 0).astype(np.uint8)
        part = (zigzag >> np.uint64(7 * at)).astype(np.uint8) & 0x7F | more_follow
        if at:
            has = length > at
            octets[begin[has] + at] = part[has]
        else:
            octets[begin] = part
    return begin
