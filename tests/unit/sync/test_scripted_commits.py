"""Every error code of an OffsetCommit, answered once by a broker made of scripts: what the task lists is what the table
of verdicts says, and nothing but a coordinator that moved is asked again within a cycle.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from kafka.protocol.consumer import OffsetCommitResponse
from kafka.protocol.metadata import FindCoordinatorResponse

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.asker import COORDINATOR_MOVED
from pipeline.cluster.administration.group_offsets import CommittedOffset
from pipeline.cluster.security import ClientSecurity
from pipeline.link.states import TaskErrorCode
from pipeline.mirror.verdicts import Api, judge
from pipeline.sync.problems import commit_problem
from tests.unit.cluster.fake_broker import FakeBroker

FIND_COORDINATOR, OFFSET_COMMIT, UNKNOWN_CODE = 10, 8, 199
CODES = (*range(-1, 130), UNKNOWN_CODE)
OFFSETS = {("t", 0): CommittedOffset(5)}


class ScriptedCoordinator(FakeBroker):
    """Coordinates every group, and answers commits with the codes it was given; then it takes them."""

    def __init__(self) -> None:
        super().__init__()
        self.versions |= {FIND_COORDINATOR: (4, 4), OFFSET_COMMIT: (2, 8)}
        self.codes: list[int] = []
        self.answers |= {FIND_COORDINATOR: self._coordinator, OFFSET_COMMIT: self._commit}

    def _coordinator(self, version: int, frame: bytes) -> Any:
        kind = FindCoordinatorResponse.Coordinator
        here = kind(key="g", node_id=1, host="127.0.0.1", port=self.port, error_code=0, error_message=None)
        return FindCoordinatorResponse(throttle_time_ms=0, coordinators=[here])

    def _commit(self, version: int, frame: bytes) -> Any:
        kind = OffsetCommitResponse.OffsetCommitResponseTopic
        code = self.codes.pop(0) if self.codes else 0
        answer = kind.OffsetCommitResponsePartition(partition_index=0, error_code=code)
        return OffsetCommitResponse(throttle_time_ms=0, topics=[kind(name="t", partitions=[answer])])


@pytest.fixture
async def coordinator() -> AsyncIterator[ScriptedCoordinator]:
    async with ScriptedCoordinator() as scripted:
        yield scripted


@pytest.fixture
async def admin(coordinator: ScriptedCoordinator) -> AsyncIterator[Admin]:
    made = Admin(ClientSecurity((coordinator.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
    yield made
    await made.close()


async def test_each_code(coordinator: ScriptedCoordinator, admin: Admin) -> None:
    for code in CODES:
        coordinator.codes, coordinator.requests = [code], []
        refused = await admin.alter_group_offsets("g", OFFSETS)
        asked = coordinator.requests.count(OFFSET_COMMIT)
        if code in COORDINATOR_MOVED:
            assert (refused, asked) == ({}, 2), code
        elif code == 0:
            assert (refused, asked) == ({}, 1)
        else:
            assert asked == 1, f"{code} was asked again"
            assert refused["t", 0].code == code
            wanted = judge(Api.OFFSET_COMMIT, code).error
            assert commit_problem(refused["t", 0], "g").error_code is (wanted or TaskErrorCode.UNKNOWN), code


async def test_a_commit_whose_mirror_has_stopped_is_not_tried_again(
    coordinator: ScriptedCoordinator, admin: Admin
) -> None:
    """While its coordinator moves, the last cycle of a promotion or the group itself commits what is later."""
    coordinator.codes, answers = [14, 14, 0], iter([True, True, False])
    assert await admin.alter_group_offsets("g", OFFSETS, lambda topic: next(answers)) == {}
    assert coordinator.requests.count(OFFSET_COMMIT) == 2


async def test_a_code_that_nobody_knows_is_named(coordinator: ScriptedCoordinator, admin: Admin) -> None:
    coordinator.codes = [UNKNOWN_CODE]
    (refusal,) = (await admin.alter_group_offsets("g", OFFSETS)).values()
    found = commit_problem(refusal, "g")
    assert found.error_code is TaskErrorCode.UNKNOWN
    assert f"unknown error code {UNKNOWN_CODE} from OFFSET_COMMIT" in found.error_message
