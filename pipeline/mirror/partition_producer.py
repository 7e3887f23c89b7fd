"""The producer id under which a mirror partition is written: agreed on in the registry, read from the leader.

A retired id has a successor (`claims`). Where markers go through the transaction coordinator, the id is that of the
partition's transactional id, which whoever writes takes over first.
"""

from __future__ import annotations

from pipeline.cluster.errors import ClusterError
from pipeline.mirror.append import Doubt
from pipeline.mirror.claims import ProducerId, Registrar
from pipeline.mirror.coordinator import TransactionalMarker
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece
from pipeline.mirror.readings import Reading


class PartitionProducer:
    """One worker's knowledge of a mirror partition's producer id."""

    def __init__(self, piece: Piece, destination: Destination, registrar: Registrar) -> None:
        self._piece = piece
        self._destination = destination
        self._registrar = registrar
        self._producer: ProducerId | None = None
        self.marker: TransactionalMarker | None = None
        """Where markers go through the coordinator: who writes them."""

    @property
    def is_counted(self) -> bool:
        """Markers are written directly, so that the leader's state counts them."""
        return self._producer is None or not self._producer.is_transactional

    async def reading(self) -> Reading:
        """Read what the leader knows of the producer id that is current: a chain of another one has ended.

        Raises Doubt where it has had a successor in the meantime, `claims.Closed` where the mirror has stopped, and
        ClusterError.
        """
        topic_id, partition = self._piece.mirror_topic_id, self._piece.partition
        producer = self._producer or await self._agree(None)
        reading = await self._read(producer)
        while reading.is_retired:
            producer = await self._agree(producer.producer_id)
            reading = await self._read(producer)
        if reading.state is None:  # new, or retired and then forgotten by the leader: what counts is the registry's end
            await self._registrar.check_open(topic_id, partition)
            latest = await self._agree(None)
            if latest.producer_id != producer.producer_id:
                self._producer = latest
                raise Doubt("the producer id has a successor")
        self._producer = producer
        return reading

    async def _agree(self, retired: int | None) -> ProducerId:
        async def allocate() -> tuple[int, bool]:
            return await self._allocate(retired)

        return await self._registrar.producer(self._piece.mirror_topic_id, self._piece.partition, allocate, retired)

    async def _allocate(self, retired: int | None) -> tuple[int, bool]:
        """A producer id for this partition: its transactional id's where markers have to go through the coordinator.

        The coordinator gives a transactional id another producer id once its epochs are used up, a few calls later.
        """
        if await self._destination.may_mark():
            return await self._destination.new_producer_id(), False
        marker = self._destination.marker(self._piece.mirror_topic_id, self._piece.partition)
        while (producer_id := await marker.take_over()) == retired:
            pass
        return producer_id, True

    async def _read(self, producer: ProducerId) -> Reading:
        """Read the leader's state; a transactional id is taken over first, so that no former owner's marker can
        follow.
        """
        piece = self._piece
        self.marker = None
        if producer.is_transactional:
            self.marker = self._destination.marker(piece.mirror_topic_id, piece.partition)
            if await self.marker.take_over() != producer.producer_id:
                raise ClusterError(f"{piece}: its transactional id has another producer id now")
        reading = await self._destination.reading(piece.mirror_topic, piece.partition, producer.producer_id)
        if producer.is_transactional:  # its epoch does not tell that the mirror has stopped, see lifecycle/fencing.py
            await self._registrar.check_open(piece.mirror_topic_id, piece.partition)
        return reading
