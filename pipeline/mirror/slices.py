"""What travels from the fetchers to the copiers: a piece of one source partition's log, as it was fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.mirror.memory import Share
from pipeline.wire.batch import BatchHeader


class SliceTaker(Protocol):
    """Whoever a slice is meant for; `take` must not wait."""

    def take(self, fetched: Slice) -> None: ...


class SliceSink(Protocol):
    """The way slices go: the Faust channel and agent of a link, or in tests something simpler."""

    async def start(self) -> None: ...

    async def put(self, fetched: Slice) -> None: ...

    async def stop(self) -> None: ...


@dataclass(eq=False, slots=True)
class Slice:
    """Whole closed batches that were fetched at `fetch_offset`; `records` is a view of the fetch response."""

    taker: SliceTaker = field(repr=False)
    generation: int
    fetch_offset: int
    headers: Sequence[BatchHeader] = field(repr=False)
    records: memoryview = field(repr=False)
    aborted: tuple[tuple[int, int], ...]
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int
    share: Share = field(repr=False)
    empty_to: int = 0
    """Nothing is in the log from the last batch, or `fetch_offset`, up to here."""
    is_checked: bool = True
    """Whether the batches' checksums were looked at; where not, `Copier` decides whether they have to be."""

    @property
    def next_offset(self) -> int:
        """Where the next fetch begins."""
        return self.headers[-1].next_offset if self.headers else self.fetch_offset

    @property
    def size(self) -> int:
        """Bytes of batches, a cut one at the end included."""
        return len(self.records)

    def deliver(self) -> None:
        """Hand the slice to its copier; called by the link's agent."""
        self.taker.take(self)

    def release(self) -> None:
        """Nothing of the slice is needed any more: give its memory back (I5)."""
        self.records = memoryview(b"")
        self.share.release()


class WaitingSlices:
    """What has been fetched for a link and its agent has not come to yet. The memory budget bounds it (I5)."""

    def __init__(self) -> None:
        self._slices: list[Slice] = []

    def add(self, fetched: Slice) -> bool:
        """Returns whether the agent is to be told; while others wait it has been."""
        self._slices.append(fetched)
        return len(self._slices) == 1

    def deliver(self) -> None:
        """Hand all that waits to the copiers, in the order in which it came."""
        waiting, self._slices = self._slices, []
        for fetched in waiting:
            fetched.deliver()
