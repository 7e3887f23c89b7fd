"""The side of a cluster that takes Kerberos tickets (GSSAPI), which confluent-kafka's librdkafka is built without.

Its login is the one of links and workers (`pipeline.cluster`): so here, and only here, a verification stands on code
that the engine uses too. What is compared is read by aiokafka's consumer (`aio_reading`), not by the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.configs import Configs
from pipeline.cluster.errors import ClusterError, NotAuthenticated, SecurityError, TimedOut
from pipeline.cluster.errors import Unreachable as NoConnection
from pipeline.cluster.security import client_arguments
from pipeline.verify.aio_reading import AioReader
from pipeline.verify.errors import BadProperty, TopicMissing, Unreachable, VerifyError
from pipeline.verify.loop_thread import LoopThread
from pipeline.verify.report import Bounds
from pipeline.verify.sides import NEW_TOPIC_S, TIMEOUT_S, Reader, TopicSettings

T = TypeVar("T")
UNKNOWN_TOPIC, NO_LEADER = 3, 5
_AWAY = (NoConnection, TimedOut, NotAuthenticated)


def needs_tickets(configs: Mapping[str, str]) -> bool:
    """Whether these client properties ask for GSSAPI, which is Kafka's default where SASL is asked for."""
    is_sasl = configs.get("security.protocol", "PLAINTEXT").upper().startswith("SASL_")
    return is_sasl and (configs.get("sasl.mechanism") or "GSSAPI").upper() == "GSSAPI"


class AioSide:
    """A Side, see `sides`; it asks by our own administration client and reads with aiokafka."""

    def __init__(self, name: str, configs: Mapping[str, str], topic: str) -> None:
        self.name = name
        self.topic = topic
        try:
            security = client_arguments(configs)
        except SecurityError as error:
            raise BadProperty(error.property_name, error.problem) from error
        self._security = replace(security, api_timeout_ms=round(TIMEOUT_S * 1000))
        self._thread = LoopThread(f"verify {name}")
        self._admin = Admin(self._security, "clusterlink-verify")

    def partitions(self) -> int:
        give_up_at = time.monotonic() + NEW_TOPIC_S
        while True:
            found = self._ask(self._admin.describe_topics([self.topic]))[self.topic]
            if not found.error:
                return len(found.partitions)
            if found.error not in (UNKNOWN_TOPIC, NO_LEADER):
                raise VerifyError(f"{self.name}: {self.topic}: error code {found.error}")
            if time.monotonic() > give_up_at:
                raise TopicMissing(f"{self.name}: no topic {self.topic}")
            time.sleep(0.1)

    def settings(self) -> TopicSettings | None:
        try:
            found: Configs = self._thread.run(self._admin.topic_configs(self.topic))
        except ClusterError:
            return None
        policy, kind = (str(found[name].value) for name in ("cleanup.policy", "message.timestamp.type"))
        return TopicSettings("compact" in policy, kind)

    def bounds(self, partitions: Iterable[int]) -> dict[int, Bounds]:
        places = [(self.topic, each) for each in partitions]
        stable = self._ask(self._admin.end_offsets(places, read_committed=True))
        end = self._ask(self._admin.end_offsets(places))
        start = self._ask(self._admin.begin_offsets(places))
        return {each[1]: Bounds(start[each], end[each], stable[each]) for each in places}

    def reader(self, *, committed: bool, offsets_only: bool = False, stop: Callable[[], bool]) -> Reader:
        return AioReader(
            self._security, self._thread, self.topic, committed=committed, offsets_only=offsets_only, stop=stop
        )

    def close(self) -> None:
        self._thread.run(self._admin.close())
        self._thread.close()

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Raises Unreachable where the cluster was not reached or refused the login, VerifyError otherwise."""
        try:
            return self._thread.run(question)
        except ClusterError as error:
            kind = Unreachable if isinstance(error, _AWAY) else VerifyError
            raise kind(f"{self.name}: {self.topic}: {error}") from error
