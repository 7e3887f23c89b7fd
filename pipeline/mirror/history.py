"""Whether the source still has what was mirrored of it, where leader epochs leave that open (MIRROR-18).

A worker that takes a partition over knows the epoch of the last position that was reported, and the mirror's log may
end behind it. If the source had another leader from somewhere between the two on, then either the worker before has
read that leader's records, or it has read others there, which the source has lost since. Every record behind is of one
kind then: so the mirror's last one is compared with what the source has at its offset.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.mirror.source_batches import diverged

if TYPE_CHECKING:
    from pipeline.mirror.copying import Copier

log = logging.getLogger(__name__)


async def check_history(copier: Copier, offset: int) -> None:
    """The source has another history than was known, from `copier.cut` on: go on at `offset`, or raise MirrorFailure.

    Where the mirror has no record from there on, or a compacted source has none for consumers at its last one's offset
    (the cleaner took it, or it is what fills the gap of a marker or of aborted data), one cannot tell: it goes on.
    """
    epoch, end = copier.cut
    if copier.epochs.is_proof(end):
        raise diverged(copier.key, epoch, end)
    start, last = await copier.source.offsets(*copier.key)
    if offset > last:
        raise diverged(copier.key, epoch, end)
    mirrored = await copier.newest(end)
    if mirrored is None:
        log.info("%s: the source's leader changed at offset %d; no record of the mirror shows more", copier.piece, end)
        copier.epochs.forget()
    else:
        now, records = await copier.source.visible_at(copier, max(mirrored.offset, start))
        there = next((record for record in records if record.offset == mirrored.offset), None)
        may_be_gone = copier.piece.is_compacted or mirrored.offset < start
        if there != mirrored and not (there is None and may_be_gone):
            raise diverged(copier.key, epoch, end)
        log.info("%s: the source has what was mirrored of it, up to offset %d", copier.piece, mirrored.offset)
        copier.epochs.remember(mirrored.offset + 1, now)
    await copier.go_on(offset)
