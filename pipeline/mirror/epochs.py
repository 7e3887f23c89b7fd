"""Which leader of the source wrote what has been read: the source compares it with its own history (KIP-320, KIP-595).

A source that has lost records, by an unclean election, may have as many others by the time it is read again: its log
does not end below the mirror's then, and only the epochs tell (MIRROR-18). So every fetch says the epoch of the batch
in front of it, and the source answers with where its own log left that epoch, if that is earlier.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.wire.batch import BatchHeader

UNKNOWN = -1
"""Nothing is compared: nothing was read yet, or what was had no epoch (formats v0 and v1)."""
MOST_RUNS = 64
"""A leader of its own each; older ones are forgotten."""


class Epochs:
    """Runs of offsets by the epoch that wrote them."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []
        """(first offset, epoch), ascending in both."""

    def saw(self, headers: Sequence[BatchHeader]) -> None:
        """Batches that were read, maybe for the second time."""
        if self._runs and headers and self._runs[-1][0] < headers[0].base_offset:
            epochs = {self._runs[-1][1], headers[0].leader_epoch, headers[-1].leader_epoch}
            if len(epochs) == 1:  # they only grow in a log
                return
        for header in headers:
            while self._runs and self._runs[-1][0] >= header.base_offset:
                self._runs.pop()
            if not self._runs or self._runs[-1][1] != header.leader_epoch:
                self._runs.append((header.base_offset, header.leader_epoch))
        del self._runs[:-MOST_RUNS]

    def before(self, offset: int) -> int:
        """The epoch of the last batch that was read in front of `offset`, or UNKNOWN."""
        return next((epoch for first, epoch in reversed(self._runs) if first < offset), UNKNOWN)

    def forget(self) -> None:
        """The source has no history of them any more: what was read has been deleted there."""
        self._runs.clear()
