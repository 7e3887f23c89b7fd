"""Buffers for frames, used again once nobody looks at them any more.

A fresh buffer costs as much as reading into it: the kernel clears its pages. Frames of several megabytes come and go a
hundred times a second, so a few buffers serve them all. Whether one is free is told by its reference count: every view
of a frame, however small, holds on to its buffer.

A buffer is a mapping of its own, which the system has back at once when it is dropped. As bytearrays they shared the
process's heap: what was given back lay between others there, so a worker that caught up with a backlog took twice the
memory that it held.
"""

from __future__ import annotations

import mmap
import sys
import threading
from collections.abc import Iterator

SMALLEST = 64 << 10
"""A smaller frame gets a buffer of its own size: Python allocates those cheaply."""
STEP = 1 << 20
"""Large buffers are multiples of this, so that they fit the next frame too."""
KEPT_BYTES = 96 << 20
"""What is kept at most, in use or free; a frame that finds no place gets a buffer that is not kept. Above what a worker
with one link holds (`partition.memory.bytes` of each partition): of 64 MB a third of all frames found no place.
"""
_OWN = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_FREE = 3
"""References to a free buffer: the list's, the loop's, and the one of the asking itself."""


class Buffers:
    """The buffers of one thread (`of_this_thread`)."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self.most_bytes = most_bytes
        self._kept: list[mmap.mmap] = []

    @property
    def kept_bytes(self) -> int:
        """How much is kept, in use or free."""
        return sum(len(buffer) for buffer in self._kept)

    def take(self, size: int) -> memoryview:
        """Room for `size` bytes, holding whatever was there before; it is free again when its last view is gone."""
        if size < SMALLEST:
            return memoryview(bytearray(size))
        wanted = -(-size // STEP) * STEP
        found = next((buffer for buffer in self._free() if wanted <= len(buffer) <= 2 * wanted), None)
        if found is None:
            found = mmap.mmap(-1, wanted, flags=_OWN)
            self._keep(found)
        return memoryview(found)[:size]

    def _free(self) -> Iterator[mmap.mmap]:
        for buffer in self._kept:
            if sys.getrefcount(buffer) == _FREE:
                yield buffer

    def _keep(self, new: mmap.mmap) -> None:
        """Keep a buffer; free ones of other sizes make room for it."""
        room = self.most_bytes - self.kept_bytes - len(new)
        for buffer in list(self._free()) if room < 0 else ():
            self._kept = [kept for kept in self._kept if kept is not buffer]
            room += len(buffer)
            if room >= 0:
                break
        if room >= 0:
            self._kept.append(new)


_local = threading.local()


def of_this_thread() -> Buffers:
    """The buffers that all connections of this thread's event loop share."""
    if not hasattr(_local, "buffers"):
        _local.buffers = Buffers()
    buffers: Buffers = _local.buffers
    return buffers
