"""Which leader of the source wrote what has been read: the source compares it with its own history (KIP-320, KIP-595).

A source that has lost records, by an unclean election, may have as many others by the time it is read again: its log
does not end below the mirror's then, and only the epochs tell (MIRROR-18). So every fetch says the epoch of the batch
in front of it, and the source answers with where its own log left that epoch, if that is earlier.

Only who has read a batch knows its epoch. So it is a part of every position that a worker reports, and who copies the
partition next begins with it. It may know less than the mirror holds then: what was read behind a position has no epoch
here, and `is_proof` tells the two apart.
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
        self.reached = UNKNOWN
        """What was read ends here; behind it there may be batches of later epochs."""

    def saw(self, headers: Sequence[BatchHeader]) -> None:
        """Batches that were read, maybe for the second time."""
        if headers:
            self.reached = headers[-1].next_offset
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

    def remember(self, reached: int, epoch: int) -> None:
        """What somebody else has read: a batch of this epoch ends at `reached`."""
        self._runs, self.reached = [(UNKNOWN, epoch)], reached

    def is_proof(self, end: int) -> bool:
        """Whether a source that left the epoch in front of the mirror's end at `end` has lost what was read of it.

        It has if `end` lies below what was read. Else the source may just have had another leader from there on.
        """
        return end < self.reached

    def forget(self) -> None:
        """The source has no history of them any more: what was read has been deleted there."""
        self._runs.clear()
        self.reached = UNKNOWN
