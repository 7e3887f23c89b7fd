"""Topics: describe, create, delete, add partitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from kafka.protocol.admin import CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest

from pipeline.cluster.administration.asker import Asker
from pipeline.cluster.errors import check
from pipeline.cluster.metadata import TopicInfo, cluster_info, metadata_request, topic_id_text

UNKNOWN_TOPIC_OR_PARTITION = 3
_ANSWER_EARLY_MS = 5_000
"""How long before our own limit the broker is told to give up, so that it is the one to say so."""


@dataclass(frozen=True, slots=True)
class CreatedTopic:
    """What the broker made of a CreateTopics; -1 and an empty id from brokers that do not say (before 2.4, 2.8)."""

    name: str
    topic_id: str
    partitions: int
    replication_factor: int


class TopicsAdmin(Asker):
    """Topics of one cluster."""

    async def describe_topics(self, names: Iterable[str], operations: bool = False) -> dict[str, TopicInfo]:
        """Ask about topics by name: each comes back, a missing one with error 3, a forbidden one with error 29.

        ``operations`` fills in what we may do with each (KIP-430).
        """
        wanted = sorted(set(names))
        request = metadata_request(wanted, operations)
        info = cluster_info(await self._repeat(lambda: self.client.send_any(request)))
        absent = {name: TopicInfo(name, "", {}, error=UNKNOWN_TOPIC_OR_PARTITION) for name in wanted}
        return absent | dict(info.topics)

    async def list_topics(self, operations: bool = False) -> dict[str, TopicInfo]:
        """Describe every topic that we may see."""
        request = metadata_request(None, operations)
        return dict(cluster_info(await self._repeat(lambda: self.client.send_any(request))).topics)

    async def create_topic(
        self,
        name: str,
        partitions: int,
        replication_factor: int = -1,
        configs: Mapping[str, str] | None = None,
        validate_only: bool = False,
    ) -> CreatedTopic:
        """Create a topic; -1 leaves partitions or replication factor to the broker. Raises KafkaFailure.

        The topic may take a moment to show in the metadata of other brokers.
        """
        kind = CreateTopicsRequest.CreatableTopic
        settings = [kind.CreatableTopicConfig(name=key, value=value) for key, value in sorted((configs or {}).items())]
        message = CreateTopicsRequest(
            topics=[
                kind(
                    name=name,
                    num_partitions=partitions,
                    replication_factor=replication_factor,
                    assignments=[],
                    configs=settings,
                )
            ],
            timeout_ms=self._broker_limit_ms(),
            validate_only=validate_only,
        )

        async def attempt() -> CreatedTopic:
            response = await self._controller(message, min_version=4 if -1 in (partitions, replication_factor) else 1)
            made = response.topics[0]
            check(made.error_code, made.error_message, "CREATE", f"topic {name}")
            return CreatedTopic(
                name=name,
                topic_id=topic_id_text(made.topic_id) if made.topic_id else "",
                partitions=made.num_partitions,
                replication_factor=made.replication_factor,
            )

        return await self._repeat(attempt, changes=not validate_only)

    async def delete_topic(self, name: str, only: UUID | None = None) -> None:
        """Delete a topic, `only` the one with this id. Raises KafkaFailure: 3 (by id 100) when it is not there, 73
        where deletion is disabled.
        """
        kind = DeleteTopicsRequest.DeleteTopicState
        state = kind(name=name) if only is None else kind(name=None, topic_id=only)
        message = DeleteTopicsRequest(topics=[state], timeout_ms=self._broker_limit_ms())

        async def attempt() -> None:
            for each in (await self._controller(message, min_version=0 if only is None else 6)).responses:
                check(each.error_code, each.error_message, "DELETE", f"topic {name}")

        await self._repeat(attempt, changes=True)

    async def create_partitions(self, name: str, total: int, validate_only: bool = False) -> None:
        """Raise the partition count of a topic to ``total``. Raises KafkaFailure: 37 when it has as many or more."""
        topic = CreatePartitionsRequest.CreatePartitionsTopic(name=name, count=total, assignments=None)
        message = CreatePartitionsRequest(
            topics=[topic], timeout_ms=self._broker_limit_ms(), validate_only=validate_only
        )

        async def attempt() -> None:
            for each in (await self._controller(message)).results:
                check(each.error_code, each.error_message, "ALTER", f"topic {name}")

        await self._repeat(attempt, changes=not validate_only)

    def _broker_limit_ms(self) -> int:
        limit = self.client.security.request_timeout_ms
        return max(limit - _ANSWER_EARLY_MS, limit // 2)
