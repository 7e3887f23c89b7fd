"""Begin, end, times and deletion of records."""

from __future__ import annotations

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.offsets import FoundOffset
from pipeline.cluster.errors import ClusterError, KafkaFailure
from pipeline.local.cluster import LocalCluster
from tests.broker.cluster.eventually import create
from tests.support.producing import Sent, produce

FOREVER = {"retention.ms": "-1"}


def fill(cluster: LocalCluster, topic: str) -> None:
    """Five records in partition 0, a millisecond apart, in the first second of 1970."""
    produce(cluster, topic, [Sent(b"x", timestamp_ms=1_000 + n) for n in range(5)])


def code(answer: FoundOffset | ClusterError) -> int | None:
    assert isinstance(answer, ClusterError)
    return answer.code


async def test_offsets(admin: Admin, source: LocalCluster, topic: str) -> None:
    await create(admin, topic, 2, FOREVER)
    fill(source, topic)
    both = [(topic, 0), (topic, 1)]
    assert await admin.begin_offsets(both) == {(topic, 0): 0, (topic, 1): 0}
    assert await admin.end_offsets(both) == await admin.end_offsets(both, read_committed=True)
    assert await admin.end_offsets(both) == {(topic, 0): 5, (topic, 1): 0}
    found = await admin.offsets_for_times({(topic, 0): 1_003, (topic, 1): 1_000, (topic, 7): 0})
    assert found[topic, 0] == FoundOffset(3, 1_003)
    assert found[topic, 1] == FoundOffset(-1, -1)
    assert code(found[topic, 7]) == 3
    with pytest.raises(KafkaFailure, match=f"{topic}-missing-0"):
        await admin.begin_offsets([(f"{topic}-missing", 0)])


async def test_records_are_deleted_up_to_an_offset(admin: Admin, source: LocalCluster, topic: str) -> None:
    await create(admin, topic, 2, FOREVER)
    fill(source, topic)
    done = await admin.delete_records({(topic, 0): 2, (topic, 1): 99, (topic, 7): 1})
    assert done[topic, 0] == FoundOffset(2)
    assert code(done[topic, 1]) == 1
    assert code(done[topic, 7]) == 3
    assert await admin.begin_offsets([(topic, 0)]) == {(topic, 0): 2}
    assert await admin.delete_records({(topic, 0): -1}) == {(topic, 0): FoundOffset(5)}


async def test_a_compacted_topic_keeps_its_records(admin: Admin, topic: str) -> None:
    """design.md: refused with 44, which is why a mirror is seeded under compact,delete."""
    await create(admin, topic, 1, {"cleanup.policy": "compact"})
    assert code((await admin.delete_records({(topic, 0): 0}))[topic, 0]) == 44
