"""Which offsets of a partition are compared: all, or evenly spread blocks where a sample is enough."""

from __future__ import annotations

from collections.abc import Iterator

BLOCK_OFFSETS = 4096


def blocks(first: int, end: int, sample: float) -> Iterator[tuple[int, int]]:
    """Ranges [a, b) inside [first, end), in order, covering about the sample's share of it.

    A sample takes whole blocks, so that neighbours are compared too (a shifted record shows only beside its
    neighbour), and always the first and the last block, where mistakes gather. The blocks depend on nothing but the
    arguments: a second run compares the same records.
    """
    if first >= end:
        return
    if sample >= 1:
        yield first, end
        return
    count = -(-(end - first) // BLOCK_OFFSETS)
    wanted = min(count, max(2, round(count * sample)))
    spread = {0} if wanted < 2 else {round(at * (count - 1) / (wanted - 1)) for at in range(wanted)}
    for block in sorted(spread):
        yield first + block * BLOCK_OFFSETS, min(first + (block + 1) * BLOCK_OFFSETS, end)
