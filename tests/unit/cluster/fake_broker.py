"""A broker made of scripted answers: real sockets and real frames, no Kafka.

kafka-python's protocol classes read the requests and write the answers, so that what our own request classes send is
read by somebody else.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping
from typing import Any, Self

from kafka.protocol.metadata import ApiVersionsResponse, MetadataRequest, MetadataResponse

API_VERSIONS, METADATA, SASL_HANDSHAKE = 18, 3, 17
EVERY_VERSION = {key: (0, 30) for key in range(0, 70)} | {API_VERSIONS: (0, 0), METADATA: (0, 12)}

Answer = Callable[[int, bytes], Any]
"""From the version and the whole frame of a request to a response message, HANG_UP or SILENCE."""
HANG_UP, SILENCE = object(), object()


class FakeBroker:
    """Listens on a port of its own as node 1, and says it leads every partition of every topic it is asked about."""

    def __init__(self, versions: Mapping[int, tuple[int, int]] | None = None, node_id: int = 1) -> None:
        self.node_id = node_id
        self.versions = dict(EVERY_VERSION if versions is None else versions)
        self.answers: dict[int, Answer] = {METADATA: self.metadata}
        self.advertised: list[tuple[int, str, int]] | None = None
        self.partitions = 1
        self.requests: list[int] = []
        self.connections = 0
        self.open = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()
        async with asyncio.timeout(60):
            while self._writers:
                await asyncio.sleep(0.001)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.close()

    def metadata(self, version: int, frame: bytes) -> Any:
        """Answer a Metadata request."""
        asked = MetadataRequest.decode(memoryview(frame), version=version, header=True)
        kind = MetadataResponse.MetadataResponseTopic
        broker = MetadataResponse.MetadataResponseBroker
        nodes = self.advertised or [(self.node_id, "127.0.0.1", self.port)]
        return MetadataResponse(
            throttle_time_ms=0,
            brokers=[broker(node_id=n, host=host, port=port, rack=None) for n, host, port in nodes],
            cluster_id="a-cluster-of-lies-12345",
            controller_id=nodes[0][0],
            topics=[
                kind(
                    error_code=0,
                    name=topic.name,
                    topic_id=None,
                    is_internal=False,
                    partitions=[self._partition(kind, number) for number in range(self.partitions)],
                    authorized_operations=set(),
                )
                for topic in asked.topics or []
            ],
        )

    def _partition(self, kind: Any, number: int) -> Any:
        return kind.MetadataResponsePartition(
            error_code=0,
            partition_index=number,
            leader_id=self.node_id,
            leader_epoch=3,
            replica_nodes=[self.node_id],
            isr_nodes=[self.node_id],
            offline_replicas=[],
        )

    def _api_versions(self) -> Any:
        kind = ApiVersionsResponse.ApiVersion
        keys = [kind(api_key=key, min_version=low, max_version=high) for key, (low, high) in self.versions.items()]
        return ApiVersionsResponse(error_code=0, api_keys=keys)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            frame = await reader.readexactly(size)
            key, version, correlation = struct.unpack(">hhi", frame[:8])
            self.requests.append(key)
            answer = self._api_versions() if key == API_VERSIONS else self._answer(key, version, frame)
            if answer is HANG_UP:
                return
            if answer is not SILENCE:
                answer.API_VERSION = version
                answer.with_header(correlation_id=correlation)
                message = answer.encode(header=True)
                writer.write(struct.pack(">i", len(message)) + message)

    def _answer(self, key: int, version: int, frame: bytes) -> Any:
        script = self.answers.get(key)
        return SILENCE if script is None else script(version, frame)
