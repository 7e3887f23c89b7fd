"""Rows of a table as they are written to its changelog from now on: what a worker has decided, the moment it has."""

from __future__ import annotations

import json
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from pipeline.local.cluster import LocalCluster
from tests.support.clients import ASK_S, answered, configuration
from tests.support.consuming import records


class TableRows:
    """The newest row of each key that was looked at. `close` at the end."""

    def __init__(self, cluster: LocalCluster, app_id: str, table: str, partitions: int = 4) -> None:
        topic = f"{app_id}-{table}-changelog"
        self._consumer = Consumer(configuration(cluster, **{"group.id": "tests-never-joined", "fetch.wait.max.ms": 5}))
        places = [TopicPartition(topic, number) for number in range(partitions)]
        ends = [answered(lambda p=place: self._consumer.get_watermark_offsets(p, ASK_S))[1] for place in places]
        self._consumer.assign([TopicPartition(topic, p.partition, end) for p, end in zip(places, ends, strict=True)])
        self._last: dict[str, dict[str, Any]] = {}

    def row(self, key: str) -> dict[str, Any]:
        """The row of a key, one change later than when this was last asked: none is passed over; empty at first."""
        for message in records(self._consumer.consume(1, 0.005)):
            if message.value() is not None:
                self._last[json.loads(message.key() or b"null")] = json.loads(message.value())["row"]
        return self._last.get(key, {})

    def close(self) -> None:
        self._consumer.close()
