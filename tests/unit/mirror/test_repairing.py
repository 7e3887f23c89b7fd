"""What is set on a mirror topic whose broker refused an append, and when that is given up (MIRROR-88, MIRROR-90)."""

from __future__ import annotations

import pytest

from pipeline.cluster.administration.configs import ConfigSource, ConfigValue
from pipeline.cluster.errors import ClusterError, NotAuthorized, Unreachable
from pipeline.link.errors import MirrorFailure
from pipeline.mirror.repairing import MOST_IN_A_ROW, Repair, repair

GOOD = {
    "compression.type": "producer",
    "message.timestamp.type": "CreateTime",
    "message.timestamp.before.max.ms": str(2**63 - 1),
    "message.timestamp.after.max.ms": str(2**63 - 1),
    "max.message.bytes": "1000",
    "segment.bytes": "5000",
}


class Topic:
    """A topic's configs, as `Admin` would show and change them."""

    def __init__(self, refuses: ClusterError | None = None, **configs: str) -> None:
        self.configs = GOOD | {name.replace("_", "."): value for name, value in configs.items()}
        self.changes: list[dict[str, str]] = []
        self._refuses = refuses

    async def topic_configs(self, topic: str) -> dict[str, ConfigValue]:
        return {n: ConfigValue(n, v, ConfigSource.DYNAMIC_TOPIC_CONFIG, False, False) for n, v in self.configs.items()}

    async def alter_topic_configs(self, topic: str, changes: dict[str, str]) -> None:
        if self._refuses:
            raise self._refuses
        self.changes.append(changes)
        self.configs |= changes


async def changes_of(topic: Topic, size: int, times: int = 1) -> list[dict[str, str]]:
    await repair(topic, "t", Repair(size, "refused", times))  # type: ignore[arg-type]
    return topic.changes


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (900, []),
        (3000, [{"max.message.bytes": "3000"}]),
        (9000, [{"max.message.bytes": "9000", "segment.bytes": "9000"}]),
    ],
)
async def test_room_is_made_for_what_was_refused(size: int, wanted: list[dict[str, str]]) -> None:
    assert await changes_of(Topic(), size) == wanted


async def test_what_exactness_needs_is_set_again_and_nothing_else() -> None:
    topic = Topic(
        message_timestamp_before_max_ms="5", compression_type="gzip", max_message_bytes="20", retention_ms="7"
    )
    assert await changes_of(topic, 0) == [
        {
            "compression.type": "producer",
            "message.timestamp.before.max.ms": str(2**63 - 1),
            "max.message.bytes": "128",
        }
    ]


async def test_a_worker_that_may_not_says_what_to_do() -> None:
    with pytest.raises(MirrorFailure, match=r"t does not take an append of 3000 bytes .* ALTER_CONFIGS"):
        await changes_of(Topic(NotAuthorized(29)), 3000)


async def test_an_error_that_passes_is_tried_again() -> None:
    with pytest.raises(Unreachable):
        await changes_of(Topic(Unreachable("gone")), 3000)


async def test_what_does_not_help_is_given_up() -> None:
    assert await changes_of(Topic(), 900, MOST_IN_A_ROW) == []
    with pytest.raises(MirrorFailure, match="21 tries"):
        await changes_of(Topic(), 900, MOST_IN_A_ROW + 1)
