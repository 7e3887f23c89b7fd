"""Appenders on a real destination without a worker: what is agreed on through topics is agreed on in memory here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from pipeline.cluster.admin import Admin
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import client_arguments
from pipeline.mirror.append import Token
from pipeline.mirror.appending import Appender
from pipeline.mirror.claims import ProducerId
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece, PieceStatus, now_ms
from pipeline.mirror.readings import TOKENS, Basis
from pipeline.wire.batch import Stamp
from pipeline.wire.records import Record, close_batch


class SharedRegistrar:
    """Tokens and producer ids for any number of appenders of one process."""

    def __init__(self) -> None:
        self._producers: dict[tuple[str, int], ProducerId] = {}
        self._tokens = 0

    async def producer(
        self,
        mirror_topic_id: str,
        partition: int,
        allocate: Callable[[], Awaitable[tuple[int, bool]]],
        retired: int | None = None,
    ) -> ProducerId:
        known = self._producers.get((mirror_topic_id, partition))
        if known is None or known.producer_id == retired:
            producer_id, is_transactional = await allocate()
            generation = 0 if known is None else known.generation + 1
            known = ProducerId(mirror_topic_id, partition, generation, producer_id, "", is_transactional)
            self._producers[mirror_topic_id, partition] = known
        return known

    async def check_open(self, mirror_topic_id: str, partition: int) -> None:
        """No mirror stops here."""

    async def token(self, mirror_topic_id: str, partition: int, basis: Basis) -> Token:
        self._tokens += 1
        return Token(basis, self._tokens % TOKENS + 1)


@asynccontextmanager
async def destination_of(
    properties: Mapping[str, str], may_mark: Callable[[Admin], Awaitable[bool]]
) -> AsyncIterator[Destination]:
    """A destination with clients of its own, closed at the end."""
    security = client_arguments(properties)
    admin, client = Admin(security), DataClient(security)
    await client.start()
    destination = Destination(client, 1 << 20, lambda: may_mark(admin), "tests")
    try:
        yield destination
    finally:
        await destination.close()
        await client.close()
        await admin.close()


async def appender(destination: Destination, registrar: SharedRegistrar, topic: str, partition: int = 0) -> Appender:
    """A writer of one partition of an existing topic; not resumed yet."""
    async with asyncio.timeout(90):
        while True:
            try:
                topic_id = await destination.topic_id(topic)
                break
            except ClusterError:
                await asyncio.sleep(0.1)
    piece = Piece("link", topic, topic, partition, "", topic_id, 0)
    return Appender(piece, destination, registrar, PieceStatus(piece, "worker"))


async def put(writer: Appender, offset: int, count: int = 1) -> None:
    """Append records whose value is their offset."""
    now = now_ms()  # young enough for retention to leave them alone
    records = [Record(o, now, b"key", str(o).encode(), ()) for o in range(offset, offset + count)]

    def batch(stamp: Stamp) -> bytes:
        return close_batch(records, 0, stamp)

    await writer.data(offset, count, batch, lambda: None)


async def resumed(writer: Appender) -> int:
    """Resume as a copier does: a broker that has not heard of a new topic, ACL or leader yet is asked again."""
    async with asyncio.timeout(90):
        while True:
            try:
                return await writer.resume()
            except ClusterError:
                await asyncio.sleep(0.1)
