"""One side of a comparison: which partitions it has, where they begin and end, how the topic is configured, and who
reads it. A Side asks and reads with librdkafka; `aio_sides` has the one for logins that librdkafka cannot do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from pipeline.verify.chunks import Stream
from pipeline.verify.errors import TopicMissing, Unreachable, VerifyError
from pipeline.verify.logins import LoginWatch
from pipeline.verify.properties import consumer_conf
from pipeline.verify.reading import SILENT, RdReader
from pipeline.verify.report import Bounds

TIMEOUT_S = 30.0
NEW_TOPIC_S = 2.0
LISTEN_S = 0.02
ASK_S, AGAIN_S = 10.0, 0.1
"""One question, and the pause before the next: a leader that has died meanwhile has a successor."""
_NO_ANSWER = (
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._ALL_BROKERS_DOWN,
)
NOT_YET = frozenset(
    (
        *_NO_ANSWER,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.REQUEST_TIMED_OUT,
    )
)
"""What is said for a moment after a broker came back, a leader moved or a connection was lost. librdkafka's
administration does not ask again.
"""
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """What of a topic's configuration decides how it is compared; None where it may not be read."""

    is_compacted: bool
    timestamp_type: str


class Reader(Stream, Protocol):
    """A consumer without a group that reads ranges of partitions, one after the other; a Stream while a range is open.

    For one thread. A chunk raises LogStartMoved, Stopped, Unreachable after a minute without an answer, VerifyError on
    any other error.
    """

    def open(self, partition: int, first: int, end: int) -> None:
        """Read the visible records of [first, end) from now on."""
        ...

    def close(self) -> None: ...


class Side(Protocol):
    """A topic on a cluster. Every method blocks for as long as the cluster takes, TIMEOUT_S at most."""

    name: str
    topic: str

    def partitions(self) -> int:
        """Number of partitions. Raises TopicMissing, Unreachable."""
        ...

    def settings(self) -> TopicSettings | None:
        """The topic's configuration, or None where DescribeConfigs is not permitted."""
        ...

    def bounds(self, partitions: Iterable[int]) -> dict[int, Bounds]:
        """First offset, high watermark and last stable offset of each partition, read in this reverse order.

        So end is never behind stable_end, nor start ahead of what was still there when the ends were read.
        """
        ...

    def reader(self, *, committed: bool, offsets_only: bool = False, stop: Callable[[], bool]) -> Reader:
        """A consumer of its own, of what read_committed (else read_uncommitted) sees; `stop` ends its waiting."""
        ...

    def close(self) -> None: ...


class RdSide:
    """The side of a cluster that librdkafka can log in to."""

    def __init__(self, name: str, configs: Mapping[str, str], topic: str) -> None:
        self.name = name
        self.topic = topic
        self.conf = consumer_conf(configs)
        self._logins = LoginWatch()
        conf: dict[str, Any] = {**self.conf, "log_level": SILENT, "error_cb": self._logins.note}
        try:
            self._admin = AdminClient(conf, logger=logger)
        except KafkaException as error:
            raise VerifyError(f"{name}: {self._why(error)}") from error

    def partitions(self) -> int:
        """A broker may not have heard yet of a topic that was just made: one that is not there is asked for again."""
        give_up_at = time.monotonic() + NEW_TOPIC_S
        while True:
            try:
                return again(self._count_partitions, NOT_YET, TIMEOUT_S)
            except KafkaException as error:
                code = error.args[0].code()
                if code != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    if code in _NO_ANSWER:
                        said = f": {self._logins.last_error}" if self._logins.last_error else ""
                        servers = self.conf["bootstrap.servers"]
                        raise Unreachable(f"{self.name}: no answer of {servers} in {TIMEOUT_S:.0f} s{said}") from error
                    raise VerifyError(f"{self.name}: {self.topic}: {self._why(error)}") from error
                if time.monotonic() > give_up_at:
                    raise TopicMissing(f"{self.name}: no topic {self.topic}") from error
            time.sleep(AGAIN_S)

    def _count_partitions(self) -> int:
        # Not list_topics: that makes a topic where the broker may create them automatically.
        asked = self._admin.describe_topics(TopicCollection([self.topic]), request_timeout=min(ASK_S, TIMEOUT_S))
        return len(self._answer(asked[self.topic]).partitions)

    def settings(self) -> TopicSettings | None:
        resource = ConfigResource(ResourceType.TOPIC, self.topic)

        def ask() -> Any:
            asked = self._admin.describe_configs([resource], request_timeout=min(ASK_S, TIMEOUT_S))
            return asked[resource].result()

        try:
            entries = again(ask, NOT_YET, TIMEOUT_S)
        except KafkaException:
            return None
        policy = str(entries["cleanup.policy"].value)
        return TopicSettings("compact" in policy, str(entries["message.timestamp.type"].value))

    def bounds(self, partitions: Iterable[int]) -> dict[int, Bounds]:
        wanted = list(partitions)
        stable = self._offsets(wanted, _LATEST, IsolationLevel.READ_COMMITTED)
        end = self._offsets(wanted, _LATEST, IsolationLevel.READ_UNCOMMITTED)
        start = self._offsets(wanted, _EARLIEST, IsolationLevel.READ_UNCOMMITTED)
        return {each: Bounds(start[each], end[each], stable[each]) for each in wanted}

    def reader(self, *, committed: bool, offsets_only: bool = False, stop: Callable[[], bool]) -> Reader:
        return RdReader(self.conf, self.topic, committed=committed, offsets_only=offsets_only, stop=stop)

    def close(self) -> None:
        """librdkafka's administration ends with its object."""

    def _offsets(self, partitions: list[int], spec: OffsetSpec, isolation: IsolationLevel) -> dict[int, int]:
        asked = {TopicPartition(self.topic, each): spec for each in partitions}

        def ask() -> dict[int, int]:
            answers = self._admin.list_offsets(asked, isolation_level=isolation, request_timeout=min(ASK_S, TIMEOUT_S))
            return {place.partition: future.result().offset for place, future in answers.items()}

        try:
            return again(ask, NOT_YET, TIMEOUT_S)
        except KafkaException as error:
            raise Unreachable(f"{self.name}: offsets of {self.topic}: {self._why(error)}") from error

    def _answer(self, asked: Future[Any]) -> Any:
        """Wait for it, and hear meanwhile what librdkafka has to tell: of a refused login it says nothing else."""
        while not asked.done():
            self._admin.poll(LISTEN_S)
            if self._logins.is_refused():
                raise Unreachable(f"{self.name}: {self._logins.last_error}")
        self._logins.answered()
        return asked.result()

    @staticmethod
    def _why(error: KafkaException) -> str:
        return str(error.args[0].str() if error.args else error)


def again(ask: Callable[[], Answer], not_yet: Collection[int], within_s: float) -> Answer:
    """The answer of a broker that is ready to give one; raises the last KafkaException after so long without."""
    give_up_at = time.monotonic() + within_s
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in not_yet or time.monotonic() > give_up_at:
                raise
        time.sleep(AGAIN_S)
