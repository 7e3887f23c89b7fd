"""Records in columns: comparing two lists at once is done in C, comparing record by record is not.

A Stream yields the records of one range of one partition in offset order; a Window walks over a stream by any number of
records. Nothing here knows Kafka, so that the comparisons can be tested on lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive visible records of one partition, one list a field; a stream of offsets leaves the rest empty."""

    offsets: list[int]
    timestamps: list[int] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[Headers | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.offsets)

    def part(self, first: int, last: int) -> Chunk:
        """Records first..last-1 of this chunk; the chunk itself when that is all of it."""
        if first == 0 and last >= len(self.offsets):
            return self
        return Chunk(
            self.offsets[first:last],
            self.timestamps[first:last],
            self.keys[first:last],
            self.values[first:last],
            self.headers[first:last],
        )


class Stream(Protocol):
    """A range of a partition as one kind of consumer sees it."""

    def chunk(self) -> Chunk | None:
        """The next records, at least one; None once the range's end is reached. Waits; never returns an empty chunk."""
        ...


class Window:
    """A place in a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._chunk: Chunk | None = None
        self._at = 0

    def ahead(self) -> int:
        """How many records are at hand, reading on if there are none; 0 only at the end of the range."""
        if self._chunk is None or self._at == len(self._chunk):
            self._chunk, self._at = self._stream.chunk(), 0
        return 0 if self._chunk is None else len(self._chunk) - self._at

    def take(self, records: int) -> Chunk:
        """Step over the next records, no more than ahead(), and return them."""
        assert self._chunk is not None
        taken = self._chunk.part(self._at, self._at + records)
        self._at += records
        return taken

    def give_back(self, records: int) -> None:
        """Step back over the last of the records taken just before."""
        self._at -= records
