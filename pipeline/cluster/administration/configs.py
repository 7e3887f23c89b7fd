"""Configuration of topics and brokers: effective values with where they come from, and incremental changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from kafka.protocol.admin import DescribeConfigsRequest, IncrementalAlterConfigsRequest

from pipeline.cluster.administration.asker import Asker
from pipeline.cluster.asking import SAME, Asked, Repeated
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError, check, failure

TOPIC, BROKER = 2, 4
NOT_CONTROLLER = 41
_SET, _DELETE = 0, 1
_MOST_KEPT = 12_800
"""Topics of the questions whose last answers are kept: those of a few large links, or of hundreds of small ones."""


class ConfigSource(IntEnum):
    """Where an effective value comes from, strongest first but for UNKNOWN."""

    UNKNOWN = 0
    DYNAMIC_TOPIC_CONFIG = 1
    DYNAMIC_BROKER_CONFIG = 2
    DYNAMIC_DEFAULT_BROKER_CONFIG = 3
    STATIC_BROKER_CONFIG = 4
    DEFAULT_CONFIG = 5
    DYNAMIC_BROKER_LOGGER_CONFIG = 6
    DYNAMIC_CLIENT_METRICS_CONFIG = 7
    DYNAMIC_GROUP_CONFIG = 8


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """One effective setting; ``value`` is None for a secret one, and for one that is not set."""

    name: str
    value: str | None
    source: ConfigSource
    is_read_only: bool
    is_sensitive: bool

    @property
    def is_default(self) -> bool:
        """Not set on the resource itself: inherited from the broker or built in."""
        return self.source in (
            ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
            ConfigSource.STATIC_BROKER_CONFIG,
            ConfigSource.DEFAULT_CONFIG,
        )


Configs = dict[str, ConfigValue]


class _Kept:
    """The last answer to one question about many topics."""

    def __init__(self) -> None:
        self.repeated = Repeated()
        self.found: dict[str, Configs | ClusterError] = {}


class ConfigsAdmin(Asker):
    """Configurations in one cluster."""

    def __init__(self, client: DataClient) -> None:
        super().__init__(client)
        self._kept: dict[tuple[str, ...], _Kept] = {}

    async def topic_configs(self, topic: str) -> Configs:
        """Return every effective setting of a topic. Raises KafkaFailure (3: no such topic) or NotAuthorized."""
        found = (await self.topics_configs([topic]))[topic]
        if isinstance(found, ClusterError):
            raise found
        return found

    async def topics_configs(self, topics: Iterable[str]) -> dict[str, Configs | ClusterError]:
        """As ``topic_configs`` for many topics in one request (TASK-50); each has its settings or its error.

        Who asks for the same topics again and gets the same answer pays only for its bytes.
        """
        names = sorted(set(topics))
        if not names:
            return {}
        return await self._describe_configs(TOPIC, names, kept=self._kept_of(tuple(names)) if len(names) > 1 else None)

    def _kept_of(self, names: tuple[str, ...]) -> _Kept:
        """What is kept of the last answer about these topics; of the questions of longest ago nothing is."""
        kept = self._kept.pop(names, _Kept())
        self._kept[names] = kept
        while sum(map(len, self._kept)) > _MOST_KEPT and len(self._kept) > 1:
            del self._kept[next(iter(self._kept))]
        return kept

    async def broker_configs(self, node_id: int | None = None) -> Configs:
        """Return every effective setting of a broker (None: any), e.g. ``message.max.bytes``."""
        await self.client.start()
        node = next(iter(sorted(self.client.brokers))) if node_id is None else node_id
        found = (await self._describe_configs(BROKER, [str(node)], node))[str(node)]
        if isinstance(found, ClusterError):
            raise found
        return found

    async def alter_topic_configs(
        self,
        topic: str,
        set_values: Mapping[str, str] | None = None,
        delete: Iterable[str] = (),
        validate_only: bool = False,
    ) -> None:
        """Set some settings of a topic and reset others to what they inherit, all or none. Raises KafkaFailure."""
        kind = IncrementalAlterConfigsRequest.AlterConfigsResource
        changes: list[tuple[str, int, str | None]] = [
            (name, _SET, value) for name, value in sorted((set_values or {}).items())
        ]
        changes += [(name, _DELETE, None) for name in sorted(delete)]
        if not changes:
            return
        message = IncrementalAlterConfigsRequest(
            resources=[
                kind(
                    resource_type=TOPIC,
                    resource_name=topic,
                    configs=[kind.AlterableConfig(name=n, config_operation=op, value=v) for n, op, v in changes],
                )
            ],
            validate_only=validate_only,
        )

        async def attempt() -> None:
            for each in (await self._controller(message)).responses:
                check(each.error_code, each.error_message, "ALTER_CONFIGS", f"topic {topic}")

        await self._repeat(attempt, changes=not validate_only)

    async def alter_topics_configs(
        self, changes: Mapping[str, Mapping[str, str | None]]
    ) -> dict[str, ClusterError | None]:
        """As ``alter_topic_configs`` for many topics in one request, each all or none: its error, or None.

        A value of None resets the setting. A topic without changes is fine as it is.
        """
        kind = IncrementalAlterConfigsRequest.AlterConfigsResource
        answers: dict[str, ClusterError | None] = dict.fromkeys(changes)
        wanted = {topic: values for topic, values in sorted(changes.items()) if values}
        if not wanted:
            return answers
        message = IncrementalAlterConfigsRequest(
            resources=[
                kind(
                    resource_type=TOPIC,
                    resource_name=topic,
                    configs=[
                        kind.AlterableConfig(
                            name=name, config_operation=_DELETE if value is None else _SET, value=value
                        )
                        for name, value in sorted(values.items())
                    ],
                )
                for topic, values in wanted.items()
            ],
            validate_only=False,
        )

        async def attempt() -> None:
            for each in (await self._controller(message)).responses:
                resource = f"topic {each.resource_name}"
                problem = failure(each.error_code, each.error_message, "ALTER_CONFIGS", resource)
                answers[each.resource_name] = problem if each.error_code else None
            moved = [error for error in answers.values() if error is not None and error.code == NOT_CONTROLLER]
            if moved:
                raise moved[0]

        try:
            await self._repeat(attempt, changes=True)
        except ClusterError as error:
            return {topic: error if topic in wanted else None for topic in changes}
        return answers

    async def _describe_configs(
        self, kind: int, names: list[str], node: int | None = None, kept: _Kept | None = None
    ) -> dict[str, Configs | ClusterError]:
        resource = DescribeConfigsRequest.DescribeConfigsResource
        message = DescribeConfigsRequest(
            resources=[resource(resource_type=kind, resource_name=name, configuration_keys=None) for name in names],
            include_synonyms=False,
            include_documentation=False,
        )
        label = "topic" if kind == TOPIC else "broker"

        async def attempt() -> dict[str, Configs | ClusterError]:
            asked = Asked(message, 1, repeated=None if kept is None else kept.repeated)
            response = await (self.client.send_any(asked) if node is None else self.client.send(node, asked))
            if response is SAME and kept is not None:
                return dict(kept.found)
            found: dict[str, Configs | ClusterError] = {}
            for result in response.results:
                subject = f"{label} {result.resource_name}"
                if result.error_code:
                    error = failure(result.error_code, result.error_message, "DESCRIBE_CONFIGS", subject)
                    found[result.resource_name] = error
                    continue
                found[result.resource_name] = {
                    each.name: _value(each.name, each.value, each.config_source, each.read_only, each.is_sensitive)
                    for each in result.configs
                }
            if kept is not None:
                kept.found = dict(found)
            return found

        return await self._repeat(attempt)


@lru_cache(maxsize=4096)
def _value(name: str, value: str | None, source: int, is_read_only: bool, is_sensitive: bool) -> ConfigValue:
    """Most topics have most values in common: one object for all of them."""
    return ConfigValue(name, value, _source(source), is_read_only, is_sensitive)


_SOURCES = {source.value: source for source in ConfigSource}


def _source(number: int) -> ConfigSource:
    return _SOURCES.get(number, ConfigSource.UNKNOWN)
