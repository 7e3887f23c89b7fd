"""Save what a truncation will cut off: from the cut to the end of each partition, to a side topic (MIRROR-85).

Records are saved as a consumer with `read_committed` sees them: key, value, headers and timestamp, in the partition of
the same number. Aborted records and markers are seen by nobody and not saved. Two headers say where a record was.

The side topic has nobody else who writes to it and every record is one offset, so that its last record tells how far
the saving had come: whoever takes over goes on behind it.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from pipeline.cluster.errors import KafkaFailure, TimedOut, translate
from pipeline.lifecycle.broker_limits import request_limit
from pipeline.lifecycle.context import Context
from pipeline.link.restore import Restore

PARTITION_HEADER, OFFSET_HEADER = "clusterlink.diverged.partition", "clusterlink.diverged.offset"
TOPIC_ALREADY_EXISTS = 36
IDLE_S = 30.0
LONGEST_MS = str((1 << 63) - 1)
LARGEST_BYTES = (1 << 31) - 1
READ_AT_ONCE = 500


async def save_diverged(context: Context, topic: str, restore: Restore) -> int:
    """Save every partition's tail; returns how many records were written this time. Raises ClusterError."""
    await _make(context, restore)
    client = context.own.client.security.aiokafka()
    consumer = AIOKafkaConsumer(
        **client,
        client_id="clusterlink-diverged",
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    producer = AIOKafkaProducer(
        **client,
        client_id="clusterlink-diverged",
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_request_size=LARGEST_BYTES,
    )
    written = 0
    try:
        await consumer.start()
        await producer.start()
        for partition, count in enumerate(restore.removed):
            if count:
                written += await _save(consumer, producer, topic, restore, partition)
    except (KafkaError, OSError) as error:
        raise translate(error, f"saving what is cut off {topic} to {restore.side_topic}") from error
    finally:
        await consumer.stop()
        await producer.stop()
    return written


async def _make(context: Context, restore: Restore) -> None:
    """The side topic: the partitions and replicas of the topic, and nothing ever deleted from it."""
    wanted: dict[str, str] = {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "compression.type": "producer",
        "message.timestamp.type": "CreateTime",
        "message.timestamp.before.max.ms": LONGEST_MS,
        "message.timestamp.after.max.ms": LONGEST_MS,
        # What nobody could write anyway would only make a mirror of this topic impossible to follow (MIRROR-91).
        "max.message.bytes": str(await request_limit(context.own) or LARGEST_BYTES),
    }
    known = await context.known_configs()
    configs = {name: value for name, value in wanted.items() if name in known}
    try:
        await context.own.create_topic(restore.side_topic, len(restore.cuts), restore.replicas, configs)
    except KafkaFailure as error:
        if error.code != TOPIC_ALREADY_EXISTS:  # a worker before us has made it
            raise
        await _grow(context, restore)
    async with asyncio.timeout(IDLE_S):
        while True:
            found = (await context.own.describe_topics([restore.side_topic]))[restore.side_topic]
            if len(found.partitions) == len(restore.cuts) and all(p.leader >= 0 for p in found.partitions.values()):
                return
            await asyncio.sleep(0.1)


async def _grow(context: Context, restore: Restore) -> None:
    """Give the side topic the partitions that the topic has got since it was made."""
    found = (await context.own.describe_topics([restore.side_topic]))[restore.side_topic]
    if 0 < len(found.partitions) < len(restore.cuts):
        await context.own.create_partitions(restore.side_topic, len(restore.cuts))


async def _save(
    consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, topic: str, restore: Restore, partition: int
) -> int:
    place, side = TopicPartition(topic, partition), TopicPartition(restore.side_topic, partition)
    first = max(restore.cuts[partition], restore.starts[partition], await _saved_up_to(consumer, side))
    end, written = restore.ends[partition], 0
    if first >= end:
        return 0
    consumer.assign([place])
    consumer.seek(place, first)
    loop = asyncio.get_running_loop()
    moved_at, at = loop.time(), first
    while at < end:
        records = (await consumer.getmany(place, timeout_ms=200, max_records=READ_AT_ONCE)).get(place, ())
        sent = [
            await producer.send(
                restore.side_topic,
                value=record.value,
                key=record.key,
                partition=partition,
                timestamp_ms=record.timestamp,
                headers=[*record.headers, *origin(partition, record.offset)],
            )
            for record in records
            if record.offset < end
        ]
        await asyncio.gather(*sent)
        written += len(sent)
        position = await consumer.position(place)
        if position > at:
            at, moved_at = position, loop.time()
        elif loop.time() - moved_at > IDLE_S:
            raise TimedOut(f"{topic}-{partition}: nothing can be read at offset {at}, before its end at {end}")
    return written


async def _saved_up_to(consumer: AIOKafkaConsumer, side: TopicPartition) -> int:
    """The first offset of the topic that is not in the side topic yet; 0 where it is empty."""
    end: int = (await consumer.end_offsets([side]))[side]
    if end == 0:
        return 0
    consumer.assign([side])
    consumer.seek(side, end - 1)
    async with asyncio.timeout(IDLE_S):
        while True:
            for record in (await consumer.getmany(side, timeout_ms=1000)).get(side, ()):
                return int(dict(record.headers)[OFFSET_HEADER]) + 1


def origin(partition: int, offset: int) -> list[tuple[str, bytes]]:
    """Headers that say where a saved record was."""
    return [(PARTITION_HEADER, str(partition).encode()), (OFFSET_HEADER, str(offset).encode())]
