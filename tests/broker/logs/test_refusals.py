"""What cannot be mirrored exactly stops that mirror with a code and a message, and no other (I4)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import NotAuthorized
from pipeline.link.states import MirrorError
from pipeline.local.cluster import LocalCluster
from pipeline.mirror.pieces import PieceStatus
from pipeline.wire.batch import CONTROL, TRANSACTIONAL
from tests.broker.cluster.eventually import eventually
from tests.support.batches import batches_of
from tests.support.clients import create_topic, delete_topic, log_ends
from tests.support.consuming import consume
from tests.support.mirroring import QUICK, Mirroring, mirroring
from tests.support.producing import Sent, TransactionalProducer, numbered, produce


async def with_a_neighbour(link: Mirroring, topic: str) -> str:
    """Another mirror of the same link, which must not be harmed; returns its topic."""
    neighbour = f"{topic}-neighbour"
    create_topic(link.source, neighbour)
    produce(link.source, neighbour, numbered(10))
    await link.create(neighbour)
    await link.wait_for_ends(neighbour)
    return neighbour


async def assert_goes_on(link: Mirroring, neighbour: str) -> None:
    await asyncio.to_thread(produce, link.source, neighbour, numbered(10))
    await link.wait_for_ends(neighbour)
    await link.compare(neighbour)


async def assert_stands(link: Mirroring, topic: str, end: int) -> None:
    """Nothing more is appended, whatever the source does."""
    await asyncio.sleep(0.5)
    assert await asyncio.to_thread(log_ends, link.destination, topic) == [end]


def says(status: PieceStatus, error: MirrorError, *words: str) -> None:
    assert status.error is error, status.error_message
    assert all(word in status.error_message for word in words), status.error_message


@pytest.mark.timeout(300)
@pytest.mark.parametrize("while_idle", [True, False])
async def test_a_foreign_write(link: Mirroring, topic: str, while_idle: bool) -> None:
    """Someone produces to the mirror: found at the next append or the next start, named by offset (MIRROR-4 b)."""
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(20))
    mirrored = await link.create(topic)
    neighbour = await with_a_neighbour(link, topic)
    await link.wait_for_ends(topic)
    if while_idle:
        await link.leave(topic)
    await asyncio.to_thread(produce, link.destination, topic, numbered(3))
    await asyncio.to_thread(produce, link.source, topic, numbered(20))
    if while_idle:
        await link.start(mirrored)
    status = await link.failure(topic)
    says(status, MirrorError.ILLEGAL_STATE, "offset 20", "Something other than this link", "create it")
    await assert_goes_on(link, neighbour)


@pytest.mark.timeout(300)
async def test_a_source_topic_made_again(source: LocalCluster, destination: LocalCluster, topic: str) -> None:
    """Another topic of the same name: nothing of it is ever appended (MIRROR-19)."""
    patient = replace(QUICK, retry_timeout_s=300.0)  # until it is there again, however long that takes
    async with mirroring(source, destination, tuning=patient) as link:
        await another_of_the_name(link, topic)


async def another_of_the_name(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(20))
    await link.create(topic)
    neighbour = await with_a_neighbour(link, topic)
    await link.wait_for_ends(topic)
    delete_topic(link.source, topic)
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(50, 1000))
    status = await link.failure(topic)
    says(status, MirrorError.SOURCE_TOPIC_ID_CHANGED, topic, "created again", "create it again")
    await assert_stands(link, topic, 20)
    assert len(await asyncio.to_thread(consume, link.destination, topic)) == 20
    await assert_goes_on(link, neighbour)


@pytest.mark.timeout(300)
async def test_a_source_topic_that_is_gone(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(20))
    await link.create(topic)
    neighbour = await with_a_neighbour(link, topic)
    await link.wait_for_ends(topic)
    delete_topic(link.source, topic)
    says(await link.failure(topic), MirrorError.SOURCE_TOPIC_MAY_BE_DELETED, "not there at the source", "Fail over")
    await assert_goes_on(link, neighbour)


@pytest.mark.timeout(300)
async def test_a_source_that_has_lost_its_end(link: Mirroring, topic: str) -> None:
    """The source's log ends below the mirror's, as after an unclean election: never silently (MIRROR-18).

    The mirror is ahead here because it was copied from a longer log of the same content, under the same topic id.
    """
    create_topic(link.source, topic)
    longer = f"{topic}-longer"
    create_topic(link.source, longer)
    records = numbered(50)
    produce(link.source, longer, records)
    produce(link.source, topic, records[:30])
    await link.create(longer, topic)
    neighbour = await with_a_neighbour(link, topic)
    await link.wait_for_ends(longer)
    mirrored = await link.leave(longer)
    found = (await link.remote.describe_topics([topic]))[topic]
    await link.start(mirrored.of_another_source(topic, found.topic_id))
    says(await link.failure(topic), MirrorError.UNEXPECTED_TRUNCATION, "ends at 30", "at 50", "Fail over")
    await assert_stands(link, topic, 50)
    await assert_goes_on(link, neighbour)


@pytest.mark.timeout(300)
async def test_a_mirror_topic_made_again_by_someone_else(link: Mirroring, topic: str) -> None:
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(20))
    await link.create(topic)
    await link.wait_for_ends(topic)
    delete_topic(link.destination, topic)
    create_topic(link.destination, topic)
    await asyncio.to_thread(produce, link.source, topic, numbered(20))
    says(await link.failure(topic), MirrorError.ILLEGAL_STATE, "create it again")


@pytest.mark.timeout(300)
async def test_a_mirror_that_stamps_records_itself(link: Mirroring, topic: str) -> None:
    """Someone sets LogAppendTime on the mirror: its broker would replace every timestamp (MIRROR-90)."""
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(20))
    await link.create(topic)
    neighbour = await with_a_neighbour(link, topic)
    await link.wait_for_ends(topic)
    await link.own.alter_topic_configs(topic, {"message.timestamp.type": "LogAppendTime"})
    await wait_for_config(link.own, topic, "message.timestamp.type", "LogAppendTime")
    await asyncio.to_thread(produce, link.source, topic, numbered(20))
    says(await link.failure(topic), MirrorError.ILLEGAL_STATE, "offset 20", "message.timestamp.type")
    await assert_goes_on(link, neighbour)


@dataclass(frozen=True)
class Damage:
    """To a batch of 20 records of so many bytes: which byte, and which bits of it."""

    size: int
    at: int
    bits: int = 0x01


LARGE = {"message.max.bytes": 8 << 20, "batch.size": 6 << 20, "linger.ms": 200}


@pytest.mark.timeout(300)
async def test_a_batch_larger_than_the_mirror_takes(link: Mirroring, topic: str) -> None:
    """The source's limit was raised after the mirror was made: the mirror's is raised too (MIRROR-90)."""
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(20))
    await link.create(topic)
    await link.wait_for_ends(topic)
    await link.remote.alter_topic_configs(topic, {"max.message.bytes": str(8 << 20)})
    await wait_for_config(link.remote, topic, "max.message.bytes", str(8 << 20))
    await asyncio.to_thread(produce, link.source, topic, numbered(50, size=100_000), batch=50, **LARGE)
    await asyncio.to_thread(produce, link.source, topic, numbered(20))
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 90
    assert max(header.size for header in await batches_of(link.destination, topic)) > 1 << 20


@pytest.mark.timeout(300)
async def test_a_batch_larger_than_the_mirror_may_take(link: Mirroring, topic: str, monkeypatch) -> None:
    """The same where the worker may not change configs: the mirror fails and says what to do, the others go on."""
    create_topic(link.source, topic, max_message_bytes=str(8 << 20))
    produce(link.source, topic, numbered(20))
    await link.create(topic)
    neighbour = await with_a_neighbour(link, topic)
    await link.wait_for_ends(topic)
    await link.own.alter_topic_configs(topic, {"max.message.bytes": "1000000"})
    await wait_for_config(link.own, topic, "max.message.bytes", "1000000")

    async def denied(name: str, *_: object) -> None:
        raise NotAuthorized(29, operation="ALTER_CONFIGS", resource=f"topic {name}")

    monkeypatch.setattr(link.target._admin, "alter_topic_configs", denied)
    await asyncio.to_thread(produce, link.source, topic, numbered(50, size=100_000), batch=50, **LARGE)
    says(await link.failure(topic), MirrorError.ILLEGAL_STATE, "MESSAGE_TOO_LARGE", "Give the worker ALTER_CONFIGS")
    await assert_stands(link, topic, 20)
    await assert_goes_on(link, neighbour)


@pytest.mark.timeout(300)
async def test_configs_that_someone_has_changed(link: Mirroring, topic: str) -> None:
    """Limits that refuse old times, and markers: set again, and nothing is lost (MIRROR-88)."""
    create_topic(link.source, topic, retention_ms="-1")
    await link.create(topic)
    await link.wait_for_starts(topic)
    tight = {"message.timestamp.before.max.ms": "1000", "max.message.bytes": "20"}
    await link.own.alter_topic_configs(topic, tight)
    produce(link.source, topic, [Sent(b"old", b"k", timestamp_ms=1000 + n) for n in range(20)])
    producer = TransactionalProducer(link.source, topic)
    await asyncio.to_thread(producer.aborted, numbered(5))
    await link.wait_for_ends(topic)
    await link.own.alter_topic_configs(topic, tight)
    await asyncio.to_thread(producer.aborted, numbered(5))
    await asyncio.to_thread(producer.committed, [Sent(b"old", b"k", timestamp_ms=1000)])
    await link.wait_for_ends(topic)
    assert (await link.compare(topic)).records == 21


async def wait_for_config(admin: Admin, topic: str, name: str, value: str) -> None:
    await eventually(lambda: admin.topic_configs(topic), lambda found: found[name].value == value)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (Damage(10, 80), MirrorError.ILLEGAL_STATE, ("checksum", "offset 20", "repair the source")),
        (Damage(10, 16), MirrorError.UNSUPPORTED_MESSAGE_FORMAT, ("offset 20", "upgrade")),
        (Damage(2_000, 9_000), MirrorError.ILLEGAL_STATE, ("checksum", "offset 20", "repair the source")),
        (Damage(2_000, 22, TRANSACTIONAL), MirrorError.ILLEGAL_STATE, ("checksum", "offset 20")),
        (Damage(2_000, 22, CONTROL), MirrorError.ILLEGAL_STATE, ("checksum", "offset 20")),
        (Damage(2_000, 26, 0x04), MirrorError.ILLEGAL_STATE, ("offset 20",)),
    ],
)
async def test_a_damaged_log_at_the_source(
    link: Mirroring, topic: str, damage: Damage, error: MirrorError, words: tuple[str, ...]
) -> None:
    """A disk error, or a format of a later Kafka: nothing from there on is mirrored (MIRROR-12, MIRROR-44).

    Of batches that are passed through it is the mirror's broker that finds out, since they keep their checksum.
    """
    create_topic(link.source, topic)
    produce(link.source, topic, numbered(20, size=damage.size))
    position = sum(header.size for header in await batches_of(link.source, topic))
    produce(link.source, topic, numbered(20, size=damage.size))
    damage_log(link.source, topic, position + damage.at, damage.bits)
    produce(link.source, topic, numbered(20, size=damage.size))
    neighbour = await with_a_neighbour(link, topic)
    await link.create(topic)
    says(await link.failure(topic), error, *words)
    await assert_stands(link, topic, 20)
    await assert_goes_on(link, neighbour)
    delete_topic(link.source, topic)


def damage_log(cluster: LocalCluster, topic: str, position: int, bits: int) -> None:
    """Change bits of a byte of the log of partition 0 on the disk of broker 1, where a Java process runs it."""
    assert cluster._folder is not None
    (segment,) = cluster._folder.glob(f"data-1/{topic}-0/*.log")
    with segment.open("r+b") as file:
        file.seek(position)
        old = file.read(1)[0]
        file.seek(position)
        file.write(bytes([old ^ bits]))
