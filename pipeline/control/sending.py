"""Write JSON records to the control topics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer

LARGEST_RECORD = 32 << 20
"""Bytes before compression. A decision on thousands of mirrors is one record; it shrinks to a tenth and less, so that
it fits what brokers take by default."""

BATCH_BYTES = 1 << 20
"""aiokafka begins a partition's next batch only when the one before is on its way: with its own 16 KiB a decision on a
thousand mirrors would be written row by row, some twenty to a round trip."""


class Sender:
    """An idempotent producer; `send` returns the record's offset once all in-sync replicas have it."""

    def __init__(self, client: dict[str, Any]) -> None:
        self._client = client
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(
            **self._client,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            compression_type="lz4",
            max_request_size=LARGEST_RECORD,
            max_batch_size=BATCH_BYTES,
        )
        await self._producer.start()

    async def stop(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def send(self, topic: str, key: str, value: Mapping[str, Any] | None, partition: int | None = None) -> int:
        """Write one record (`None`: a tombstone) and wait for it. Raises aiokafka's KafkaError where it cannot be
        written.
        """
        if self._producer is None:
            raise RuntimeError("the sender is not started")
        raw = None if value is None else json.dumps(value, separators=(",", ":")).encode()
        done = await self._producer.send_and_wait(topic, raw, key=key.encode(), partition=partition)
        return int(done.offset)
