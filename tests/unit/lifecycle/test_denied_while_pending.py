"""What copying lacks a permission for is listed in whatever state the mirror is (STATE-35, STATE-36, MIRROR-55)."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from pipeline.lifecycle.config_task import ConfigSync
from pipeline.lifecycle.remaking import is_filled
from pipeline.link.models import Position, TaskError
from pipeline.link.restore import Restore, RestoreStage
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import MirrorStatus, PendingOperation, TaskErrorCode
from tests.unit.lifecycle.rows import LINK, Rows, mirror

LACKS = TaskError(TaskErrorCode.BROKER_AUTHORIZATION_ERROR, "destination: WRITE on topic m is not allowed")
POSITION = Position("l", "m", 0, denied=(LACKS,), time_ms=1)


@pytest.mark.parametrize("status", [MirrorStatus.PENDING_MIRROR, MirrorStatus.PENDING_STOPPED])
async def test_the_config_task_lists_it(status: MirrorStatus) -> None:
    rows = Rows(LINK, mirror(status=status, pending=PendingOperation.PROMOTE))
    rows.report(POSITION)
    report = await ConfigSync(rows.context(), "l").cycle(LINK, LinkSettings.of(LINK.configs))
    assert list(report.errors) == [LACKS]


class Own:
    """A topic of which nothing has come yet."""

    async def end_offsets(self, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(places, 0)


async def test_a_restore_that_is_filled_no_further_says_so() -> None:
    restore = Restore(cuts=(5, 5), ends=(7, 7), starts=(0, 0), old_topic_id="old", stage=RestoreStage.COPYING)
    given = {"status": MirrorStatus.PENDING_RESTORE, "pending": PendingOperation.TRUNCATE_AND_RESTORE}
    row = mirror(restore=restore, **given)
    rows = Rows(LINK, row)
    assert await is_filled(rows.context(own=Own()), row, restore) is False
    rows.report(POSITION)
    assert await is_filled(rows.context(own=Own()), row, restore) == LACKS
