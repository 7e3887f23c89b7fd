"""What a copier does when the source will not be read: follow a leader, jump to a later log start, wait, or fail
(I4).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from pipeline.cluster.errors import failure
from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror.history import check_history
from pipeline.mirror.permissions import missing
from pipeline.mirror.verdicts import Api, Verdict, judge

if TYPE_CHECKING:
    from pipeline.mirror.copying import Copier

PAUSE_S = 0.2
DENIED_PAUSE_S = 5.0
RESUME = -1000
"""In place of a code: reading could not be taken up again by itself."""
CUT = -1001
"""In place of a code: the source's log has another history than was known, from `Copier.cut` on."""


async def settle(copier: Copier, code: int, offset: int) -> None:
    """Answer the source's error `code` for reading at `offset`, and go on reading; raises what cannot be gone on
    from.
    """
    if code == RESUME:  # ours: reading could not be taken up again
        await copier.source.moved(copier)
        await copier.go_on(offset)
        return
    if code == CUT:
        await check_history(copier, offset)
        return
    judgement = judge(Api.FETCH, code, remote=True)
    copier.status.waits_for = judgement.reason
    copier.status.refused(Api.FETCH, missing(Api.FETCH, judgement, copier.piece.source_topic))
    if judgement.verdict is Verdict.REFRESH:
        await copier.source.moved(copier)
        await asyncio.sleep(PAUSE_S)
    elif judgement.verdict is Verdict.COMPARE_ENDS:
        await _compare_ends(copier, offset)
        return
    elif judgement.verdict is Verdict.CHECK_TOPIC:
        await _check_topic(copier)
    elif judgement.verdict is Verdict.DENIED:
        await asyncio.sleep(DENIED_PAUSE_S)
    elif judgement.verdict is Verdict.FAIL_MIRROR:
        error = judgement.error if isinstance(judgement.error, MirrorError) else MirrorError.UNKNOWN
        raise MirrorFailure(error, f"{copier.piece}, source offset {offset}: {judgement.reason}")
    else:
        await asyncio.sleep(PAUSE_S)
    await copier.go_on(offset)


async def _compare_ends(copier: Copier, offset: int) -> None:
    """Out of range: the source has deleted what comes next (MIRROR-14), or lost what was read already (MIRROR-18)."""
    topic, partition = copier.key
    start, end = await copier.source.offsets(topic, partition)
    if offset < start:
        await copier.lose(start)
    elif offset > end:
        raise MirrorFailure(
            MirrorError.UNEXPECTED_TRUNCATION,
            f"{copier.piece}: the source's log ends at {end}, the mirror's at {offset}: the source has lost "
            f"records that the "
            "mirror has. Fail over to keep the mirror, or delete it and create it again.",
        )
    else:  # in range again; or the source knows nothing of the epoch that was named, whose records it has deleted
        copier.epochs.forget()
        await copier.go_on(offset)


async def _check_topic(copier: Copier) -> None:
    """The source does not know the topic: gone for longer than the retry timeout (LINK-36), or another of its name."""
    piece = copier.piece
    since = time.monotonic()
    while True:
        found = await copier.source.find_topic(piece.source_topic)
        if not found.error and piece.source_topic_id and found.topic_id != piece.source_topic_id:
            raise MirrorFailure(
                MirrorError.SOURCE_TOPIC_ID_CHANGED,
                f"{piece.source_topic} was deleted at the source and created again (topic id {found.topic_id}, "
                f"mirrored was "
                f"{piece.source_topic_id}); nothing of the new topic is mirrored. Delete the mirror and create "
                f"it again.",
            )
        if not found.error:
            await copier.source.moved(copier)
            await asyncio.sleep(PAUSE_S)
            return
        waiting = failure(found.error, operation="DESCRIBE", resource=f"topic {piece.source_topic}")
        copier.status.waits_for = str(waiting)
        if time.monotonic() - since > copier.retry_timeout_s():  # as it is now: LINK-10
            raise MirrorFailure(
                MirrorError.SOURCE_TOPIC_MAY_BE_DELETED,
                f"{piece.source_topic} is not there at the source: {waiting}. Fail over to keep the mirror, or "
                f"delete it.",
            )
        await asyncio.sleep(1)
